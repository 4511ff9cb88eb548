"""The home page: what needs attention, today's figures, and those of 30 days.

Store, queue, spool and records are asked at the same time, each for a second at most. What cannot
be read is shown as unknown; the rest is still shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple, TypeVar

from flask import Flask, render_template

from smsgate.domain.errors import SmsGateError
from smsgate.features.dashboard.statistics import (
    MEASURES,
    DayCounts,
    counts_of,
    kept_counts,
    newest_sums,
    today,
)
from smsgate.metrics.counters import Sums
from smsgate.metrics.snapshot import QueueDepth
from smsgate.monitoring.conditions import REVIEW_DEADLINE_S, TABLE, Condition
from smsgate.monitoring.deadlines import Deadlines, NoAnswerInTime
from smsgate.monitoring.monitor import Monitor
from smsgate.records import Records
from smsgate.store.store import Store
from smsgate.web.console.auth import console_auth, current_session, lacks_factor, needs

DAYS = 30
_BAR_HEIGHT, _MIN_BAR_HEIGHT = 48, 1.5
"""In the units of the chart. The least height shows a day with anything at all."""
T = TypeVar("T")


class FigureCard(NamedTuple):
    """One figure of today, and of the days before."""

    title: str
    today: int | None
    """None if it is unknown."""
    bars: list[tuple[int, float, str]]
    """Of each day, oldest first, its place from the left, its height, and it in words."""


def register(console: Flask, store: Store, records: Records, monitor: Monitor) -> None:
    """Add the routes."""

    def values() -> dict[str, object]:
        return _values(store, records, monitor, console_auth().deadlines)

    @console.get("/console/")
    @needs("viewer")
    def home() -> str:
        """The whole page."""
        return render_template(
            "home.html",
            titles=MEASURES,
            columns=["Day", *((title, "count") for title in MEASURES.values())],
            **values(),
        )

    @console.get("/console/home/now")
    @needs("viewer")
    def home_now() -> str:
        """What changes: the page asks for it every 15 seconds."""
        return render_template("part_home.html", **values())


def _values(
    store: Store, records: Records, monitor: Monitor, deadlines: Deadlines
) -> dict[str, object]:
    """What the page shows; takes as long as one deadline at most, and raises nothing of theirs."""
    now = today()
    # All are asked before any answer is waited for.
    asked_sums = deadlines.store.ask(lambda: newest_sums(store, now))
    first = now - timedelta(days=DAYS - 1)
    asked_days = deadlines.records.ask(lambda: kept_counts(records.database, first))
    state = monitor.look(deadlines)
    sums, store_problem = _read(asked_sums)
    saved, records_problem = _read(asked_days)
    days = _days(now, sums or {}, saved or {})
    reviews = state.snapshot.backlog.reviews if state.snapshot else None
    return {
        "attention": [*state.conditions, *_notices(state.conditions, reviews)],
        "cards": [_card(measure, days, is_known=sums is not None) for measure in MEASURES],
        "days": [*reversed(days.items())],
        "is_today_known": sums is not None,
        "problems": {"Today’s figures": store_problem, "Earlier days": records_problem},
    }


def _read(answer: Callable[[], T]) -> tuple[T, str] | tuple[None, str]:
    """What was read, or why it could not be."""
    try:
        return answer(), ""
    except (NoAnswerInTime, SmsGateError) as error:
        return None, str(error).rstrip(".")


def _days(
    now: date, sums: Mapping[date, Sums], saved: Mapping[date, DayCounts]
) -> dict[date, DayCounts]:
    """Every day since the first that was counted, the greater count of records and store."""
    counted = {day: counts_of(found) for day, found in sums.items() if found}
    age = (now - min([*saved, *counted], default=now + timedelta(days=1))).days
    return {
        day: {one: max(of.get(day, {}).get(one, 0) for of in (saved, counted)) for one in MEASURES}
        for day in (now - timedelta(days=back) for back in range(age, -1, -1))
    }


def _notices(conditions: Sequence[Condition], reviews: QueueDepth | None) -> list[Condition]:
    """What is no fault, and still needs somebody."""
    found = []
    are_old = any(one.name == "SmsgateReviewsOld" for one in conditions)
    if reviews is not None and reviews.count and not are_old:
        hours = max(0.0, REVIEW_DEADLINE_S - reviews.oldest_s) / 3600
        texts = "1 text needs" if reviews.count == 1 else f"{reviews.count:,} texts need"
        title = f"{texts} review, {hours:.0f} h left for the oldest"
        text, page = "Marketing to these numbers is on hold until then.", TABLE["reviews_old"].page
        found.append(Condition("reviews", "ticket", title, text, page=page))
    operator = current_session().operator
    if operator.role == "admin" and not operator.has_second_factor and not lacks_factor():
        title = "You are an admin without two-step sign-in"
        text = "A passkey or a code from your phone protects your account beyond the password."
        page = ("/console/me/factor", "Set up")
        found.append(Condition("factor", "ticket", title, text, page=page))
    return found


def _card(measure: str, days: Mapping[date, DayCounts], *, is_known: bool) -> FigureCard:
    """One figure; that of today is unknown unless the store could be read."""
    counts = [(day, of_day[measure]) for day, of_day in days.items()][-DAYS:]
    most = max((count for _, count in counts), default=0)
    bars = []
    for place, (day, count) in enumerate(counts, DAYS - len(counts)):
        height = max(_MIN_BAR_HEIGHT, round(_BAR_HEIGHT * count / most, 1)) if count else 0
        is_unknown = place == DAYS - 1 and not is_known
        bars.append((place, height, "today: unknown" if is_unknown else f"{day:%b %-d}: {count:,}"))
    return FigureCard(
        MEASURES[measure], (counts[-1][1] if counts else 0) if is_known else None, bars
    )
