"""Charts as SVG: where bars, points, lines and the labels of the axes go. Pure.

The template writes the elements. All sizes are in the SVG's own units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 26
"""What the axes and their labels take of each side."""
_TICKS = 4
"""About so many steps of the value axis."""
_DATES = 6
"""About so many labels of the date axis."""
_MIN_BAR_HEIGHT = 1.5
"""So that a day with anything at all is seen."""


@dataclass(frozen=True, slots=True)
class ChartTick:
    """A label of an axis, and its place along it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class ChartMark:
    """One day: its column, and its value in words."""

    x: float
    width: float
    y: float
    """Of the top of a bar, or of a point."""
    height: float
    text: str
    is_known: bool

    @property
    def middle(self) -> float:
        """The middle of its column."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of one value over days."""

    id: str
    title: str
    text: str
    """The same in words."""
    marks: Sequence[ChartMark]
    y_ticks: Sequence[ChartTick]
    x_ticks: Sequence[ChartTick]
    lines: Sequence[str] = field(default_factory=tuple)
    """Points of lines through days that follow each other, as SVG writes them."""

    @property
    def view_box(self) -> str:
        """The size of the drawing."""
        return f"0 0 {WIDTH} {HEIGHT}"

    @property
    def left(self) -> float:
        """Where the value axis is."""
        return LEFT

    @property
    def right(self) -> float:
        """Where the plot ends."""
        return WIDTH - RIGHT

    @property
    def top(self) -> float:
        """The upper end of the plot."""
        return TOP

    @property
    def base(self) -> float:
        """Where the date axis is."""
        return HEIGHT - BOTTOM


def chart_of(
    id_: str,
    title: str,
    values: Sequence[tuple[date, float | None]],
    text_of: Callable[[float], str],
    *,
    whole: bool = False,
) -> Chart:
    """The chart of values over the days of a range, oldest first; None is unknown.

    ``text_of`` writes a value. ``whole``: values are counts, so that no tick is a fraction.
    """
    known = [(day, value) for day, value in values if value is not None]
    step = tick_step(max((value for _, value in known), default=0), whole=whole)
    ticks = max(1, math.ceil(max((value for _, value in known), default=0) / step - 1e-9))
    top = step * ticks
    base, plot = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    column = (WIDTH - LEFT - RIGHT) / max(1, len(values))
    gap = min(2.0, column * 0.2)
    marks = []
    for at, (day, value) in enumerate(values):
        share = (value or 0) / top
        height = max(_MIN_BAR_HEIGHT, plot * share) if value else 0
        said = "unknown" if value is None else text_of(value)
        marks.append(
            ChartMark(
                x=round(LEFT + at * column + gap / 2, 1),
                width=round(column - gap, 1),
                y=round(base - height, 1),
                height=round(height, 1),
                text=f"{day:%b %-d, %Y}: {said}",
                is_known=value is not None,
            )
        )
    every = max(1, math.ceil(len(values) / _DATES))
    return Chart(
        id=id_,
        title=title,
        text=_in_words(title, known, len(values), text_of),
        marks=marks,
        y_ticks=[
            ChartTick(round(base - plot * at / ticks, 1), text_of(step * at))
            for at in range(ticks + 1)
        ],
        x_ticks=[
            ChartTick(marks[at].middle, f"{values[at][0]:%b %-d}")
            for at in range(0, len(values), every)
        ],
        lines=_lines(marks),
    )


def tick_step(most: float, *, whole: bool = False) -> float:
    """The step of an axis up to ``most``: 1, 2 or 5 times a power of ten."""
    if most <= 0:
        return 1 if whole else 0.01
    raw = most / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= raw * (1 - 1e-9))
    return max(1, step) if whole else step


def _lines(marks: Sequence[ChartMark]) -> list[str]:
    """Lines with a gap at each day that is unknown."""
    found: list[list[str]] = [[]]
    for mark in marks:
        if mark.is_known:
            found[-1].append(f"{mark.middle},{mark.y}")
        elif found[-1]:
            found.append([])
    return [" ".join(points) for points in found if len(points) > 1]


def _in_words(
    title: str,
    known: Sequence[tuple[date, float]],
    count: int,
    text_of: Callable[[float], str],
) -> str:
    if not known:
        return f"{title}: unknown on all {count} days."
    best_day, most = max(known, key=lambda one: one[1])
    missing = f" Unknown on {count - len(known)} of {count} days." if len(known) < count else ""
    return (
        f"{title} from {known[0][0]:%B %-d} to {known[-1][0]:%B %-d, %Y}: highest on "
        f"{best_day:%B %-d} ({text_of(most)}), last {text_of(known[-1][1])}.{missing}"
    )
