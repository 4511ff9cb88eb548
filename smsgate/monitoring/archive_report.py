"""How events come from the ledgers to the records: what waits, and what is wrong."""

from __future__ import annotations

from typing import NamedTuple

from smsgate.domain.errors import (
    RecordsDiffer,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.pipeline.archive import BATCH, LedgerArchiver


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
