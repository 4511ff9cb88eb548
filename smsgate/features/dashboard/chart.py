"""Thirty days as bars: an SVG that says in words what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from smsgate.features.dashboard.service import DAYS
from smsgate.records.days import Counts

WIDTH, HEIGHT = 300, 48
"""Of the picture's own units; the page stretches it."""
_STEP = WIDTH / DAYS
_GAP = 2
_LEAST = 1.5
"""A day with anything at all is seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day."""

    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The days of one measure, oldest first."""

    id: str
    bars: list[Bar]
    said: str
    """The same in words."""


def chart_of(
    title: str, what: str, days: Mapping[date, Counts], *, is_today_known: bool = True
) -> Chart:
    """The newest day stands rightmost; before the first day that was counted nothing is drawn.

    Where today is unknown it has no bar, and is said to be.
    """
    counts = [(day, counts.get(what, 0)) for day, counts in days.items()][-DAYS:]
    most = max((count for _, count in counts), default=0)
    start = DAYS - len(counts)
    bars = [_bar(start + at, day, count, most) for at, (day, count) in enumerate(counts)]
    if bars and not is_today_known:
        bars[-1] = replace(bars[-1], said="today: unknown")
    return Chart(what, bars, _words(title, counts, is_today_known=is_today_known))


def _bar(at: int, day: date, count: int, most: int) -> Bar:
    height = max(_LEAST, HEIGHT * count / most) if count else 0
    said = f"{day:%b %-d}: {count:,}"
    return Bar(
        round(at * _STEP, 1), round(HEIGHT - height, 1), _STEP - _GAP, round(height, 1), said
    )


def _words(title: str, counts: list[tuple[date, int]], *, is_today_known: bool) -> str:
    if not counts:
        return f"{title}: nothing was counted yet."
    day, most = max(counts, key=lambda one: one[1])
    total = sum(count for _, count in counts)
    return (
        f"{title} on each of the last {len(counts)} days: {total:,} together, most on "
        f"{day:%B %-d} ({most:,}), today {f'{counts[-1][1]:,}' if is_today_known else 'unknown'}."
    )
