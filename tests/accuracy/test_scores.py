"""The rules keep the scores that they have reached."""

from __future__ import annotations

import pytest

from tests.accuracy.evaluate import PAGE, first_table, share, smsgate, with_table
from tests.accuracy.texts import EXAMS, FRESH, OUT, Labelled, classifier, labelled, named

DECIDE = smsgate()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("development", 0.985), ("own", 0.99), ("held_out", 0.98), ("looks/examiner", 0.985)],
)
def test_opt_outs_are_suppressed(name, wanted):
    outs = [one for one in labelled(name) if one.label in OUT]
    missed = [one.text for one in outs if DECIDE(one.text) not in OUT]
    assert len(missed) <= (1 - wanted) * len(outs), missed


@pytest.mark.parametrize("name", ["development", "own", "held_out", "looks/examiner"])
def test_ordinary_texts_go_through(name):
    ordinary = [one.text for one in labelled(name) if one.label == "none"]
    assert [text for text in ordinary if DECIDE(text) in OUT] == []


def test_each_required_text_is_decided_as_it_is_labelled():
    wrong = [(one, DECIDE(one.text)) for one in labelled("required")]
    assert [(one.text, kind) for one, kind in wrong if kind != one.label] == []


@pytest.mark.parametrize("label", ["opt_in", "help", "opt_out_all"])
def test_opt_in_help_and_scope_are_recognised(label):
    texts = [one for one in labelled("development") if one.label == label]
    right = [one for one in texts if label in (DECIDE(one.text), _wanted(one.text))]
    assert len(right) >= 0.95 * len(texts)


def _wanted(text: str) -> str:
    """A question how to leave is one for help that a person has to see."""
    return "help" if classifier().classify(text).rule == "how_to_leave" else ""


@pytest.fixture(scope="module")
def exam():
    """The texts of the fresh exams, each with what it is decided as."""
    return [(one, DECIDE(one.text)) for name in FRESH for one in labelled(name)]


@pytest.mark.parametrize(
    ("name", "stops", "stops_or_waits", "ordinary_stopped", "ordinary_held"),
    [
        ("third_exam", 0.98, 0.995, 1, 5),
        ("fourth_exam", 0.97, 0.995, 0, 7),
        ("fifth_exam", 0.98, 0.995, 1, 5),
        ("sixth_exam", 0.99, 1, 0, 4),
        ("sixth_exam_others", 0.32, 0.59, 0, 4),
        ("seventh_exam", 0.965, 0.99, 0, 2),
        ("eighth_exam", 0.91, 0.965, 0, 3),
    ],
)
def test_an_exam_is_passed_no_worse_than_before(
    name, stops, stops_or_waits, ordinary_stopped, ordinary_held
):
    exam = [(one, DECIDE(one.text)) for one in labelled(name)]
    outs = [kind for one, kind in exam if one.label in OUT]
    ordinary = [kind for one, kind in exam if one.label == "none"]
    stopped = sum(kind in OUT for kind in outs)
    assert stopped >= stops * len(outs)
    assert stopped + outs.count("review") >= stops_or_waits * len(outs)
    assert sum(kind in OUT for kind in ordinary) <= ordinary_stopped
    assert ordinary.count("review") <= ordinary_held


def test_the_page_has_the_table_of_the_exam(exam):
    page = PAGE.read_text("utf-8")
    table = first_table([one for one, _ in exam], [kind for _, kind in exam])
    assert with_table(page, table) == page


def test_the_page_begins_with_the_figures_of_the_exam(exam):
    outs = [kind for one, kind in exam if one.label in OUT]
    ordinary = [kind for one, kind in exam if one.label == "none"]
    unclear = [kind for one, kind in exam if one.label == "review"]
    stopped = sum(kind in OUT for kind in outs)
    known = {_bare(one) for name in named() if name not in EXAMS for one in labelled(name)}
    new = [kind for one, kind in exam if one.label in OUT and _bare(one) not in known]
    figures = [
        f"**{_percent(stopped, outs)} of the opt-outs block the number at once**",
        f"{_percent(stopped + outs.count('review'), outs)} at once or until a person has decided",
        f"block a number by mistake: {sum(kind in OUT for kind in ordinary)} of {len(ordinary)}.**",
        f"**{_percent(ordinary.count('review'), ordinary)} of the ordinary texts wait",
        (
            f"Of {len(unclear)} texts that the writer left to a person, smsgate leaves"
            f" {unclear.count('review')} to one, too."
            f" It blocks the number for {sum(kind in OUT for kind in unclear)};"
        ),
        f"{sum(_bare(one) in known for one, _ in exam)} of the {len(exam)} texts",
        f"without them {_percent(sum(kind in OUT for kind in new), new)} of the opt-outs",
    ]
    page = " ".join(PAGE.read_text("utf-8").split())
    assert [figure for figure in figures if figure not in page] == []


def _percent(part: int, whole: list[str]) -> str:
    return share(part, len(whole)).partition(" of")[0]


def _bare(one: Labelled) -> str:
    return one.text.casefold().strip(" .!?,…")
