"""Looks at a running smsgate: what waits, what cannot be used, and the conditions that hold.

Doctor, ``/readyz``, Home, metrics and alerts all show what is found here.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from smsgate.domain.errors import (
    Obstacle,
    RecordsDiffer,
    RecordsNotReady,
    RecordsUnavailable,
    SmsGateError,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.metrics.snapshot import AccountTraffic, QueueDepth, SpoolDepth, SystemSnapshot
from smsgate.monitoring.conditions import (
    Condition,
    condition,
    conditions,
    hindered,
    spool_conditions,
)
from smsgate.monitoring.deadlines import Deadlines, NoAnswerInTime
from smsgate.pipeline.archive import BATCH, LedgerArchiver
from smsgate.pipeline.spool import Spool
from smsgate.providers import usable
from smsgate.settings import Account, Settings
from smsgate.store.inbox import JobQueue
from smsgate.store.shared_values import AlertState
from smsgate.store.store import Store

COLLABORATORS = ("store", "queue", "spool", "records")
ANSWER_S = 5.0
"""How long a collaborator is waited for: longer than a round trip to Redis may take."""
REFUSED_WINDOW_S = 600.0
"""In which refused requests are counted together."""


@dataclass(frozen=True, slots=True)
class SystemState:
    """What was found at one moment."""

    conditions: Sequence[Condition]
    """Failures first, and of those what cannot be used."""
    snapshot: SystemSnapshot | None
    """None if the store cannot be read."""
    spool: SpoolDepth
    """Of this host."""
    unusable: Mapping[str, Condition]
    """By collaborator, why it cannot do its work."""

    @property
    def accepts(self) -> bool:
        """Whether webhooks are accepted: onto this host's disk, or into Redis."""
        return not self.spool.problem or (
            self.snapshot is not None and self.snapshot.write_obstacle is None
        )


class ArchiveReport(NamedTuple):
    """Whether events reach the records; each text is empty where there is nothing to say."""

    waiting: str = ""
    """How much waits and for how long, which is normal for a moment."""
    problem: str = ""
    """Why they cannot be moved now. Then they wait in the store."""

    @property
    def text(self) -> str:
        """``ok``, ``ok; …`` with what waits, or what is wrong."""
        parts = [self.waiting, self.problem] if self.problem else ["ok", self.waiting]
        return "; ".join(filter(None, parts))


def report_archive(archiver: LedgerArchiver) -> ArchiveReport:
    """How events come from the store to the records. Raises nothing."""
    store, records, waits = archiver.store, archiver.records, ""
    try:
        waiting = store.ledger_reader.waiting()
        if waiting.count:
            oldest_s = waiting.oldest_us / 1_000_000
            waits = f"{waiting.count:,} events wait, oldest {oldest_s:.1f} s"
        records.check()
        archiver.refuse_foreign_store()
        kept, seqs = store.ledger.kept(), records.writer.seqs()
        if any(kept[partition] != seqs.get(partition, 0) for partition in kept):
            _, problem = archiver.compare(store.ledger.unmoved(BATCH))
            return ArchiveReport(waits, problem)
    except StoreNotReady:
        pass  # the store's own report says so
    except (RecordsDiffer, RecordsUnavailable, StoreUnavailable) as error:
        return ArchiveReport(waits, str(error))
    return ArchiveReport(waits)


class Monitor:
    """Asks all collaborators at once; one that hangs is named, and holds up no answer."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        job_queue: JobQueue,
        spool: Spool,
        archiver: LedgerArchiver,
    ) -> None:
        self._settings, self._store, self._job_queue = settings, store, job_queue
        self._spool, self._archiver = spool, archiver
        self._deadlines = Deadlines(ANSWER_S)

    def look(self, deadlines: Deadlines | None = None, *, here: bool = True) -> SystemState:
        """Look at everything. Raises nothing of the collaborators'.

        ``here``: look at this host's spool, and not only at what hosts report of theirs.
        """
        of = deadlines or self._deadlines
        asked_snapshot = of.store.ask(lambda: take_snapshot(self._store, self._settings))
        asked: dict[str, Callable[[], object]] = {
            "store": asked_snapshot,
            "queue": of.queue.ask(self._job_queue.ping),
            "records": of.records.ask(self._archiver.records.check),
        }
        asked_archive = of.archiver.ask(partial(report_archive, self._archiver))
        asked_spool = of.spool.ask(self._spool.report)
        unusable = {
            name: problem for name, answer in asked.items() if (problem := _problem(name, answer))
        }
        snapshot = asked_snapshot() if "store" not in unusable else None
        try:
            spool = asked_spool()
        except NoAnswerInTime as error:
            host = socket.gethostname()
            spool = SpoolDepth(host, 0, 0.0, 0.0, str(error), self._spool.folder)
        reported = {one.place: one for one in snapshot.spools} if snapshot else {}
        known = reported.get(spool.place)
        # A missing folder that the web process cannot make is known to that process alone.
        if here and (spool.problem or not known or not known.problem):
            reported[spool.place] = spool
        archived = ArchiveReport()
        with suppress(NoAnswerInTime):  # store or records hang, which is said of them
            archived = asked_archive()
        if snapshot is not None:
            snapshot = replace(snapshot, spools=tuple(reported.values()))
        if snapshot is None or snapshot.write_obstacle or snapshot.store_obstacle:
            archived = ArchiveReport()  # it would blame the records for the store
        if archived.problem and "records" not in unusable:
            unusable["records"] = condition("records_away", "records", archived.problem)
        rest = conditions(snapshot) if snapshot else [*spool_conditions(reported.values())]
        found = [*unusable.values(), *sorted(rest, key=lambda one: not one.is_failure)]
        for one in rest:
            is_spool = bool(spool.problem) and one.subject == f"spool of {spool.place}"
            name = "spool" if is_spool else one.collaborator
            if name and one.is_failure:
                unusable.setdefault(name, one)
        if snapshot is not None and snapshot.gate_obstacle is not None:
            # True also where it is not said, since no process that renews the lease runs.
            unusable.setdefault("store", hindered("gate_shut", snapshot.gate_obstacle))
        if self._settings.queue_url == self._settings.redis_url and "store" in unusable:
            # One cause is said once.
            found = [one for one in found if one.subject != "queue"]
        return SystemState(found, snapshot, spool, unusable)


def _problem(name: str, answer: Callable[[], object]) -> Condition | None:
    """Why a collaborator cannot be used at all."""
    try:
        answer()
    except (NoAnswerInTime, SmsGateError) as error:
        command = error.remedy if isinstance(error, StoreUnavailable) else ""
        if isinstance(error, RecordsNotReady):
            command = "`smsgate records migrate`"
        return condition(f"{name}_away", name, str(error), command)
    return None


def take_snapshot(store: Store, settings: Settings) -> SystemSnapshot:
    """Read everything in the store that may need attention. Raises ``StoreUnavailable``."""
    write_obstacle = _refused_writes(store)
    waiting = store.ledger_reader.waiting()
    is_trusted = write_obstacle is None  # else what was reported last is old
    return SystemSnapshot(
        now_s=time.time(),
        backlog=store.backlog.read(),
        ledger=QueueDepth(waiting.count, waiting.oldest_us / 1_000_000),
        memory=waiting.memory,
        spools=tuple(store.backlog.spools()) if is_trusted else (),
        accounts=tuple(_accounts(store, settings.accounts.values())),
        weaknesses=tuple(store.health.weaknesses()),
        processes=store.heartbeats.snapshot() if is_trusted else None,
        write_obstacle=write_obstacle,
        gate_obstacle=store.write_lease.obstacle(),
        store_obstacle=_lost(store),
        rebuild=store.rebuild_progress.read(),
        alert_failures=(store.alert_state.read() or AlertState()).failures,
    )


def _lost(store: Store) -> Obstacle | None:
    """Why the store is not ready."""
    remedy = "`smsgate rebuild`; a running clock does it by itself"
    try:
        if store.metadata.store_id():
            store.numbers.bucket_count()
            return None
    except StoreNotReady as error:
        return Obstacle(str(error), remedy)
    problem = "the store has no metadata: it lost its data, or is new"
    return Obstacle(problem, f"{remedy}; a store that is new: `smsgate init`")


def _refused_writes(store: Store) -> Obstacle | None:
    try:
        store.write_lease.refuse_unwritable()
    except StoreUnavailable as error:
        if not error.refuses_writes:  # it is away, or hangs
            raise
        return Obstacle(str(error), error.remedy)
    return None


def _accounts(store: Store, accounts: Iterable[Account]) -> Iterator[AccountTraffic]:
    for account in accounts:
        last = store.acceptance.last(account.name)
        yield AccountTraffic(
            name=account.name,
            accepted_s=max(last.newest_ms, last.older_ms) / 1000,
            silent_after_s=account.silent_hours * 3600,
            refused=store.quarantine.count(account.name, REFUSED_WINDOW_S),
            has_secret=usable(account),
            unblocked=tuple(store.acceptance.unblocked(account.name)),
            opt_out_list=store.opt_out_lists.read(account.name) if account.opt_out_list else None,
        )
