"""How the way of events from the ledgers to the records stands: what waits, and what alarms."""

from __future__ import annotations

from dataclasses import dataclass

from smsgate.domain.errors import (
    RecordsDiffer,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.pipeline.archive import BATCH, LedgerArchiver
from smsgate.store.ledger_reader import LedgerBacklog

MANY = 200_000
"""Events that wait before there is an alarm; some 300 MB of Redis's memory."""
MEMORY = 0.8
"""Share of ``maxmemory`` that Redis uses before there is an alarm."""


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """Whether events reach the records; each text is empty where there is nothing to say."""

    alarm: str = ""
    """What an operator has to act on, long before the store is full."""
    waiting: str = ""
    """How much waits and for how long, which is normal for a moment."""
    problem: str = ""
    """Why they cannot be moved now."""

    @property
    def is_ready(self) -> bool:
        """Whether events reach the records. Where they do not, they wait in the store."""
        return not (self.alarm or self.problem)

    @property
    def text(self) -> str:
        """What ``/readyz`` says: ``ok``, ``ok; …`` with what waits, or what is wrong."""
        said = "; ".join(part for part in (self.alarm, self.waiting, self.problem) if part)
        if not self.is_ready:
            return said
        return f"ok; {said}" if said else "ok"


def archive_report(archiver: LedgerArchiver) -> ArchiveReport:
    """How events come from the store to the records. Raises nothing."""
    try:
        waiting = archiver.store.ledger_reader.waiting()
    except StoreUnavailable:
        unknown = "unknown while the store cannot be used"
        return ArchiveReport(alarm="; ".join([unknown, *_own_problem(archiver)]))
    oldest_s = waiting.oldest_us / 1_000_000
    waits = f"{waiting.count:,} events wait, oldest {oldest_s:.1f} s" if waiting.count else ""
    return ArchiveReport(alarm_of(waiting), waits, _problem(archiver))


def _own_problem(archiver: LedgerArchiver) -> list[str]:
    """What is wrong with the database itself, if anything is."""
    try:
        archiver.records.check()
    except RecordsUnavailable as error:
        return [str(error)]
    return []


def _problem(archiver: LedgerArchiver) -> str:
    """What hinders the mover."""
    try:
        archiver.records.check()
        archiver.refuse_foreign_store()
        kept, seqs = archiver.store.ledger.kept(), archiver.records.writer.seqs()
        if all(kept[partition] == seqs.get(partition, 0) for partition in kept):
            return ""
        _, differ = archiver.sound(archiver.store.ledger.unmoved(BATCH))
    except StoreNotReady:
        return ""  # the store's own report says so
    except (RecordsDiffer, RecordsUnavailable, StoreUnavailable) as error:
        return str(error)
    return str(differ or "")


def alarm_of(waiting: LedgerBacklog) -> str:
    """What must be said loudly, long before the store is full; empty where nothing must."""
    if waiting.memory >= MEMORY:
        return f"Redis uses {waiting.memory:.0%} of its maxmemory"
    if waiting.count >= MANY:
        return f"{waiting.count:,} events fill the ledgers"
    return ""
