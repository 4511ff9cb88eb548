"""Reads all that the home page shows: status, figures of days, what needs attention.

Store, queue, spool and records are asked at the same time, each for a second at most. What cannot
be read is shown as unknown; the rest is still shown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from smsgate.domain.errors import SmsGateError
from smsgate.features.dashboard.statistics import (
    MEASURES,
    WINDOW_S,
    ConfirmationFigures,
    confirmation_figures,
    counts_of,
    newest_sums,
    today,
)
from smsgate.features.dashboard.status import ComponentStatus, component_status
from smsgate.metrics.counters import Sums
from smsgate.metrics.snapshot import QueueDepth
from smsgate.pipeline.conditions import Condition
from smsgate.pipeline.deadlines import Deadlines, NoAnswerInTime, PendingAnswer
from smsgate.pipeline.services import Services
from smsgate.records.daily_counts import DailyCountStorage, DayCounts

DAYS = 30
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the home page shows of a moment."""

    components: list[ComponentStatus]
    conditions: Sequence[Condition]
    """What cannot be used first, then failures."""
    reviews: QueueDepth | None
    """None if the store cannot be read."""
    today: DayCounts | None
    """None if the store cannot be read."""
    days: dict[date, DayCounts]
    """The last 30 days, with today; those before anything was counted are left out."""
    confirmations: ConfirmationFigures | None
    """Of today and yesterday; None if the store cannot be read."""
    store_problem: str = ""
    """Why today is unknown."""
    records_problem: str = ""
    """Why earlier days are unknown."""


def load_dashboard(services: Services, deadlines: Deadlines) -> Dashboard:
    """Ask everything; takes as long as one deadline at most, and raises nothing of theirs."""
    now = today()
    history = DailyCountStorage(services.records.database)
    # All are asked before any answer is waited for.
    asked_sums = deadlines.store.ask(lambda: newest_sums(services.store, now))
    asked_days = deadlines.records.ask(lambda: history.since(now - timedelta(days=DAYS - 1)))
    state = services.monitor.look(deadlines)
    snapshot = state.snapshot
    sums, store_problem = _read(asked_sums)
    saved, records_problem = _read(asked_days)
    waiting = (snapshot.backlog.inbox, snapshot.backlog.outbox) if snapshot else ()
    is_overdue = any(one.oldest_s > WINDOW_S for one in waiting)
    days = _days(now, sums, saved or {})
    return Dashboard(
        components=component_status(services.settings, state, time.time_ns() // 1000),
        conditions=state.conditions,
        reviews=snapshot.backlog.reviews if snapshot else None,
        today=None if sums is None else days.get(now, dict.fromkeys(MEASURES, 0)),
        days=_without_gaps(days, now),
        confirmations=(
            None if sums is None else confirmation_figures([*sums.values()], is_overdue=is_overdue)
        ),
        store_problem=store_problem,
        records_problem=records_problem,
    )


def _read(answer: PendingAnswer[T]) -> tuple[T, str] | tuple[None, str]:
    """What was read, or why it could not be."""
    try:
        return answer.get(), ""
    except (NoAnswerInTime, SmsGateError) as error:
        return None, str(error).rstrip(".")


def _days(
    now: date, sums: dict[date, Sums] | None, saved: dict[date, DayCounts]
) -> dict[date, DayCounts]:
    """Finished days are the records', today and yesterday the greater of records and store."""
    days = dict(saved)
    for day, found in (sums or {}).items():
        if found:
            recorded, counts = days.get(day, {}), counts_of(found)
            days[day] = {one: max(recorded.get(one, 0), counts[one]) for one in MEASURES}
    if sums is None:
        days.pop(now, None)  # the records have a part of it at most
    return days


def _without_gaps(days: dict[date, DayCounts], now: date) -> dict[date, DayCounts]:
    """Every day since the first that was counted; one without anything has zeros."""
    age = (now - min(days)).days if days else -1
    order = [now - timedelta(days=back) for back in range(age, -1, -1)]
    return {day: days.get(day, dict.fromkeys(MEASURES, 0)) for day in order}
