"""Archive: events from the ledgers to the records, each once, and then out of the ledgers.

A partition is left alone where store and records contradict each other:

- the store *fell back* (it was flushed, or failed over to an older copy): the records have
  events that the store neither has nor knows to be recorded. What it writes from then on may rest
  on a state that misses them, so it must be brought up first, by ``smsgate rebuild``;
- the records *lack* what the store knows to be recorded: another database, or an older copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from smsgate.domain.errors import (
    RecordsDiffer,
    RecordsNotReady,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.domain.messages import ms_of
from smsgate.pipeline.history import operator_event
from smsgate.records import Records
from smsgate.records.contents import id_of
from smsgate.records.removal import ADOPTED
from smsgate.store import Store
from smsgate.store.keys import PARTITIONS
from smsgate.store.ledger import LedgerPage
from smsgate.store.ledger_reader import LedgerBacklog

BATCH = 64
"""Entries of a partition in one transaction; more take memory (15 MiB at 200) and no less time."""
LONG, HEAVY = 4_000, 40
"""An event of so many bytes is that of a list, with up to 500 numbers; it counts as so many."""
MANY = 200_000
"""Events that wait before there is an alarm; some 300 MB of Redis's memory."""
MEMORY = 0.8
"""Share of ``maxmemory`` that Redis uses before there is an alarm."""
OLD_US = 1_000_000
"""How long an event waits at most in normal running."""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """Whether events reach the records; each text is empty where there is nothing to say."""

    alarm: str = ""
    """What an operator has to act on, long before the store is full."""
    waiting: str = ""
    """How much waits and for how long, which is normal for a moment."""
    problem: str = ""
    """Why they cannot be moved now."""
    differs: bool = False
    """Whether store and records contradict each other."""

    @property
    def is_ready(self) -> bool:
        """Whether smsgate may go on: what is only hindered waits in the store."""
        return not (self.alarm or self.differs)

    @property
    def text(self) -> str:
        """As ``LedgerArchiver.state``."""
        said = "; ".join(part for part in (self.alarm, self.waiting, self.problem) if part)
        if not self.is_ready:
            return said
        return f"ok; {said}" if said else "ok"


class LedgerArchiver:
    """Moves ledgers from the store to the records."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records
        self._known = ""
        self._count = BATCH
        """Entries that are asked for: fewer while those of lists come, with 500 numbers each."""

    def move(self) -> int:
        """Move one batch of every partition; return how many events the records did not have yet.

        Raises ``StoreUnavailable``, ``StoreNotReady`` (while it is rebuilt),
        ``RecordsUnavailable``, ``RecordsNotReady``, and ``RecordsDiffer`` where partitions were
        left alone (those that could be moved were).
        """
        if self._store.ledger.is_empty():
            return 0
        for _ in range(_TRIES):
            found = self._bounded(self._store.ledger.unmoved(self._count))
            waiting = {partition: one for partition, one in found.items() if one.lines}
            if not waiting:
                return 0
            self._refuse_foreign_store()
            sound, problems = self._sound(waiting)
            if not sound:
                raise RecordsDiffer("; ".join(problems))
            kept = self._records.writer.keep(
                {partition: [*one.lines.values()] for partition, one in sound.items()},
                {
                    partition: [ms_of(id_) * 1000 for id_ in one.lines]
                    for partition, one in sound.items()
                },
            )
            if kept.done:
                self._store.ledger.trim(
                    {
                        partition: (kept.heads[partition], [*one.lines])
                        for partition, one in sound.items()
                    }
                )
                if problems:
                    raise RecordsDiffer("; ".join(problems))
                return kept.new
        return 0  # another mover is faster all the time

    def move_all(self) -> int:
        """Move everything that waits now; return how many events. Raises as ``move``."""
        moved = 0
        while self._store.ledger_reader.waiting().count:
            moved += self.move()
        return moved

    def adopt(self, actor: str, reason: str) -> list[int]:
        """Go on with records that lack what they should have; return the partitions concerned.

        What is missing is recorded in each of them. Raises as ``move``.
        """
        kept, seqs = self._store.ledger.kept(), self._records.writer.seqs()
        lacking = {
            partition: seqs.get(partition, 0)
            for partition in kept
            if kept[partition] > seqs.get(partition, 0)
        }
        now_us = self._store.health.now_us()
        self._store.ledger.set_kept(lacking)
        for partition, seq in lacking.items():
            note = f"the records went on behind {seq}; the store had been told of {kept[partition]}"
            adopted = operator_event(ADOPTED, note, actor, reason, now_us, str(partition), note)
            self._store.ledger.append(partition, adopted)
        return [*lacking]

    def state(self) -> str:
        """What ``/readyz`` says: ``ok``, ``ok; …`` with what waits and why, or what alarms."""
        return self.report().text

    def report(self) -> ArchiveReport:
        """How events come from the store to the records. Raises nothing."""
        try:
            waiting = self._store.ledger_reader.waiting()
        except StoreUnavailable:
            unknown = "unknown while the store cannot be used"
            return ArchiveReport(alarm="; ".join([unknown, *self._own_problem()]))
        problem, differs = self._problem()
        return ArchiveReport(alarm_of(waiting), _waits(waiting), problem, differs)

    def _own_problem(self) -> list[str]:
        """What is wrong with the database itself, if anything is."""
        try:
            self._records.check()
        except (RecordsUnavailable, RecordsNotReady) as error:
            return [str(error)]
        return []

    def _problem(self) -> tuple[str, bool]:
        """What hinders the mover, and whether store and records contradict each other."""
        try:
            self._records.check()
            self._refuse_foreign_store()
            kept, seqs = self._store.ledger.kept(), self._records.writer.seqs()
            if all(kept[partition] == seqs.get(partition, 0) for partition in kept):
                return "", False
            _, problems = self._sound(self._store.ledger.unmoved(BATCH))
        except RecordsDiffer as error:
            return str(error), True
        except (RecordsUnavailable, RecordsNotReady, StoreUnavailable, StoreNotReady) as error:
            return str(error), False
        return "; ".join(problems), bool(problems)

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

    def _refuse_foreign_store(self) -> None:
        """Move only from a store that the records know; the first one they meet is theirs."""
        id_ = self._store.metadata.store_id()
        if not id_ or id_ == self._known:
            return
        known = {one.id for one in self._records.reader.stores()}
        if not known:
            buckets, now_us = self._store.numbers.bucket_count(), self._store.health.now_us()
            self._records.remember_store(id_, buckets, now_us)
        elif id_ not in known:
            raise RecordsDiffer(
                f"the store (Redis) is {id_}, and the records are those of another one: name the "
                "right REDIS_URL or DATABASE_URL, or run `smsgate rebuild`"
            )
        self._known = id_

    def _sound(self, found: Mapping[int, LedgerPage]) -> tuple[dict[int, LedgerPage], list[str]]:
        """The partitions that may be moved, and a sentence for each problem of the others."""
        seqs = self._records.writer.seqs()
        ends = {partition: (one, seqs.get(partition, 0)) for partition, one in found.items()}
        lacking = {
            partition: (seq, one.kept) for partition, (one, seq) in ends.items() if one.kept > seq
        }
        fell_back: dict[int, tuple[int, int]] = {}
        if any(self._fell_back(partition, *end) for partition, end in ends.items()):
            # Asked after the records, the store knows whatever another mover moved meanwhile.
            again = self._store.ledger.unmoved(BATCH)
            fell_back = {
                partition: (seq, again[partition].kept)
                for partition, (_, seq) in ends.items()
                if self._fell_back(partition, again[partition], seq)
            }
        unsound = lacking.keys() | fell_back.keys()
        sound = {partition: one for partition, one in found.items() if partition not in unsound}
        return sound, [*_problems(lacking, fell_back)]

    def _fell_back(self, partition: int, one: LedgerPage, seq: int) -> bool:
        """Whether the records have what the store does not know to be recorded and has no more.

        It has it there where a mover ended between its commit and the trimming.
        """
        if one.kept >= seq:
            return False
        if seq - one.kept > len(one.lines):
            return True
        untold = {link.event_id for link in self._records.reader.links(partition, one.kept, seq)}
        return not untold <= {id_of(line) for line in one.lines.values()}


def _problems(
    lacking: Mapping[int, tuple[int, int]], fell_back: Mapping[int, tuple[int, int]]
) -> Iterator[str]:
    """A sentence for each cause; by partition, how many events the records and the store know."""
    if lacking:
        seq, kept = _sums(lacking)
        yield (
            f"{_partitions(lacking)}: the records end at {seq:,}, and the store was told of "
            f"{kept:,}: this is another database, or an older copy (go on: `smsgate records adopt`)"
        )
    if fell_back:
        seq, kept = _sums(fell_back)
        yield (
            f"{_partitions(fell_back)}: the records have {seq:,} events and the store knows of "
            f"{kept:,}: it fell back; run `smsgate rebuild`"
        )


def _sums(ends: Mapping[int, tuple[int, int]]) -> tuple[int, int]:
    return sum(seq for seq, _ in ends.values()), sum(kept for _, kept in ends.values())


def _partitions(partitions: Iterable[int]) -> str:
    names = [str(partition) for partition in sorted(partitions)]
    if len(names) == PARTITIONS:
        return f"all {PARTITIONS} partitions"
    return f"partition{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _cut(one: LedgerPage) -> LedgerPage:
    """As many of a partition's oldest lines as weigh a batch together, and one at least."""
    lines: dict[str, bytes] = {}
    weight = 0
    for id_, line in one.lines.items():
        weight += HEAVY if len(line) > LONG else 1
        if lines and weight > BATCH:
            return LedgerPage(lines, one.kept)
        lines[id_] = line
    return one


def alarm_of(waiting: LedgerBacklog) -> str:
    """What must be said loudly, long before the store is full; empty where nothing must."""
    if waiting.memory >= MEMORY:
        return f"Redis uses {waiting.memory:.0%} of its maxmemory"
    if waiting.count >= MANY:
        return f"{waiting.count:,} events fill the ledgers"
    return ""


def _waits(waiting: LedgerBacklog) -> str:
    if not waiting.count:
        return ""
    return f"{waiting.count:,} events wait, oldest {waiting.oldest_us / 1_000_000:.1f} s"
