"""Charts: axes with round values, marks in their place, gaps where a day is unknown."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from smsgate.features.trends.chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    chart_of,
    tick_step,
)

FIRST = date(2026, 11, 1)


def chart(*values: float | None, whole: bool = True):
    days = [(FIRST + timedelta(days=at), value) for at, value in enumerate(values)]
    return chart_of("x", "Opt-outs a day", days, lambda one: f"{one:g}", whole=whole)


@pytest.mark.parametrize(
    ("most", "whole", "step"),
    [
        (0, True, 1),
        (0, False, 0.01),
        (1, True, 1),
        (3, True, 1),
        (4, False, 1),
        (5, True, 2),
        (0.011, False, 0.005),
        (93, True, 50),
        (80, True, 20),
        (1_000_000, True, 500_000),
    ],
)
def test_steps_of_an_axis_are_round(most, whole, step):
    assert tick_step(most, whole=whole) == pytest.approx(step)


def test_bars_stand_on_the_axis_and_the_highest_reaches_its_value():
    made = chart(0, 2, 8)
    base, plot = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    assert [one.height for one in made.marks] == [0, plot / 4, plot]
    assert [one.y + one.height for one in made.marks] == [base, base, base]
    assert made.marks[0].x >= LEFT
    assert made.marks[-1].x + made.marks[-1].width <= WIDTH - RIGHT
    assert [tick.text for tick in made.y_ticks] == ["0", "2", "4", "6", "8"]
    assert [tick.at for tick in made.y_ticks] == [base - plot * at / 4 for at in range(5)]
    assert [tick.text for tick in made.x_ticks] == ["Nov 1", "Nov 2", "Nov 3"]
    assert made.marks[1].text == "Nov 2, 2026: 2"


def test_an_unknown_day_is_no_zero_and_breaks_the_line():
    made = chart(1, 1, None, 1, None, 1, 1)
    assert [one.is_known for one in made.marks] == [True, True, False, True, False, True, True]
    assert made.marks[2].text == "Nov 3, 2026: unknown"
    assert [line.count(",") for line in made.lines] == [2, 2]
    assert "Unknown on 2 of 7 days." in made.text


def test_a_chart_says_the_same_in_words():
    assert chart(1, 5, 2).text == (
        "Opt-outs a day from November 1 to November 3, 2026: highest on November 2 (5), last 2."
    )
    assert chart(None, None).text == "Opt-outs a day: unknown on all 2 days."


def test_a_year_has_a_few_dates_and_every_day():
    made = chart(*range(366))
    assert len(made.marks) == 366
    assert len(made.x_ticks) <= 6
    assert made.marks[1].height > 0, "one opt-out is seen beside hundreds"
