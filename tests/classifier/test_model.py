"""The weights of the model, and what it makes of them."""

from __future__ import annotations

import pytest

from smsgate.classifier.features import Passage, code_of, joint, parts, skeleton
from smsgate.classifier.model import shipped_model
from smsgate.classifier.normalize import tokens
from smsgate.classifier.weights import STEPS, UNIT, CodeIndex, step_of
from tests.accuracy.placement import placed


def test_a_code_is_found_at_its_place_and_another_one_is_not():
    codes = [code_of(name) for name in ("stop", "texting", "me", "ঠিক")]
    offsets, table = placed([*codes, *range(7, 9_000, 7)])
    index = CodeIndex(offsets, memoryview(table.tobytes()))
    assert [table[place] for place in index.places(codes)] == codes
    assert [table[place] for place in index.places(range(6, 22))] == [7, 14, 21]
    assert index.places([code_of("stopp"), 0xFFFF_FFFF]) == []


@pytest.mark.parametrize("weight", [0.0, 0.09, -0.5, 1.0, -3.0, 8.0, -100.0])
def test_a_weight_is_kept_in_a_byte(weight):
    kept = UNIT * STEPS[step_of(weight)]
    assert kept == pytest.approx(max(-8.0, min(8.0, weight)), rel=0.1, abs=0.01)


@pytest.mark.parametrize(
    ("word", "bones"),
    [("wrong", "wrng"), ("unsubscribe", "unsbscrb"), ("stopp", "stp"), ("退", "退")],
)
def test_the_consonants_of_a_word_stay(word, bones):
    assert skeleton(word) == bones


def test_words_letters_and_concepts_are_features():
    assert {"stop", "%stp", "~<sto", "~op>"} <= set(parts("stop"))
    found = joint(Passage(["stop", "me"], [(0, ["cease"])], ["opt_out!"]))
    names = {"^ stop", "stop me", "stop me $", "@cease", "cease+me", "=opt_out!", "#1"}
    assert set(map(code_of, names)) <= found


def test_the_model_tells_a_request_from_an_ordinary_text():
    model = shipped_model()
    request, ordinary = (
        model.scores(Passage(text.split()))
        for text in ("stop texting me please", "see you at the bus stop at five")
    )
    assert request.opt_out > ordinary.opt_out + 5
    assert request.none < ordinary.none
    assert model.ordinary(tokens("my sister is on the train and will be home by six"))
    assert not model.ordinary(tokens("stop texting me"))
