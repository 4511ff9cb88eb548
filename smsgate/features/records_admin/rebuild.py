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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from smsgate import __version__
from smsgate.consent.events import ConsentState, Event, PublishedProgram, event_id
from smsgate.domain.errors import RecordsDiffer, StoreNotReady
from smsgate.domain.messages import ms_of
from smsgate.features.records_admin.import_0_2 import refuse_unfinished_import
from smsgate.features.records_admin.write_behind import WriteBehind
from smsgate.metrics.snapshot import RebuildProgress
from smsgate.pipeline.published_programs import published_programs
from smsgate.pipeline.reviews import recorded_open
from smsgate.pipeline.services import Services
from smsgate.records import Records
from smsgate.records.deliveries import text_deliveries
from smsgate.records.writer import id_of, numbers_of
from smsgate.store.inbox import KEEP_MESSAGE_ID_S
from smsgate.store.keys import PARTITIONS
from smsgate.store.metadata import BUCKETS
from smsgate.store.store import Store

_MESSAGE_PAGE = 20_000


def remember_messages(
    store: Store,
    records: Records,
    rebuild: str,
    now_us: int,
    progress: Callable[[str, int, int], None],
    go_on: Callable[[], None],
) -> int:
    """Remember the messages of the last 48 hours and every opt-in; gives how many of the former.

    Opt-ins that came again meanwhile are dropped. ``rebuild`` is its name; ``go_on`` is called
    before each step. Raises what that raises, ``StoreNotReady`` where the store is not shut for it,
    and ``StoreUnavailable``, ``RecordsUnavailable``.
    """

    def opt_ins() -> Iterator[tuple[int, str, str]]:
        for kind in ("opt_in", "restored"):
            for one in records.reader.messages(0, kind=kind):
                yield one.partition, one.account, one.message_id

    done, since_us = 0, now_us - KEEP_MESSAGE_ID_S * 1_000_000
    with WriteBehind() as writer:
        for page in _batched(records.reader.messages(since_us), _MESSAGE_PAGE):
            go_on()
            rows = [(one.partition, one.account, one.message_id, one.received_us) for one in page]
            writer.write(functools.partial(store.rebuild.remember, rebuild, rows, now_us))
            done += len(page)
            progress("messages", done, 0)
        known = 0
        for rows_in in _batched(opt_ins(), _MESSAGE_PAGE):
            go_on()
            known += len(rows_in)
            progress("opt-ins", known, 0)
            writer.write(functools.partial(store.rebuild.remember_opt_ins, rebuild, rows_in))
    store.rebuild.drop_replayed_opt_ins(opt_ins())
    return done


def refuse_overwriting(store: Store, records: Records) -> None:
    """Raise ``RecordsDiffer`` where a store may hold opt-outs that the records never had.

    It belongs to others, or was told that the records have more than they do: ``DATABASE_URL``
    names another database, or an older copy. Raises ``StoreUnavailable``, ``RecordsUnavailable``.
    """
    known = {one.id for one in records.reader.stores()}
    try:
        id_ = store.metadata.store_id()
    except StoreNotReady:
        id_ = ""
    if id_ and id_ not in known:
        whose = "are those of another one" if known else "know of no store yet"
        raise RecordsDiffer(
            f"the store (Redis) is {id_}, and the records {whose}; "
            "`smsgate rebuild --adopt` overwrites it"
        )
    seqs = records.writer.seqs()
    if any(told > seqs.get(partition, 0) for partition, told in store.ledger.kept().items()):
        raise RecordsDiffer(
            "the records lack what the store was told they have: this is another database, or an "
            "older copy; `smsgate rebuild --adopt` overwrites the store all the same, and loses "
            "the opt-outs that are missing"
        )


def refuse_empty(records: Records) -> None:
    """Raise ``RecordsDiffer`` where the records hold no store and no event.

    ``DATABASE_URL`` may name the wrong database. Raises ``RecordsUnavailable``.
    """
    if not records.reader.stores() and not records.reader.count_events():
        raise RecordsDiffer(
            f"the records at {records.database.place} are empty: a store that is rebuilt from them "
            "allows everyone, those who opted out among them. Name the right DATABASE_URL; a new "
            "store is made by `smsgate init`. If nobody can have opted out: "
            "`smsgate rebuild --allow-empty`"
        )


CHUNK, _PAGE = 20_000, 5_000
"""Numbers that are loaded together, so that most sets get several at once; rows of a page."""
PUBLISH_S = 1.0
"""How often how far the rebuild has come is published."""
LEAD_S = 5.0
"""How often the lease is prolonged that lets one process rebuild at a time."""
T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""What is being done, how far, and how much there is (0: not known)."""


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What a rebuild restored."""

    store_id: str
    numbers: int
    messages: int
    reviews: int
    newest_us: int
    """When the newest recorded event was applied: later ones that no ledger had are lost."""
    merged: int
    """Numbers with events that the store had lost and newer ones that it had settled."""


class RebuildService:
    """Restores the store from the records."""

    def __init__(
        self,
        store: Store,
        records: Records,
        programs: dict[str, PublishedProgram],
        renamed: dict[str, str],
    ) -> None:
        """Prepare it.

        Args:
            store: what is restored.
            records: from which.
            programs: to be published.
            renamed: the name of a program by its former one.
        """
        self._store = store
        self._records = records
        self._programs = programs
        self._renamed = renamed
        self._led_at = -LEAD_S

    def needed(self) -> str:
        """Why the store must be rebuilt before it can be used; empty where it need not.

        Raises ``StoreUnavailable``, ``RecordsUnavailable``, and
        ``RecordsDiffer`` where the store belongs to other records.
        """
        refuse_unfinished_import(self._records)
        known = {one.id for one in self._records.reader.stores()}
        if not known:
            return ""
        try:
            id_ = self._store.metadata.store_id()
        except StoreNotReady as error:
            return str(error)
        if not id_:
            return "the store is empty, and the records are not"
        if id_ not in known:
            raise RecordsDiffer(
                f"the store (Redis) is {id_}, and the records are those of another one: name the "
                "right REDIS_URL or DATABASE_URL; if this store may be overwritten, run "
                "`smsgate rebuild --adopt`"
            )
        lost = self._lost()
        return (
            f"partitions {', '.join(map(str, lost))} fell back behind the records" if lost else ""
        )

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
        self._led_at = -LEAD_S
        self._lead(me := uuid.uuid4().hex)
        try:
            self._records.check()
            refuse_unfinished_import(self._records)
            if not adopt:
                refuse_overwriting(self._store, self._records)
            if not allow_empty:
                refuse_empty(self._records)
            return self._rebuild(self._announcing(progress, why), buckets, me)
        finally:
            self._store.rebuild.release(me)

    def _announcing(self, progress: Progress, why: str) -> Progress:
        """The same progress, which is also published once a second."""
        published_at = -PUBLISH_S

        def tell(what: str, done: int, total: int) -> None:
            nonlocal published_at
            progress(what, done, total)
            now = time.monotonic()
            if now - published_at >= PUBLISH_S:
                published_at = now
                self._store.rebuild.tell(RebuildProgress(why, what, done, total))

        return tell

    def _lead(self, me: str) -> None:
        """Prolong the lease, which lasts a minute, every few seconds."""
        now = time.monotonic()
        if now - self._led_at < LEAD_S:
            return
        if not self._store.rebuild.leads(me):
            raise StoreNotReady("another process rebuilds the store just now: wait for it")
        self._led_at = now

    def _rebuild(self, progress: Progress, buckets: int, me: str) -> RebuildResult:
        known = self._records.reader.stores()
        store_id = known[-1].id if known else uuid.uuid4().hex
        buckets = buckets or (known[-1].buckets if known else BUCKETS)
        progress("numbers", 0, self._records.reader.count_numbers())
        self._store.rebuild.shut(me)
        merged = self._record_the_rest()
        now_us = self._store.health.now_us()
        lead = functools.partial(self._lead, me)
        seqs, numbers = self._load_all(progress, buckets, now_us, me)
        messages = remember_messages(self._store, self._records, me, now_us, progress, lead)
        reviews = [*recorded_open(self._records)]
        self._store.rebuild.hold_for_review(reviews)
        self._records.remember_store(store_id, buckets, now_us)
        self._store.programs.carry(self._renamed, buckets, frozenset())
        self._store.programs.publish(self._programs)
        if not self._store.rebuild.open(me, store_id, buckets, seqs):
            raise StoreNotReady("the store was flushed while it was rebuilt: rebuild it again")
        newest = self._records.reader.newest_us()
        return RebuildResult(store_id, numbers, messages, len(reviews), newest, merged)

    def _lost(self) -> list[int]:
        """Partitions with recorded events that the store neither has nor knows of."""
        seqs, kept = self._records.writer.seqs(), self._store.ledger.kept()
        behind = [partition for partition, seq in seqs.items() if kept[partition] < seq]
        return sorted(partition for partition in behind if self._has_lost(partition, seqs))

    def _has_lost(self, partition: int, seqs: Mapping[int, int]) -> bool:
        here = self._ids_here(partition)
        # Asked after the ledger, the store knows of all that a mover has trimmed by then.
        kept = self._store.ledger.kept()[partition]
        untold = self._records.reader.links(partition, kept, seqs[partition])
        return any(link.event_id not in here for link in untold)

    def _ids_here(self, partition: int) -> set[str]:
        return {id_of(line) for line in self._store.ledger_reader.lines(partition)}

    def _record_the_rest(self) -> int:
        """Record what the ledgers still have; gives how many numbers stand as both leave them."""
        kept = self._store.ledger.kept()
        before: dict[str, ConsentState] = {}
        for partition in range(PARTITIONS):
            before |= self._lost_consent_states(partition, kept[partition])
            self._move(partition)
        merged = 0
        for newer in self._records.reader.numbers_of([*before]):
            if newer.consent_state != before[newer.number]:
                together = _together(before[newer.number], newer.consent_state)
                self._settle(newer.number, newer.partition, together)
                merged += 1
        return merged

    def _lost_consent_states(self, partition: int, kept: int) -> dict[str, ConsentState]:
        """How numbers stand of which the partition's ledger may lack an event.

        The store was told of nothing behind ``kept``; what it has in its ledger it has not lost.
        """
        here = self._ids_here(partition)
        found: dict[str, ConsentState] = {}
        for lines in _batched(self._store.ledger_reader.lines(partition), _PAGE):
            recorded = self._records.reader.has([id_of(line) for line in lines])
            fresh = (line for line in lines if id_of(line) not in recorded)
            stand = self._records.reader.numbers_of(sorted(set().union(*map(numbers_of, fresh))))
            behind = {one.seq: one for one in stand if one.seq > kept}
            ids = self._records.reader.event_ids(partition, [*behind])
            lost = (one for seq, one in behind.items() if ids.get(seq) not in here)
            found |= {one.number: one.consent_state for one in lost}
        return found

    def _move(self, partition: int) -> None:
        while lines := (page := self._store.ledger.unmoved(_PAGE)[partition]).lines:
            kept = self._records.writer.keep(
                {partition: [*lines.values()]},
                {partition: [ms_of(id_) * 1000 for id_ in lines]},
                text_deliveries(page.forwards),
            )
            if kept.done:
                self._store.ledger.trim({partition: (kept.heads[partition], [*lines])})

    def _settle(self, number: str, partition: int, consent_state: ConsentState) -> None:
        now_us = self._store.health.now_us()
        event = Event(
            id=event_id(now_us // 1000, "rebuilt", number),
            kind="rebuilt",
            outcome="applied",
            number=number,
            consent_state=consent_state,
            received_us=now_us,
            applied_us=now_us,
            note="the store had lost events of this number and settled newer ones without them",
            software=__version__,
        )
        self._records.writer.keep({partition: [msgspec.json.encode(event)]})

    def _load_all(
        self, progress: Progress, buckets: int, now_us: int, me: str
    ) -> tuple[dict[int, int], int]:
        """Load until no mover, which read a ledger before it was lost, has committed meanwhile."""
        while True:
            seqs = self._records.writer.seqs()
            self._store.rebuild.empty()
            numbers = self._load(progress, buckets, now_us, me)
            if self._records.writer.seqs() == seqs:
                return seqs, numbers

    def _load(self, progress: Progress, buckets: int, now_us: int, me: str) -> int:
        total, done = self._records.reader.count_numbers(), 0
        progress("numbers", done, total)
        load = self._store.rebuild.load
        with WriteBehind() as writer:  # so that reading goes on while Redis writes
            for partition in range(PARTITIONS):
                for chunk in _batched(self._records.reader.consent_states(partition), CHUNK):
                    writer.write(functools.partial(load, me, partition, chunk, buckets, now_us))
                    self._lead(me)
                    done += len(chunk)
                    progress("numbers", done, total)
        return done


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


def build_rebuild_service(services: Services) -> RebuildService:
    """What restores the store of these services from their records."""
    settings = services.settings
    return RebuildService(
        services.store,
        services.records,
        published_programs(settings),
        settings.programs.renamed,
    )
