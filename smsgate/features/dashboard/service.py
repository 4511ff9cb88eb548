"""Reads all that the home page shows: status, figures of days, what needs attention.

Store, queue, spool and records are asked at the same time, each for a second at most. What cannot
be read is shown as unknown; the rest is still shown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, TypeVar

from smsgate.domain.errors import SmsGateError, StoreUnavailable
from smsgate.features.dashboard.first_day import (
    FirstDay,
    first_day,
    has_real_event,
    has_real_request,
)
from smsgate.features.dashboard.statistics import (
    MEASURES,
    ConfirmationFigures,
    Latency,
    blocked_latency,
    confirmation_figures,
    confirmed_latency,
    count_overdue_confirmations,
    counts_of,
    today,
    usual_counts,
)
from smsgate.features.dashboard.status import ComponentStatus, component_status
from smsgate.metrics.counters import Sums
from smsgate.metrics.snapshot import SystemSnapshot
from smsgate.pipeline.archive_report import archive_report
from smsgate.pipeline.conditions import (
    Condition,
    condition,
    conditions,
    durability_conditions,
)
from smsgate.pipeline.monitoring import take_snapshot
from smsgate.pipeline.readiness import Deadlines, NoAnswerInTime, PendingAnswer
from smsgate.pipeline.services import Services
from smsgate.pipeline.spool import waiting
from smsgate.records.daily_counts import DailyCountStorage, DayCounts

DAYS = 30
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Today's figures beside those of earlier days."""

    today: DayCounts | None
    """None if the store cannot be read."""
    usual: dict[str, float] | None
    """What a day like today has, empty if there was none; None if the records cannot be read."""
    days: dict[date, DayCounts]
    """The last 30 days, with today; those before anything was counted are left out."""
    to_blocked: Latency | None
    to_confirmed: Latency | None
    confirmations: ConfirmationFigures | None
    """None if the store cannot be read."""
    store_problem: str = ""
    """Why today is unknown."""
    records_problem: str = ""
    """Why earlier days are unknown."""

    @property
    def nothing_yet(self) -> bool:
        """Whether no text ever came, as far as that is known."""
        if self.store_problem or self.records_problem:
            return False
        return not any(counts.get("texts") for counts in self.days.values())


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the home page shows of a moment."""

    components: list[ComponentStatus]
    conditions: list[Condition]
    """What cannot be read first, then failures."""
    snapshot: SystemSnapshot | None
    """None if the store cannot be read."""
    figures: DayFigures
    first_day: FirstDay | None
    """None if a text of a real provider came, or if that is unknown."""


@dataclass(frozen=True, slots=True)
class _Reading(Generic[T]):
    """What was read, or why it could not be."""

    value: T | None
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class _StoreCounts:
    """What the store has counted today and yesterday."""

    days: Sequence[tuple[date, Sums]]
    overdue: int
    """Confirmations that wait past their time."""
    is_partial: bool


def load_dashboard(services: Services, deadlines: Deadlines) -> Dashboard:
    """Ask everything; takes as long as one deadline at most, and raises nothing of theirs."""
    now = today()
    first = now - timedelta(days=DAYS - 1)
    history = DailyCountStorage(services.records.database)
    # All are asked before any answer is waited for.
    asked_store = deadlines.store.ask(lambda: take_snapshot(services.store, services.settings))
    asked_counts = deadlines.store.ask(lambda: _store_counts(services, now))
    asked_queue = deadlines.queue.ask(services.job_queue.ping)
    asked_spool = deadlines.spool.ask(services.spool.depth)
    asked_records = deadlines.records.ask(services.records.check)
    asked_days = deadlines.records.ask(lambda: history.since(first))
    asked_request = deadlines.store.ask(lambda: has_real_request(services))
    asked_event = deadlines.records.ask(lambda: has_real_event(services))
    asked_archiver = deadlines.archiver.ask(lambda: archive_report(services.archiver))

    store, spool = _read(asked_store), _read(asked_spool)
    snapshot, archived = store.value, _read(asked_archiver).value
    problems = {
        "store": store.problem,
        "queue": _read(asked_queue).problem,
        "spool": spool.problem,
        "records": _read(asked_records).problem,
    }
    unknown = {name: problem for name, problem in problems.items() if problem}
    is_writable = snapshot is not None and snapshot.write_obstacle is None
    if is_writable and archived is not None and archived.problem and "records" not in unknown:
        unknown["records"] = archived.problem
    is_one_redis = services.settings.queue_url == services.settings.redis_url
    away = [
        condition(f"{name}_away", name, problem, store.remedy if name == "store" else "")
        for name, problem in unknown.items()
        # One cause is said once.
        if not (name == "queue" and is_one_redis and not is_writable)
    ]
    found = [*conditions(snapshot), *durability_conditions(snapshot)] if snapshot else []
    found = [*away, *sorted(found, key=lambda one: not one.is_failure)]
    waits = {
        "spool": f"{waiting(spool.value)} for the store" if spool.value else "",
        "records": archived.waiting if is_writable and archived else "",
    }
    now_us = time.time_ns() // 1000
    return Dashboard(
        components=component_status(services.settings, snapshot, found, unknown, waits, now_us),
        conditions=found,
        snapshot=snapshot,
        figures=_figures(now, _read(asked_counts), _read(asked_days)),
        # None is unknown.
        first_day=(
            first_day(services.settings)
            if {_read(asked_request).value, _read(asked_event).value} == {False}
            else None
        ),
    )


def _read(answer: PendingAnswer[T]) -> _Reading[T]:
    try:
        return _Reading(answer.get())
    except (NoAnswerInTime, SmsGateError) as error:
        remedy = error.remedy if isinstance(error, StoreUnavailable) else ""
        return _Reading(None, str(error).rstrip("."), remedy)


def _store_counts(services: Services, now: date) -> _StoreCounts:
    overdue, is_partial = count_overdue_confirmations(services.store, services.settings)
    days = [(day, services.store.metrics.sums_on(day)) for day in (now, now - timedelta(days=1))]
    return _StoreCounts(days, overdue, is_partial)


def _figures(
    now: date, of_store: _Reading[_StoreCounts], of_records: _Reading[dict[date, DayCounts]]
) -> DayFigures:
    """Finished days are the records', today and yesterday the greater of records and store."""
    counted, days = of_store.value, of_records.value or {}
    for day, found in counted.days if counted else ():
        if found:
            saved, counts = days.get(day, {}), counts_of(found)
            days[day] = {one: max(saved.get(one, 0), counts[one]) for one in MEASURES}
    if counted is None:
        days.pop(now, None)  # the records have a part of it at most
    sums = [found for _, found in counted.days] if counted else []
    latency = confirmed_latency(sums)
    return DayFigures(
        today=days.get(now, dict.fromkeys(MEASURES, 0)) if counted else None,
        usual=usual_counts(days, now) if not of_records.problem else None,
        days=_without_gaps(days, now),
        to_blocked=blocked_latency(sums),
        to_confirmed=latency,
        confirmations=(
            confirmation_figures(sums, latency, counted.overdue, counted.is_partial)
            if counted
            else None
        ),
        store_problem=of_store.problem,
        records_problem=of_records.problem,
    )


def _without_gaps(days: dict[date, DayCounts], now: date) -> dict[date, DayCounts]:
    """Every day since the first that was counted; one without anything has zeros."""
    if not days:
        return {}
    age = (now - min(days)).days
    order = [now - timedelta(days=back) for back in range(age, -1, -1)]
    return {day: days.get(day, dict.fromkeys(MEASURES, 0)) for day in order}
