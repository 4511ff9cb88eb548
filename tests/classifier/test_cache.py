"""Compiled keyword sets, kept between starts: the same decisions, and never from a bad file."""

from __future__ import annotations

import pytest

from smsgate.classifier import Classifiers, KeywordSetCache
from smsgate.classifier.sets import cache
from smsgate.domain.errors import ConfigurationError
from tests.classifier.program import program

ALERTS = program(name="alerts", keywords=("en",))
ORDERS = program(name="orders", keywords=("en",))
OWN = """
language = "en"
extends = true
[[entries]]
intent = "{intent}"
words = "{words}"
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "sets").mkdir()

    def write(words, intent="opt_out"):
        text = OWN.format(words=words, intent=intent)
        (tmp_path / "sets" / "en.toml").write_text(text, "utf-8")

    write("basta")
    return write


@pytest.fixture
def start(tmp_path, own):
    (tmp_path / "data").mkdir()

    def started(*programs):
        return KeywordSetCache(tmp_path / "sets", programs or (ALERTS,), tmp_path / "data")

    return started


@pytest.fixture
def kept(tmp_path):
    return lambda: sorted((tmp_path / "data").iterdir())


def decided(cache, text, one=ALERTS):
    return Classifiers(cache, (one,))[one.name].classify(text)


def never(_sets):
    raise AssertionError("compiled although it was kept")


def test_a_second_start_reads_what_the_first_one_compiled(start, monkeypatch):
    texts = ("basta", "STOP please", "take me off this list", "see you at the bus stop")
    first = [decided(start(), text) for text in texts]
    monkeypatch.setattr(cache, "compiled", never)
    assert [decided(start(), text) for text in texts] == first
    assert first[0].intent == "opt_out"


def test_only_the_owner_may_read_or_write_what_is_kept(start, kept):
    assert start().faults() == []
    assert [path.stat().st_mode & 0o777 for path in kept()] == [0o600]


@pytest.mark.parametrize("harm", ["cut", "changed", "open to others"])
def test_a_file_that_is_damaged_or_open_to_others_is_made_anew(start, kept, monkeypatch, harm):
    before = decided(start(), "basta")
    (path,) = kept()
    content = path.read_bytes()
    if harm == "cut":
        path.write_bytes(content[:1000])
    elif harm == "changed":
        path.write_bytes(content.replace(b"basta", b"pasta"))
    else:
        path.chmod(0o666)
    made = []
    compile_ = cache.compiled
    monkeypatch.setattr(cache, "compiled", lambda sets: made.append(1) or compile_(sets))
    assert decided(start(), "basta") == before
    assert made
    assert path.read_bytes() == content


def test_changed_sets_are_compiled_again(start, own):
    assert decided(start(), "pasta").intent == "none"
    own("pasta")
    assert decided(start(), "pasta").intent == "opt_out"


def test_contradictions_are_told_by_every_start(start, tmp_path, monkeypatch):
    wrong = OWN.format(words="UNSUBSCRIBE", intent="opt_in").replace('"en"', '"es"')
    (tmp_path / "sets" / "es.toml").write_text(wrong, "utf-8")
    both = program(keywords=("en", "es"))
    first = start(both).faults()
    monkeypatch.setattr(cache, "compiled", never)
    assert start(both).faults() == first
    assert ["UNSUBSCRIBE" in str(fault) for fault in first] == [True]
    with pytest.raises(ConfigurationError, match="one intent"):
        decided(start(both), "stop", both)


@pytest.mark.parametrize("intent", ["opt_out", "opt_out_all"])
@pytest.mark.parametrize(
    ("word", "meant"),
    [("START", "opt_in"), ("unstop", "opt_in"), ("Yes", "opt_in"), ("HELP", "help")],
)
def test_a_word_that_everybody_is_told_to_text_keeps_its_meaning(start, own, word, meant, intent):
    own(f"basta, {word}", intent)
    (fault,) = start().faults()
    assert (fault.key, fault.place.count("en.toml")) == (word, 2)
    assert f"is {intent} here, but {meant} in shipped keywords/en.toml" in fault.problem


def test_a_word_may_mean_more_or_less_of_what_it_is_known_for(start, own):
    for word, intent in (("START", "none"), ("HELP", "review"), ("YES", "opt_in")):
        own(word, intent)
        assert start().faults() == [], word


@pytest.mark.parametrize("intent", ["none", "review", "opt_out_all"])
def test_another_meaning_of_stop_is_told_to_have_no_effect(start, own, intent):
    own("STOP", intent)
    (fault,) = start().faults()
    assert f"is {intent} here, which has no effect: it is opt_out" in fault.problem
    assert "en.toml" in fault.place
    assert "shipped keywords/und.toml" in fault.problem
    own("STOP")
    assert start().faults() == []


def test_a_set_for_every_program_decides_of_stop_as_its_operator_wants(start, tmp_path):
    changed = OWN.format(words="STOP", intent="opt_out_all").replace('"en"', '"und"')
    (tmp_path / "sets" / "und.toml").write_text(changed, "utf-8")
    assert start().faults() == []
    assert decided(start(), "stop").intent == "opt_out_all"


def test_sets_are_compiled_once_for_all_programs_that_have_them(start, monkeypatch):
    made = []
    compile_ = cache.compiled
    monkeypatch.setattr(cache, "compiled", lambda sets: made.append(1) or compile_(sets))
    both = start(ALERTS, ORDERS)
    assert both.faults() == []
    assert len(made) == 1
    assert both.known(ALERTS) is both.known(ORDERS)


def test_without_a_data_directory_nothing_is_kept_and_all_is_understood(tmp_path, own):
    there = KeywordSetCache(tmp_path / "sets", (ALERTS,), tmp_path / "nowhere")
    assert there.faults() == []
    assert decided(there, "basta").intent == "opt_out"
    assert not (tmp_path / "nowhere").exists()


def test_only_the_newest_files_are_kept(start, own, kept):
    for at in range(10):
        own(f"basta{'a' * at}")
        start().faults()
    assert len(kept()) == cache._MOST
    assert decided(start(), "bastaaaaaaaaaa").intent == "opt_out"
