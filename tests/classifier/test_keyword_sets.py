"""Keyword sets as files: shipped ones, an operator's own, and what is wrong with them."""

from __future__ import annotations

import pytest

from smsgate.classifier import Classifier, load_sets
from smsgate.classifier.sets import shipped
from smsgate.domain.errors import ConfigurationError
from tests.classifier.program import program


def write(folder, name, text):
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_all_languages_are_shipped_without_a_fault():
    sets, faults = load_sets(None, ["*"])
    assert faults == []
    assert len(sets.languages) == 64
    assert set(shipped()) == set(sets.languages)
    Classifier(program(), sets)


def test_an_operators_file_wins_over_the_shipped_one(tmp_path):
    own = 'language = "es"\n[[entries]]\nintent = "opt_out"\nwords = "CHAU"\n'
    sets, faults = load_sets(write(tmp_path, "es", own), ["es"])
    assert faults == []
    classifier = Classifier(program(keywords=("es",), region=""), sets)
    assert classifier.classify("chau").intent == "opt_out"
    assert classifier.classify("baja").intent == "none"


def test_an_operators_file_may_extend_the_shipped_one_and_take_words_out(tmp_path):
    own = (
        'language = "es"\nextends = true\nwithout = "ALTO"\n'
        '[[entries]]\nintent = "opt_out"\nwords = "CHAU"\n'
    )
    sets, faults = load_sets(write(tmp_path, "es", own), ["es"])
    assert faults == []
    classifier = Classifier(program(keywords=("es",), region=""), sets)
    assert [classifier.classify(text).intent for text in ("chau", "baja", "alto")] == [
        "opt_out", "opt_out", "none",
    ]  # fmt: skip


def test_every_fault_of_every_file_is_reported(tmp_path):
    bad = (
        'language = "es"\n[[entries]]\nintent = "stop"\nwords = "A"\n[[entries]]\nintent = "help"\n'
    )
    write(tmp_path, "es", bad)
    write(tmp_path, "fr", "language = ")
    _, faults = load_sets(tmp_path, ["es", "fr", "xx"])
    assert [(fault.key, fault.place.rsplit("/", 1)[-1]) for fault in faults] == [
        ("entries[1]", "es.toml"), ("entries[2]", "es.toml"), ("file", "fr.toml"),
        ("xx", "keywords"),
    ]  # fmt: skip


def test_one_word_with_two_intents_is_refused_and_both_places_are_named(tmp_path):
    own = 'language = "es"\nextends = true\n[[entries]]\nintent = "opt_in"\nwords = "UNSUBSCRIBE"\n'
    sets, _ = load_sets(write(tmp_path, "es", own), ["en", "es"])
    with pytest.raises(ConfigurationError) as caught:
        Classifier(program(keywords=("en", "es")), sets)
    assert "es.toml" in str(caught.value)
    assert "keywords/en.toml" in str(caught.value)


def test_words_of_federal_rule_stay_unless_a_setting_says_otherwise(tmp_path):
    gone = 'language = "en"\nextends = true\nwithout = "CANCEL"\n'
    sets, _ = load_sets(write(tmp_path, "en", gone), ["en"])
    with pytest.raises(ConfigurationError, match=r"CANCEL.*47 CFR"):
        Classifier(program(keywords=("en",)), sets)
    Classifier(program(keywords=("en",), region="GB"), sets)
    sets, _ = load_sets(write(tmp_path, "en", gone + "may_miss_required_words = true\n"), ["en"])
    assert Classifier(program(keywords=("en",)), sets).classify("cancel").intent == "none"


@pytest.mark.parametrize("given", ['countries = ["+44"]', "ask = true", 'risk = "high"'])
def test_a_word_of_federal_rule_that_does_not_stop_everybody_is_missing(tmp_path, given):
    own = (
        'language = "en"\nextends = true\nwithout = "CANCEL"\n'
        f'[[entries]]\nintent = "opt_out"\nwords = "CANCEL"\n{given}\n'
    )
    sets, faults = load_sets(write(tmp_path, "en", own), ["en"])
    assert faults == []
    with pytest.raises(ConfigurationError, match=r"CANCEL.*47 CFR"):
        Classifier(program(keywords=("en",)), sets)
    Classifier(program(keywords=("en",), region="GB"), sets)


@pytest.mark.parametrize("name", ["es", "und"])
def test_a_program_of_the_united_states_without_english_is_refused(tmp_path, name):
    sets, _ = load_sets(None, [name])
    with pytest.raises(ConfigurationError, match=r"CANCEL.*have them in \"en\"") as caught:
        Classifier(program(keywords=(name,)), sets)
    (fault,) = caught.value.faults
    assert f"may_miss_required_words = true in keywords/{name}.toml" in fault.problem
    own = f'language = "{name}"\nextends = true\nmay_miss_required_words = true\n'
    sets, _ = load_sets(write(tmp_path, name, own), [name])
    Classifier(program(keywords=(name,)), sets)


def test_words_of_federal_rule_may_stand_in_another_set(tmp_path):
    words = "QUIT, END, REVOKE, OPT OUT, CANCEL, UNSUBSCRIBE"
    own = f'language = "zu"\nextends = true\n[[entries]]\nintent = "opt_out"\nwords = "{words}"\n'
    sets, _ = load_sets(write(tmp_path, "zu", own), ["zu"])
    assert Classifier(program(keywords=("zu",)), sets).classify("cancel").intent == "opt_out"


@pytest.mark.parametrize("name", sorted(set(shipped()) - {"und"}))
def test_latin_stop_works_in_every_language(name):
    sets, _ = load_sets(None, [name])
    classifier = Classifier(program(keywords=(name,), region=""), sets)
    assert classifier.classify("Stop.").intent == "opt_out"


@pytest.mark.parametrize("name", sorted(set(shipped()) - {"und", "en"}))
def test_each_keyword_of_a_language_does_what_its_file_says(name):
    sets, _ = load_sets(None, [name])
    classifier = Classifier(program(keywords=(name,), region=""), sets)
    for entry in sets.languages[name].entries:
        if entry.countries:
            continue
        for word in entry.each():
            decision = classifier.classify(word)
            wanted = "review" if entry.risk == "high" and not entry.ask else entry.intent
            assert decision.intent in (wanted, entry.intent), (word, decision)
