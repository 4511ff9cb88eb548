"""Archive: events from the ledgers to the records, each once, and then out of the ledgers.

A partition is left alone where store and records contradict each other:

- the store is behind (it was flushed, or failed over to an older copy): the records have events
  that the store neither has nor knows to be recorded. What it writes from then on may rest on a
  state that misses them, so it must be brought up first, by ``smsgate rebuild``;
- the records are behind what the store knows to be recorded: another database, or an older copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from smsgate.domain.errors import RecordsDiffer
from smsgate.domain.messages import ms_of
from smsgate.records import Records
from smsgate.records.deliveries import text_deliveries
from smsgate.records.writer import id_of
from smsgate.store.outbox import LedgerPage
from smsgate.store.store import Store

BATCH = 24
"""Entries of a partition in one transaction. 64 take 6 MiB more, and a sixth less CPU time."""
_NOT_TRIMMED = 64
"""As many lines as a mover of any release may have recorded when it died, and not trimmed yet."""
LONG = 4_000
"""An event of so many bytes is that of a list, with up to 500 numbers."""
_RECORDS_BEHIND = (
    "the records end at {seq:,}, and the store was told of {kept:,}: this is another database, "
    "or an older copy (go on: `smsgate records adopt`)"
)
_STORE_BEHIND = (
    "the records have {seq:,} events and the store knows of {kept:,}: it fell back; run "
    "`smsgate rebuild`"
)
_TRIES = 5


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
        for _ in range(_TRIES):
            found = self.store.ledger.unmoved(self._count)
            pages = {partition: _cut(one) for partition, one in found.items() if one.lines}
            if not pages:
                return 0
            is_cut = any(one is not found[partition] for partition, one in pages.items())
            self._count = 1 if is_cut else min(2 * self._count, BATCH)
            self.refuse_foreign_store()
            movable, problem = self.compare(pages)
            new = self.record(movable) if movable else 0
            if new is not None:
                if problem:
                    raise RecordsDiffer(problem)
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

    def compare(self, pages: Mapping[int, LedgerPage]) -> tuple[dict[int, LedgerPage], str]:
        """The partitions that may be moved, and what is wrong with the others."""
        seqs = self.records.writer.seqs()
        ends = {partition: (seqs.get(partition, 0), one.kept) for partition, one in pages.items()}
        records_behind = {at: end for at, end in ends.items() if end[0] < end[1]}
        differs = any(seq > kept for seq, kept in ends.values())  # or another mover was faster
        store_behind = self.store_behind() if differs else {}
        left_alone = records_behind.keys() | store_behind.keys()
        movable = {at: one for at, one in pages.items() if at not in left_alone}
        problems = (
            _difference(_RECORDS_BEHIND, records_behind),
            _difference(_STORE_BEHIND, store_behind),
        )
        return movable, "; ".join(filter(None, problems))

    def refuse_older_store(self) -> None:
        """Raise ``RecordsDiffer`` where the store lacks events that the records have.

        Or where it belongs to other records. Raises ``StoreUnavailable``, ``StoreNotReady`` (while
        it is rebuilt), and ``RecordsUnavailable``.
        """
        if self.records.database.absent:
            return
        self.refuse_foreign_store()
        if behind := self.store_behind():
            raise RecordsDiffer(_difference(_STORE_BEHIND, behind))

    def store_behind(self) -> dict[int, tuple[int, int]]:
        """By partition whose store is behind, how many events the records and it know of.

        Raises ``StoreUnavailable``, ``RecordsUnavailable``.
        """
        # Asked after the records, the store knows whatever another mover moved meanwhile.
        seqs, found = self.records.writer.seqs(), self.store.ledger.unmoved(_NOT_TRIMMED)
        return {
            partition: (seqs[partition], one.kept)
            for partition, one in found.items()
            if one.kept < seqs.get(partition, 0) and not self._is_untrimmed(one, partition, seqs)
        }

    def _is_untrimmed(self, one: LedgerPage, partition: int, seqs: Mapping[int, int]) -> bool:
        """Whether the ledger still has all that the store does not know to be recorded.

        So it is where a mover ended between its commit and the trimming.
        """
        if seqs[partition] - one.kept > len(one.lines):
            return False
        links = self.records.reader.links(partition, one.kept, seqs[partition])
        return {link.event_id for link in links} <= {id_of(line) for line in one.lines.values()}


def _difference(text: str, ends: Mapping[int, tuple[int, int]]) -> str:
    """What differs in partitions, by what the records have and the store knows of."""
    if not ends:
        return ""
    seq, kept = map(sum, zip(*ends.values(), strict=True))
    names = ", ".join(map(str, sorted(ends)))
    return f"partition{'s' * (len(ends) > 1)} {names}: {text.format(seq=seq, kept=kept)}"


def _cut(one: LedgerPage) -> LedgerPage:
    """The oldest lines of a partition until one of a list, which goes alone."""
    first = next((at for at, line in enumerate(one.lines.values()) if len(line) > LONG), None)
    if first is None or len(one.lines) == 1:
        return one
    return LedgerPage(dict(islice(one.lines.items(), first or 1)), one.kept, one.forwards)
