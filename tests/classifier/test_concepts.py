"""Names looked up by hash, and what words are about."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smsgate.classifier.concepts import Concepts
from smsgate.classifier.model import shipped_models
from smsgate.classifier.weights import HashTable, table_of
from tests.accuracy import concepts as listed
from tests.accuracy.texts import Labelled

NAMES = st.dictionaries(
    st.text(min_size=1, max_size=12), st.integers(-32768, 32767), min_size=1, max_size=300
)


@given(NAMES)
def test_every_name_that_was_put_in_is_found_with_its_number(numbers):
    table = HashTable(table_of(numbers))
    wrong = [name for name, number in numbers.items() if table.get(name) != number]
    # two names of one hash and one place: once in some ten thousand
    assert len(wrong) <= 1


def test_a_name_that_was_not_put_in_has_no_number():
    table = HashTable(table_of({f"name {at}": at for at in range(1000)}))
    strange = [at for at in range(2000) if table.get(f"other {at}") is not None]
    assert len(strange) <= 2
    assert HashTable(table_of({})).get("name") is None


def test_numbers_are_cut_to_what_fits():
    table = HashTable(table_of({"much": 99_999, "little": -99_999}))
    assert (table.get("much"), table.get("little")) == (32767, -32768)


def test_words_stems_and_rows_of_words_are_found_in_the_language_of_most():
    found = shipped_models().concepts.found(
        ["please", "give", "it", "a", "rest", "and", "take", "this", "pizza"]
    )
    assert found.language == "en"
    meant = dict(found.places)
    assert "cease" in meant[1]
    assert "food" in meant[8]
    assert shipped_models().concepts.found(["unsubscribing"]).places[0][1] == ["unsubscribe"]
    assert shipped_models().concepts.found([]) == ("", [])


def test_a_word_of_two_languages_means_what_it_means_in_the_language_of_the_text():
    lists = {
        "de": {"bin": {"first"}, "das": {"third"}},
        "en": {"bin": {"remove"}, "the": {"third"}},
    }
    both = Concepts(listed.concept_table((), lists))
    assert dict(both.found(["the", "bin"]).places)[1] == ["remove"]
    assert dict(both.found(["das", "bin"]).places)[1] == ["first"]


def test_a_few_words_that_other_languages_know_too_are_taken_for_english():
    for text in ("shall v go out", "may go out later", "please wait for me"):
        assert shipped_models().concepts.found(text.split()).language == "en"


def test_usual_words_tell_the_language_and_stand_for_nothing():
    lists = {"de": {"bin": {"first"}}, "en": {"bin": {"remove"}}}
    texts = [Labelled("none", "de", f"der Zug {at}") for at in range(listed.USUAL)]
    both = Concepts(listed.concept_table(texts, lists))
    assert dict(both.found(["der", "zug", "bin"]).places) == {2: ["first"]}
    assert dict(both.found(["bin"]).places) == {0: ["remove"]}


def test_a_usual_word_is_one_of_the_forms_of_a_listed_one():
    texts = [Labelled("none", "en", f"the stopping train {at}") for at in range(listed.USUAL)]
    known = Concepts(listed.concept_table(texts, {"en": {"stop*": {"cease"}}}))
    assert dict(known.found(["the", "stopping", "train"]).places) == {1: ["cease"]}


def test_a_vietnamese_word_with_its_accents_is_not_another_one():
    thanks = shipped_models().concepts.found(["cam", "on"], ["cảm", "ơn"])
    assert not {"cease", "away"} & {name for _, names in thanks.places for name in names}
    forbids = shipped_models().concepts.found(["cam", "gui", "tin"], ["cấm", "gửi", "tin"])
    assert "cease" in dict(forbids.places)[0]


def test_every_list_can_be_read_and_speaks_of_the_same_concepts():
    lists = listed.lists()
    named = {language: set().union(*entries.values()) for language, entries in lists.items()}
    for language, names in named.items():
        assert names <= named["en"], language
        assert len(lists[language]) > 150, language
