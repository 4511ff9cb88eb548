"""The inbox: the only way in for whatever changes a number's state; and asking for a worker.

An RQ job says that a partition has work; the store says which. A job has a fresh id and leaves
nothing behind: a lost one costs one period of the sweeper, a doubled one finds nothing to do. The
ids are never ``unique``, since RQ keeps such an id taken after a kill. Job names and JSON arguments
are part of the stored format.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
import redis
import structlog
from rq import Queue
from rq.serializers import JSONSerializer

from smsgate.domain.errors import QueueUnavailable, StoreUnavailable
from smsgate.domain.messages import AddResult, Arrival, Batch, Decision, Entry, Intent, StoredEntry
from smsgate.store.connection import (
    Call,
    Client,
    Script,
    as_text,
    json_text,
    of_partitions,
    pipelined,
    stream_rows,
    unavailable,
)
from smsgate.store.keys import NOTIFY_MS, PARTITION_KEYS, PartitionKeys, hold_field, partition_of
from smsgate.store.metadata import refuse_old

APPLY = ("inbox", "workers.jobs.apply_inbox")
"""Queue and job that apply a partition's inbox."""
SEND = ("outbox", "workers.jobs.send_replies")
"""Queue and job that send a partition's due replies."""

JOB_S = 2
"""How long a job works before it enqueues its partition again and ends."""
_TTL_S = 10
MOST_WAITING = 200
"""Notifications in a queue. Alive are 80: one for each partition every two seconds."""

_KEEP_FINGERPRINT_S = 5
"""How long the last text of a number is remembered where its provider gives no ids."""
KEEP_MESSAGE_ID_S = 48 * 3600
"""How long message ids are remembered; providers redeliver for up to 24 hours."""

_TRUST_S = 5.0
"""How long an answer about replicas is believed."""
_REPLICA_MS = 500
"""How long a replica may take to have what was written. A primary that dies takes with it what its
replicas do not have yet, so where there are some, one has to have what is acknowledged."""
_decode = msgspec.json.Decoder(Entry).decode
_pack = msgspec.msgpack.encode
_log = structlog.get_logger()


_NOT_STORED = StoreUnavailable("what came together was not stored")


class _Waiter:
    """One caller's arrivals, what became of them, and the lock that it waits on."""

    __slots__ = ("added", "arrivals", "error", "leads", "lock")

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self.arrivals = arrivals
        self.lock = threading.Lock()
        self.lock.acquire()
        self.leads = False
        self.added: Sequence[AddResult] = ()
        self.error: StoreUnavailable | None = _NOT_STORED


class Inbox:
    """The inboxes of all partitions.

    The first thread that comes leads, and adds what all who wait have brought in one round trip
    (group commit). Meanwhile others wait for the next round, which one of them leads.
    """

    def __init__(self, client: Client, job_queue: JobQueue | None = None) -> None:
        """Without a queue nobody is asked for a worker; the sweeper does it then."""
        self._client = client
        self._job_queue = job_queue
        self._add = Script(client, "add")
        self._mark_idle = Script(client, "rest")
        self._asked_at = -_TRUST_S
        self._replica_ms = 0
        self._lock = threading.Lock()
        self._queue: list[_Waiter] = []
        self._has_leader = False

    def add(self, arrivals: Sequence[Arrival], *, raises: bool = True) -> Sequence[AddResult]:
        """Store entries durably, place their holds, and ask for the workers that they need.

        Gives what became of each, in order. Raises ``StoreUnavailable``, without ``raises`` only
        where none was stored; stored messages are recognised by their ids when they come again.
        """
        waiter = _Waiter(arrivals)
        with self._lock:
            self._queue.append(waiter)
            if not self._has_leader:
                self._choose_leader()
        waiter.lock.acquire()  # released once the group is stored, or to lead the next one
        if waiter.leads:
            self._lead()
        if waiter.error is not None and (raises or not waiter.added):
            raise waiter.error
        return waiter.added

    def _choose_leader(self) -> None:
        """Let the first who waits lead, if anybody does. Only with the lock."""
        self._has_leader = bool(self._queue)
        for waiter in self._queue[:1]:
            waiter.leads = True
            waiter.lock.release()

    def _lead(self) -> None:
        """Store the queued group, the caller included, then let the next group's first lead."""
        with self._lock:
            group, self._queue = self._queue, []
        notified: list[int] = []
        try:
            added, notified = self._store([one for waiter in group for one in waiter.arrivals])
            left = iter(added)
            for waiter in group:
                waiter.added = [next(left) for _ in waiter.arrivals]
                waiter.error = next((one.error for one in waiter.added if one.error), None)
        except StoreUnavailable as error:
            for waiter in group:
                waiter.error = error
        finally:
            with self._lock:
                self._choose_leader()
            for waiter in group:
                if not waiter.leads:
                    waiter.lock.release()
        if self._job_queue is not None:
            self._job_queue.notify_inboxes(notified)

    def _store(self, arrivals: Sequence[Arrival]) -> tuple[list[AddResult], list[int]]:
        """What became of each, and the partitions for which a job is to be enqueued."""
        places: dict[int, list[int]] = defaultdict(list)
        for place, arrival in enumerate(arrivals):
            places[entry_partition(arrival.entry)].append(place)
        calls = [_call(one, [arrivals[at] for at in its]) for one, its in places.items()]
        self._ask_for_replicas()
        added, notified = [AddResult("")] * len(arrivals), []
        results = self._add.many(calls, self._replica_ms, raises=False)
        for (partition, of_partition), result in zip(places.items(), results, strict=True):
            error = unavailable(result) if isinstance(result, redis.RedisError) else None
            for place, at in enumerate(of_partition, 1):
                id_ = "" if error else result[place].decode()
                added[at] = AddResult(id_, not id_ and error is None, error)
            if error is None and result[0] == 1:
                notified.append(partition)
        return added, notified

    def _ask_for_replicas(self) -> None:
        """Look whether every primary has replicas. Raises ``StoreUnavailable``, ``OldStore``."""
        if time.monotonic() - self._asked_at >= _TRUST_S:
            refuse_old(self._client)
            infos = self._client.infos("replication")
            has_replicas = all(int(one.get("connected_slaves", 0)) for one in infos)
            self._replica_ms = _REPLICA_MS if has_replicas else 0
            self._asked_at = time.monotonic()

    def read(self, partition: int, count: int) -> Batch:
        """The oldest entries of a partition and the cursor behind which they stand."""
        keys = PARTITION_KEYS[partition]
        # The cursor first: if it moves in between, the commit is refused.
        with pipelined(self._client) as pipeline:
            pipeline.get(keys.cursor)
            pipeline.xrange(keys.inbox, count=count)
            cursor, rows = pipeline.execute()
        return Batch(as_text(cursor), tuple(stored_of(*row) for row in stream_rows(rows)))

    def mark_idle(self, partition: int) -> bool:
        """Note that no job works on an empty inbox, so that the next entry asks for one.

        False, and nothing is noted, where an entry waits.
        """
        keys = PARTITION_KEYS[partition]
        return bool(self._mark_idle([keys.inbox, keys.notify_inbox], []))

    def busy(self) -> list[int]:
        """The partitions in which something waits; one round trip."""
        backlog = of_partitions(self._client, lambda one, keys: one.xlen(keys.inbox))
        return [partition for partition, depth in enumerate(backlog) if depth]


def entry_partition(entry: Entry) -> int:
    """The partition of an entry: that of its number, or of those of its list."""
    return partition_of(entry.numbers[0] if entry.numbers else entry.number)


def entry_of(raw: bytes) -> Entry:
    """An entry; one that cannot be read is kept as it is and does not stop its partition.

    Its hold stays, since the number is not known any more.
    """
    try:
        return _decode(raw)
    except msgspec.DecodeError as error:
        decision = Decision(Intent.NONE, rule="unreadable", note=str(error))
        return Entry(number="", program="", decision=decision, text=raw.decode(errors="replace"))


def stored_of(id_: str, fields: Mapping[bytes, bytes]) -> StoredEntry:
    """An entry of an inbox, from its stream."""
    return StoredEntry(id_, int(fields[b"s"]), entry_of(fields[b"e"]))


def _call(partition: int, arrivals: Sequence[Arrival]) -> Call:
    """Keys and arguments of the script for arrivals of one partition."""
    keys = PARTITION_KEYS[partition]
    seen: list[str] = []
    rows = [_row(keys, arrival, seen) for arrival in arrivals]
    names = [keys.inbox, keys.holds, keys.reviews, keys.notify_inbox, keys.optins, *seen]
    return names, [NOTIFY_MS, KEEP_MESSAGE_ID_S, _KEEP_FINGERPRINT_S, _pack(rows)]


def opt_in_member(entry: Entry) -> str:
    """Member of the set of opt-ins that are remembered without end."""
    return f"{entry.account}:{entry.message_id}"


def _row(keys: PartitionKeys, arrival: Arrival, seen: list[str]) -> tuple[object, ...]:
    """An arrival as ``add.lua`` reads it (``ARGV[4]``); its key of known ids joins ``seen``."""
    entry = arrival.entry
    intent = entry.decision.intent
    index, member = 0, ""
    if entry.message_id:
        seen.append(keys.seen(entry.account, entry.message_id))
        index, member = len(seen), opt_in_member(entry)
    elif arrival.fingerprint:
        seen.append(keys.last(entry.account, entry.number))
        index = len(seen)
    real = entry.phone and bool(entry.program) and not entry.numbers
    return (
        json_text(entry),
        arrival.age_us,
        arrival.sent_us or False,
        hold_field(entry.scope, entry.number) if real and intent.stops else "",
        hold_field(entry.program, entry.number) if real and intent is Intent.REVIEW else "",
        index,
        member,
        intent is Intent.OPT_IN and bool(member),
        "" if member else arrival.fingerprint,
    )


class JobQueue:
    """Enqueues jobs. Connects to ``url`` on first use."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self.redis = redis.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self.queues = {
            name: Queue(name, connection=self.redis, serializer=JSONSerializer)
            for name, _ in (APPLY, SEND)
        }

    def notify_inboxes(self, partitions: Iterable[int]) -> None:
        """Enqueue a job that applies each partition's inbox.

        A failure is logged, and no other is tried, which would wait as long: the sweeper enqueues
        the jobs again.
        """
        self._notify(APPLY, partitions)

    def notify_outboxes(self, partitions: Iterable[int]) -> None:
        """Enqueue a job that sends each partition's due replies; a failure is logged only."""
        self._notify(SEND, partitions)

    def _notify(self, job: tuple[str, str], partitions: Iterable[int]) -> None:
        try:
            for partition in partitions:
                self.enqueue(job, partition)
        except QueueUnavailable as error:
            _log.warning("job not enqueued", partition=partition, error=str(error))

    def trim(self) -> None:
        """Drop notifications that expired while no worker took them.

        Raises ``QueueUnavailable``.
        """
        with usable_queue():
            for queue in self.queues.values():
                self.redis.ltrim(queue.key, -MOST_WAITING, -1)

    def ping(self) -> None:
        """Raise ``QueueUnavailable`` where RQ's Redis does not answer."""
        with usable_queue():
            self.redis.ping()

    def close(self) -> None:
        """Close the connections that are not in use; the next use opens new ones."""
        self.redis.connection_pool.disconnect(inuse_connections=False)

    def enqueue(self, job: tuple[str, str], partition: int) -> None:
        """Enqueue ``APPLY`` or ``SEND`` for a partition. Raises ``QueueUnavailable``."""
        name, function = job
        with usable_queue():
            self.queues[name].enqueue_call(function, args=(partition,), ttl=_TTL_S)


@contextmanager
def usable_queue() -> Iterator[None]:
    """Raise ``QueueUnavailable`` for every error of RQ's Redis."""
    try:
        yield
    except redis.RedisError as error:
        raise QueueUnavailable(str(unavailable(error, "queue"))) from error
