"""Archive: events from the ledgers to the records, each once, and then out of the ledgers.

A partition is left alone where store and records contradict each other:

- the store *fell back* (it was flushed, or failed over to an older copy): the records have
  events that the store neither has nor knows to be recorded. What it writes from then on may rest
  on a state that misses them, so it must be brought up first, by ``smsgate rebuild``;
- the records *lack* what the store knows to be recorded: another database, or an older copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smsgate.domain.errors import (
    RecordsDiffer,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.domain.messages import ms_of
from smsgate.pipeline.records_difference import records_differ
from smsgate.records import Records
from smsgate.records.deliveries import text_deliveries
from smsgate.records.writer import id_of
from smsgate.store.outbox import LedgerPage
from smsgate.store.store import Store

BATCH = 24
"""Entries of a partition in one transaction. 64 take 6 MiB more, and a sixth less CPU time."""
_UNTOLD = 64
"""As many as a mover of any release may have recorded when it died, and not trimmed yet."""
LONG, HEAVY = 4_000, 40
"""An event of so many bytes is that of a list, with up to 500 numbers; it counts as so many."""
_TRIES = 5


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


class LedgerArchiver:
    """Moves ledgers from the store to the records."""

    def __init__(self, store: Store, records: Records) -> None:
        self.store = store
        self.records = records
        self._known = ""
        self._count = BATCH
        """Entries that are asked for: fewer while those of lists come, with 500 numbers each."""

    def move(self) -> int:
        """Move one batch of every partition; return how many events the records did not have yet.

        Raises ``StoreUnavailable``, ``StoreNotReady`` (while it is rebuilt),
        ``RecordsUnavailable``, and ``RecordsDiffer`` where partitions were
        left alone (those that could be moved were).
        """
        if self.store.ledger.is_empty():
            return 0
        for _ in range(_TRIES):
            found = self._bounded(self.store.ledger.unmoved(self._count))
            waiting = {partition: one for partition, one in found.items() if one.lines}
            if not waiting:
                return 0
            self.refuse_foreign_store()
            sound, differ = self._sound(waiting)
            new = self.record(sound) if sound else 0
            if new is not None:
                if differ is not None:
                    raise differ
                return new
        return 0  # another mover is faster all the time

    def record(self, pages: Mapping[int, LedgerPage]) -> int | None:
        """Put lines on record and take them out of the ledgers, by partition.

        Return how many the records did not have yet; None where another mover was faster, and
        nothing was done. Raises ``StoreUnavailable``, ``RecordsUnavailable``.
        """
        texts = [raw for one in pages.values() for raw in one.forwards]
        kept = self.records.writer.keep(
            {partition: [*one.lines.values()] for partition, one in pages.items()},
            {
                partition: [ms_of(id_) * 1000 for id_ in one.lines]
                for partition, one in pages.items()
            },
            text_deliveries(texts) if texts else None,
        )
        if not kept.done:
            return None
        self.store.ledger.trim(
            {partition: (kept.heads[partition], [*one.lines]) for partition, one in pages.items()}
        )
        return kept.new

    def move_all(self) -> int:
        """Move everything that waits now; return how many events. Raises as ``move``."""
        moved = 0
        while self.store.ledger_reader.waiting().count:
            moved += self.move()
        return moved

    def report(self) -> ArchiveReport:
        """How events come from the store to the records. Raises nothing."""
        waits = ""
        try:
            waiting = self.store.ledger_reader.waiting()
            if waiting.count:
                oldest_s = waiting.oldest_us / 1_000_000
                waits = f"{waiting.count:,} events wait, oldest {oldest_s:.1f} s"
            self.records.check()
            self.refuse_foreign_store()
            kept, seqs = self.store.ledger.kept(), self.records.writer.seqs()
            if any(kept[partition] != seqs.get(partition, 0) for partition in kept):
                _, differ = self._sound(self.store.ledger.unmoved(BATCH))
                return ArchiveReport(waits, str(differ or ""))
        except StoreNotReady:
            pass  # the store's own report says so
        except (RecordsDiffer, RecordsUnavailable, StoreUnavailable) as error:
            return ArchiveReport(waits, str(error))
        return ArchiveReport(waits)

    def _bounded(self, found: Mapping[int, LedgerPage]) -> dict[int, LedgerPage]:
        """Limit each partition to what one transaction should hold."""
        bounded = {partition: _cut(one) for partition, one in found.items()}
        cut = [
            len(bounded[partition].lines)
            for partition in found
            if bounded[partition] is not found[partition]
        ]
        self._count = min([*cut, BATCH]) if cut else min(2 * self._count, BATCH)
        return bounded

    def refuse_foreign_store(self) -> None:
        """Move only from a store that the records know; the first one they meet is theirs."""
        id_ = self.store.metadata.store_id()
        if not id_ or id_ == self._known:
            return
        known = {one.id for one in self.records.reader.stores()}
        if not known:
            buckets, now_us = self.store.numbers.bucket_count(), self.store.health.now_us()
            self.records.remember_store(id_, buckets, now_us)
        elif id_ not in known:
            raise RecordsDiffer(
                f"the store (Redis) is {id_}, and the records are those of another one: name the "
                "right REDIS_URL or DATABASE_URL, or run `smsgate rebuild`"
            )
        self._known = id_

    def _sound(
        self, found: Mapping[int, LedgerPage]
    ) -> tuple[dict[int, LedgerPage], RecordsDiffer | None]:
        """The partitions that may be moved, and what is wrong with the others."""
        seqs = self.records.writer.seqs()
        ends = {partition: (one, seqs.get(partition, 0)) for partition, one in found.items()}
        lacking = {
            partition: (seq, one.kept) for partition, (one, seq) in ends.items() if one.kept > seq
        }
        fell_back = self._fallen_back(ends)
        unsound = lacking.keys() | fell_back.keys()
        sound = {partition: one for partition, one in found.items() if partition not in unsound}
        return sound, records_differ(lacking, fell_back) if unsound else None

    def refuse_older_store(self) -> None:
        """Raise ``RecordsDiffer`` where the store lacks events that the records have.

        Or where it belongs to other records. Raises ``StoreUnavailable``, ``StoreNotReady`` (while
        it is rebuilt), and ``RecordsUnavailable``.
        """
        if self.records.absent:
            return
        self.refuse_foreign_store()
        if fell_back := self.fallen_back():
            raise records_differ({}, fell_back)

    def fallen_back(self) -> dict[int, tuple[int, int]]:
        """By partition that fell back, how many events the records and the store know of.

        Raises ``StoreUnavailable``, ``RecordsUnavailable``.
        """
        found, seqs = self.store.ledger.unmoved(_UNTOLD), self.records.writer.seqs()
        return self._fallen_back(
            {partition: (one, seqs.get(partition, 0)) for partition, one in found.items()}
        )

    def _fallen_back(
        self, ends: Mapping[int, tuple[LedgerPage, int]]
    ) -> dict[int, tuple[int, int]]:
        """Of the partitions that fell back, how many events the records and the store know."""
        if not any(self._fell_back(partition, *end) for partition, end in ends.items()):
            return {}
        # Asked after the records, the store knows whatever another mover moved meanwhile.
        again = self.store.ledger.unmoved(_UNTOLD)
        return {
            partition: (seq, again[partition].kept)
            for partition, (_, seq) in ends.items()
            if self._fell_back(partition, again[partition], seq)
        }

    def _fell_back(self, partition: int, one: LedgerPage, seq: int) -> bool:
        """Whether the records have what the store does not know to be recorded and has no more.

        It has it there where a mover ended between its commit and the trimming.
        """
        if one.kept >= seq:
            return False
        if seq - one.kept > len(one.lines):
            return True
        untold = {link.event_id for link in self.records.reader.links(partition, one.kept, seq)}
        return not untold <= {id_of(line) for line in one.lines.values()}


def _cut(one: LedgerPage) -> LedgerPage:
    """As many of a partition's oldest lines as weigh a batch together, and one at least."""
    lines: dict[str, bytes] = {}
    weight = 0
    for id_, line in one.lines.items():
        weight += HEAVY if len(line) > LONG else 1
        if lines and weight > BATCH:
            return LedgerPage(lines, one.kept, one.forwards)
        lines[id_] = line
    return one
