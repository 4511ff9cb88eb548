"""Everything at a glance: is it well, what happened today, what needs a person.

Store, queue, spool and records are asked at the same time, each for a second at most. What cannot
be read is unknown, and said to be; the rest is still seen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, TypeVar

from smsgate.domain.errors import SmsGateError, StoreUnavailable
from smsgate.features.dashboard import daily
from smsgate.features.dashboard.missed import missed_waiting
from smsgate.features.dashboard.status import Collaborators, Part, Status, parts
from smsgate.metrics.counters import Sums
from smsgate.metrics.snapshot import SystemSnapshot
from smsgate.pipeline.conditions import Condition, conditions, durability_conditions
from smsgate.pipeline.deadlines import Deadlines, NoAnswerInTime, PendingAnswer
from smsgate.pipeline.monitoring import take_snapshot
from smsgate.pipeline.readiness import of_store
from smsgate.pipeline.services import Services
from smsgate.pipeline.spool import waiting
from smsgate.records.days import Counts
from smsgate.store import Store

DAYS = 30
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Days in numbers."""

    today: Counts | None
    """None where the store cannot be read."""
    usual: dict[str, float] | None
    """What a day like today has, empty where there was none; None where the records cannot be
    read."""
    days: dict[date, Counts]
    """The last 30 days, with today; those before anything was counted are left out."""
    to_blocked: daily.Speed | None
    to_confirmed: daily.Speed | None
    confirmations: daily.Confirmations | None
    """None where the store cannot be read."""
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
class Overview:
    """What a page shows of a moment."""

    collaborators: Collaborators
    parts: list[Part]
    conditions: list[Condition]
    """What is not as it should be, with its remedy."""
    seen: SystemSnapshot | None
    """None where the store cannot be read."""
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class _Reading(Generic[T]):
    """What was read, or why it could not be."""

    value: T | None
    problem: str = ""
    mend: str = ""
    """What mends it, where that is known."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the store has counted today and yesterday."""

    days: Sequence[tuple[date, Sums]]
    waiting: int
    """Confirmations that wait past their time."""
    is_partial: bool


def look(services: Services, deadlines: Deadlines) -> Overview:
    """Ask everything; takes as long as one deadline at most, and raises nothing of theirs."""
    now = daily.today()
    first = now - timedelta(days=DAYS - 1)
    # All are asked before any answer is waited for.
    asked_store = deadlines.store.ask(lambda: take_snapshot(services.store, services.settings))
    asked_ready = deadlines.store.ask(lambda: _of_store(services.store))
    asked_counted = deadlines.store.ask(lambda: _counted(services, now))
    asked_queue = deadlines.queue.ask(services.job_queue.ping)
    asked_spool = deadlines.spool.ask(services.spool.depth)
    asked_records = deadlines.records.ask(services.records.check)
    asked_days = deadlines.records.ask(lambda: services.records.days.since(first))
    asked_recording = deadlines.archiver.ask(services.archiver.state)

    store, ready, spool = _read(asked_store), _read(asked_ready), _read(asked_spool)
    records, archiver = _read(asked_records), _read(asked_recording)
    spooled = f"ok; {waiting(spool.value)} for the store" if spool.value else "ok"
    collaborators = Collaborators(
        status={
            "store": _status(store) if store.problem else ready.value or _status(ready),
            "queue": _status(_read(asked_queue), said="ok"),
            "spool": _status(spool, said=spooled),
            "records": _status(records, said=archiver.value),
        },
        is_one_redis=services.settings.queue_url == services.settings.redis_url,
    )
    seen = store.value
    found = [*conditions(seen), *durability_conditions(seen)] if seen else []
    return Overview(
        collaborators=collaborators,
        parts=parts(services.settings, seen, collaborators, time.time_ns() // 1000),
        conditions=sorted(found, key=lambda one: not one.is_failure),
        seen=seen,
        numbers=_numbers(now, _read(asked_counted), _read(asked_days)),
    )


def _read(answer: PendingAnswer[T]) -> _Reading[T]:
    try:
        return _Reading(answer.get())
    except (NoAnswerInTime, SmsGateError) as error:
        mend = error.mend if isinstance(error, StoreUnavailable) else ""
        return _Reading(None, str(error).rstrip("."), mend)


def _status(one: _Reading[T], said: str | None = None) -> Status:
    return Status(unknown=one.problem, mend=one.mend) if one.problem else Status(said)


def _of_store(store: Store) -> Status:
    """Whether a store that can be read is ready, takes writes, and lets the gate answer."""
    try:
        store.write_lease.refuse_unwritable()
    except StoreUnavailable as error:
        return Status(str(error), mend=error.mend)
    said = of_store(store)
    obstacle = store.write_lease.obstacle() if said.startswith("ok") else None
    if obstacle:
        return Status(f"the gate cannot tell: {obstacle.problem}", mend=obstacle.remedy)
    return Status(said)


def _counted(services: Services, now: date) -> _Counted:
    waiting, is_partial = missed_waiting(services.store, services.settings)
    days = [(day, services.store.metrics.sums_on(day)) for day in (now, now - timedelta(days=1))]
    return _Counted(days, waiting, is_partial)


def _numbers(
    now: date, of_store: _Reading[_Counted], of_records: _Reading[dict[date, Counts]]
) -> Numbers:
    """Days in numbers: finished ones from the records, today from the store."""
    counted, days = of_store.value, of_records.value or {}
    for day, found in counted.days if counted else ():
        if found:
            days[day] = _grown(days.get(day, {}), daily.counts_of(found))
    if counted is None:
        days.pop(now, None)  # the records have a part of it at most
    sums = [found for _, found in counted.days] if counted else []
    confirmed = daily.to_confirmed(sums)
    return Numbers(
        today=days.get(now, dict.fromkeys(daily.WHATS, 0)) if counted else None,
        usual=daily.usual(days, now) if not of_records.problem else None,
        days=_filled(days, now),
        to_blocked=daily.to_blocked(sums),
        to_confirmed=confirmed,
        confirmations=(
            daily.confirmations(sums, confirmed, counted.waiting, counted.is_partial)
            if counted
            else None
        ),
        store_problem=of_store.problem,
        records_problem=of_records.problem,
    )


def _grown(kept: Counts, counted: Counts) -> Counts:
    return {what: max(kept.get(what, 0), counted[what]) for what in daily.WHATS}


def _filled(days: dict[date, Counts], now: date) -> dict[date, Counts]:
    """Every day since the first that was counted; one in between without anything is 0."""
    if not days:
        return {}
    span = (now - min(days)).days
    order = [now - timedelta(days=back) for back in range(span, -1, -1)]
    return {day: days.get(day, dict.fromkeys(daily.WHATS, 0)) for day in order}
