"""How the way of events from the ledgers to the records stands: what waits, and what hinders."""

from __future__ import annotations

from dataclasses import dataclass

from smsgate.domain.errors import (
    RecordsDiffer,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.pipeline.archive import BATCH, LedgerArchiver


@dataclass(frozen=True, slots=True)
class ArchiveReport:
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


def archive_report(archiver: LedgerArchiver) -> ArchiveReport:
    """How events come from the store to the records. Raises nothing."""
    waits = ""
    try:
        waiting = archiver.store.ledger_reader.waiting()
        if waiting.count:
            waits = f"{waiting.count:,} events wait, oldest {waiting.oldest_us / 1_000_000:.1f} s"
        archiver.records.check()
        archiver.refuse_foreign_store()
        kept, seqs = archiver.store.ledger.kept(), archiver.records.writer.seqs()
        if any(kept[partition] != seqs.get(partition, 0) for partition in kept):
            _, differ = archiver.sound(archiver.store.ledger.unmoved(BATCH))
            return ArchiveReport(waits, str(differ or ""))
    except StoreNotReady:
        pass  # the store's own report says so
    except (RecordsDiffer, RecordsUnavailable, StoreUnavailable) as error:
        return ArchiveReport(waits, str(error))
    return ArchiveReport(waits)
