"""The store rebuilt from the records, before the gate is ready.

Events that still stand in the ledgers are recorded first. A partition that *fell back* (a failover
to an older copy) may have settled newer events of a number without knowing those that it lost; such
a number stands as both together leave it, so that no opt-out is lost.
"""

from __future__ import annotations

import functools
import itertools
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TypeVar

import msgspec

from smsgate import __version__
from smsgate.consent.events import ConsentState, Event, event_id
from smsgate.consent.reviews import undecided
from smsgate.domain.errors import RecordsDiffer, StoreNotReady
from smsgate.domain.signed_times import time_of
from smsgate.interface.operation import Progress
from smsgate.metrics.snapshot import RebuildProgress
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.process.published_programs import published_programs
from smsgate.records import Records
from smsgate.records.writer import id_of, numbers_of
from smsgate.settings import Settings
from smsgate.store.inbox import KEEP_MESSAGE_ID_S
from smsgate.store.keys import PARTITIONS
from smsgate.store.metadata import BUCKETS

MOST_BUCKETS = 1 << 20
CHUNK, _PAGE, _MESSAGE_PAGE = 20_000, 5_000, 20_000
"""Numbers that are loaded together, so that most sets get several at once; rows of a page."""
PUBLISH_S = 1.0
"""How often how far the rebuild has come is published, and its lease prolonged."""
WRITERS = 4
"""Writes that are under way at once. Redis syncs its log once for what comes together."""
T = TypeVar("T")


class RebuildResult(msgspec.Struct, frozen=True):
    """What a rebuild restored."""

    store: str
    """Its id."""
    numbers: int
    messages: int
    reviews: int
    newest: datetime | None
    """When the newest recorded event was applied: later ones that no ledger had are lost."""
    merged: int
    """Numbers with events that the store had lost and newer ones that it had settled."""


def rebuild_text(done: RebuildResult) -> str:
    """What was restored, for a person."""
    said = (
        f"Store {done.store} is ready: {done.numbers:,} numbers, {done.messages:,} messages of the "
        f"last 48 hours, {done.reviews:,} texts in review."
    )
    if done.newest:
        said += (
            f"\nThe records end at {done.newest.isoformat(timespec='milliseconds')}. What was "
            "acknowledged after that, before the store was lost, is gone unless its provider sends "
            "it again."
        )
    if done.merged:
        said += (
            f"\n{done.merged:,} numbers had events that the store had lost and newer ones that it "
            "had settled without them: both were applied again, in order."
        )
    return said


class RebuildService:
    """Restores the store of an archiver from its records."""

    def __init__(self, settings: Settings, archiver: LedgerArchiver) -> None:
        self._settings, self._store, self._archiver = settings, archiver.store, archiver
        self._records, self._reader = archiver.records, archiver.records.reader

    def needed(self) -> str:
        """Why the store must be rebuilt before it can be used; empty where it need not.

        Raises ``StoreUnavailable``, ``RecordsUnavailable``, and ``RecordsDiffer`` where the store
        belongs to other records.
        """
        if not self._reader.stores():
            return ""
        try:
            id_ = self._store.metadata.store_id()
        except StoreNotReady as error:
            return str(error)
        if not id_:
            return "the store is empty, and the records are not"
        self._refuse_foreign(id_)
        lost = ", ".join(map(str, sorted(self._archiver.store_behind())))
        return f"partitions {lost} fell back behind the records" if lost else ""

    def rebuild(
        self,
        progress: Progress,
        *,
        buckets: int = 0,
        adopt: bool = False,
        allow_empty: bool = False,
        why: str = "",
    ) -> RebuildResult:
        """Restore the store from the records; the gate is not ready until it has ended.

        ``buckets``: into how many the sets of a partition are split from now on, 0 as before.
        ``adopt``: overwrite a store that the records do not know. ``allow_empty``: go on though the
        records are empty, so that the store allows everyone. ``why``: what ``needed`` said.
        Raises as ``needed``, and ``StoreNotReady`` where another process rebuilds just now.
        """
        self._lead(me := uuid.uuid4().hex)
        try:
            self._records.check()
            if not adopt:
                self._refuse_overwriting()
            if not (allow_empty or self._reader.stores() or self._reader.count_events()):
                raise RecordsDiffer(
                    f"the records at {self._records.database.place} are empty: a store that is "
                    "rebuilt from them allows everyone, those who opted out among them. Name the "
                    "right DATABASE_URL; a new store is made by `smsgate init`. If nobody can have "
                    "opted out: `smsgate rebuild --allow-empty`"
                )
            return self._rebuild(self._announcing(progress, why, me), buckets, me)
        finally:
            self._store.rebuild_progress.delete()
            self._store.rebuild_lease.release(me)

    def _refuse_foreign(self, id_: str) -> None:
        known = {one.id for one in self._reader.stores()}
        if id_ and id_ not in known:
            whose = "are those of another one" if known else "know of no store yet"
            raise RecordsDiffer(
                f"the store (Redis) is {id_}, and the records {whose}: name the right REDIS_URL or "
                "DATABASE_URL; `smsgate rebuild --adopt` overwrites this store"
            )

    def _refuse_overwriting(self) -> None:
        """Raise ``RecordsDiffer`` where the store may hold opt-outs that the records never had.

        It belongs to others, or was told that the records have more than they do: ``DATABASE_URL``
        names another database, or an older copy.
        """
        with suppress(StoreNotReady):
            self._refuse_foreign(self._store.metadata.store_id())
        seqs = self._records.writer.seqs()
        if any(told > seqs.get(at, 0) for at, told in self._store.ledger.kept().items()):
            raise RecordsDiffer(
                "the records lack what the store was told they have: this is another database, or "
                "an older copy; `smsgate rebuild --adopt` overwrites the store all the same, and "
                "loses the opt-outs that are missing"
            )

    def _announcing(self, progress: Progress, why: str, me: str) -> Progress:
        """The same progress; once a second it is also published, and the lease prolonged."""
        published_at = -PUBLISH_S

        def tell(what: str, done: int, total: int) -> None:
            nonlocal published_at
            progress(what, done, total)
            now = time.monotonic()
            if now - published_at >= PUBLISH_S:
                published_at = now
                self._lead(me)
                self._store.rebuild_progress.write(RebuildProgress(why, what, done, total))

        return tell

    def _lead(self, me: str) -> None:
        """Take or prolong the lease, which lasts a minute."""
        if not self._store.rebuild_lease.hold(me):
            raise StoreNotReady("another process rebuilds the store just now: wait for it")

    def _rebuild(self, progress: Progress, buckets: int, me: str) -> RebuildResult:
        known, store = self._reader.stores(), self._store
        store_id = known[-1].id if known else uuid.uuid4().hex
        buckets = buckets or (known[-1].buckets if known else BUCKETS)
        progress("numbers", 0, self._reader.count_numbers())
        store.rebuild.shut(me)
        merged = self._record_the_rest()
        now_us = store.health.now_us()
        seqs, numbers = self._load_all(progress, buckets, now_us, me)
        messages = self._remember_messages(progress, now_us, me)
        reviews = [*recorded_reviews(self._records)]
        store.rebuild.hold_for_review(reviews)
        self._records.remember_store(store_id, buckets, now_us)
        store.programs.carry(self._settings.programs.renamed, buckets, frozenset())
        store.programs.publish(published_programs(self._settings))
        if not store.rebuild.open(me, store_id, buckets, seqs):
            raise StoreNotReady("the store was flushed while it was rebuilt: rebuild it again")
        last = self._reader.newest(1)
        newest = time_of(last[0].event.applied_us) if last else None
        return RebuildResult(store_id, numbers, messages, len(reviews), newest, merged)

    def _record_the_rest(self) -> int:
        """Record what the ledgers still have; gives how many numbers stand as both leave them."""
        kept = self._store.ledger.kept()
        before: dict[str, ConsentState] = {}
        for partition in range(PARTITIONS):
            before |= self._lost_consent_states(partition, kept[partition])
            while (page := self._store.ledger.unmoved(_PAGE)[partition]).lines:
                self._archiver.record({partition: page})
        stand = self._reader.numbers_of([*before])
        newer = [one.number for one in stand if one.consent_state != before[one.number]]
        for number in newer:
            self._merge(number, before[number])
        return len(newer)

    def _lost_consent_states(self, partition: int, kept: int) -> dict[str, ConsentState]:
        """How numbers stand of which the partition's ledger may lack an event.

        The store was told of nothing behind ``kept``; what it has in its ledger it has not lost.
        """
        here = {id_of(line) for line in self._store.ledger_reader.lines(partition)}
        found: dict[str, ConsentState] = {}
        for lines in _batched(self._store.ledger_reader.lines(partition), _PAGE):
            recorded = self._reader.has([id_of(line) for line in lines])
            fresh = (line for line in lines if id_of(line) not in recorded)
            stand = self._reader.numbers_of(sorted(set().union(*map(numbers_of, fresh))))
            behind = {one.seq: one for one in stand if one.seq > kept}
            held = self._reader.links_at(partition, [*behind])
            known = {seq for seq, link in held.items() if link.event_id in here}
            lost = (one for seq, one in behind.items() if seq not in known)
            found |= {one.number: one.consent_state for one in lost}
        return found

    def _merge(self, number: str, lost: ConsentState) -> None:
        """Record how a number stands by what was lost and by what came after.

        Where another process writes into its partition meanwhile, what came after is read again.
        """
        is_kept = False
        while not is_kept:
            (newer,) = self._reader.numbers_of([number])
            now_us = self._store.health.now_us()
            event = Event(
                id=event_id(now_us // 1000, "rebuilt", number),
                kind="rebuilt",
                outcome="applied",
                number=number,
                consent_state=_together(lost, newer.consent_state),
                received_us=now_us,
                applied_us=now_us,
                note="the store had lost events of this number and settled newer ones without them",
                software=__version__,
            )
            lines = {newer.partition: [msgspec.json.encode(event)]}
            is_kept = self._records.writer.keep(lines).done

    def _load_all(
        self, progress: Progress, buckets: int, now_us: int, me: str
    ) -> tuple[dict[int, int], int]:
        """Load until no mover, which read a ledger before it was lost, has committed meanwhile."""
        load = self._store.rebuild.load
        while True:
            seqs = self._records.writer.seqs()
            self._store.rebuild.empty()
            total, done = self._reader.count_numbers(), 0
            progress("numbers", done, total)
            with _writes() as write:
                for partition in range(PARTITIONS):
                    rows = self._reader.numbers(partition)
                    states = ((row.number, row.consent_state) for row in rows)
                    for chunk in _batched(states, CHUNK):
                        write(functools.partial(load, me, partition, chunk, buckets, now_us))
                        done += len(chunk)
                        progress("numbers", done, total)
            if self._records.writer.seqs() == seqs:
                return seqs, done

    def _remember_messages(self, progress: Progress, now_us: int, me: str) -> int:
        """Remember the messages of the last 48 hours and every opt-in; how many of the former.

        Opt-ins that came again meanwhile are dropped.
        """
        target = self._store.rebuild

        def opt_ins() -> Iterator[tuple[int, str, str]]:
            for kind in ("opt_in", "restored"):
                for one in self._reader.messages(0, kind=kind):
                    yield one.partition, one.account, one.message_id

        done, known, since_us = 0, 0, now_us - KEEP_MESSAGE_ID_S * 1_000_000
        with _writes() as write:
            for page in _batched(self._reader.messages(since_us), _MESSAGE_PAGE):
                rows = [
                    (one.partition, one.account, one.message_id, one.received_us) for one in page
                ]
                write(functools.partial(target.remember, me, rows, now_us))
                done += len(page)
                progress("messages", done, 0)
            for rows_in in _batched(opt_ins(), _MESSAGE_PAGE):
                write(functools.partial(target.remember_opt_ins, me, rows_in))
                known += len(rows_in)
                progress("opt-ins", known, 0)
        target.drop_replayed_opt_ins(opt_ins())
        return done


def recorded_reviews(records: Records) -> Iterator[tuple[str, str, str]]:
    """Yield program, number, and the first and the newest waiting text as the store has them."""
    found = records.reader.between(kinds=("review", "undo"))
    numbers = dict.fromkeys(one.event.number for one in found)
    for number, story in zip(numbers, records.reader.of_numbers(numbers), strict=True):
        for program, waiting in undecided(one.event for one in story).items():
            yield program, number, " ".join(dict.fromkeys((waiting[0], waiting[-1])))


@contextmanager
def _writes() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Give what starts a write as soon as there is room for it, so that reading goes on meanwhile.

    At the end everything is written, or what went wrong is raised.
    """
    under_way = deque[Future[None]]()
    with ThreadPoolExecutor(WRITERS, "rebuild") as threads:

        def write(work: Callable[[], None]) -> None:
            if len(under_way) >= WRITERS:
                under_way.popleft().result()
            under_way.append(threads.submit(work))

        yield write
        for one in under_way:
            one.result()


def _batched(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := [*itertools.islice(rows, size)]:
        yield batch


def _together(lost: ConsentState, newer: ConsentState) -> ConsentState:
    """How a number stands of which two histories are known and no order: as little as both let."""
    return ConsentState(
        everywhere=lost.everywhere or newer.everywhere,
        opted_out=lost.opted_out | newer.opted_out,
        exceptions=lost.exceptions & newer.exceptions,
        locked=lost.locked or newer.locked,
        consents=lost.consents & newer.consents,
        state=newer.state,
    )
