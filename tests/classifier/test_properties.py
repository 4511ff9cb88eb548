"""What must hold for every text whatsoever."""

from __future__ import annotations

import string
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate.classifier.normalize import HEAD, TAIL, clean, fold, tokens
from smsgate.domain.messages import Decision
from tests.classifier.program import BODIES, classifier

KEYWORDS = sorted({keyword.word for _, keyword in classifier().keywords if len(keyword.word) > 1})
EDGES = st.text(alphabet=" .!\"'*()\u200b\n", max_size=5)


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_every_text_gets_a_decision_and_always_the_same(text):
    decision = classifier().classify(text)
    assert isinstance(decision, Decision)
    assert classifier().classify(text) == decision


@given(st.text(alphabet=string.printable + "“”…🛑stopSTOP退订ก한あ", max_size=400))
@settings(max_examples=200, deadline=None)
def test_normalisation_is_idempotent(text):
    once = tokens(clean(text)[0])
    assert tokens(clean(" ".join(once))[0]) == once
    for word in once:
        assert fold(fold(word)) == fold(word)


@pytest.mark.parametrize(("one", "other"), [("መልዕክት", "መልእክት"), ("ኃይል", "ሀይል"), ("ፀሐይ", "ጸሀይ")])
def test_amharic_letters_of_one_sound_are_one_letter(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize("text", ["ရပ်ပါ။ ok", "ឈប់។ ok", "አቁም። ok"])
def test_full_stops_of_every_script_end_a_sentence(text):
    assert tokens(text)[1:] == [".", "ok"]


@given(st.sampled_from(KEYWORDS), EDGES, EDGES, st.sampled_from([str, str.upper, str.lower]))
@settings(max_examples=400, deadline=None)
def test_edge_punctuation_and_case_never_change_a_keyword(word, before, after, cased):
    plain = classifier().classify(word)
    dressed = classifier().classify(before + cased(word) + after)
    if cased(word).casefold() == word.casefold():
        assert dressed.intent == plain.intent


@pytest.mark.parametrize("name", BODIES)
def test_the_work_grows_no_faster_than_the_text(name):
    """Counted in calls, since time on a busy machine says nothing; ``bench.classifier`` has it."""
    body = BODIES[name]
    for characters in (1_200, len(body) // 2):  # of the second, most is cut away
        once, twice = _calls(body[:characters]), _calls(body[: 2 * characters])
        assert twice < 2.2 * once, f"{once} and {twice} calls for {characters} and twice as many"


def _calls(body: str) -> int:
    """How many functions a text calls, after it has been seen once."""
    classifier().classify(body)
    calls = []
    before = sys.getprofile()
    sys.setprofile(lambda _frame, event, _called: calls.append(event))
    try:
        classifier().classify(body)
    finally:
        sys.setprofile(before)
    return sum(event in ("call", "c_call") for event in calls)


def test_letters_that_stand_for_many_make_no_longer_text():
    for letter in "ﬃﷺ":
        assert len(clean(letter * 2_400)[0]) <= HEAD + TAIL + 1
