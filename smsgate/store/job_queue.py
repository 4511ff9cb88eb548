"""Job notifications through RQ: an RQ job says that a partition has work; the store says which.

A job has a fresh id and leaves nothing behind: a lost one costs one period of the sweeper, a
doubled one finds nothing to do. The ids are never ``unique``, since RQ keeps such an id taken
after a kill. Job names and JSON arguments are part of the stored format.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import cast

import redis
import structlog
from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from smsgate.domain.errors import QueueUnavailable
from smsgate.store.redis_errors import problem_of
from smsgate.store.redis_types import Client

_log = structlog.get_logger()

APPLY = ("inbox", "workers.jobs.apply_inbox")
"""Queue and job that apply a partition's inbox."""
SEND = ("outbox", "workers.jobs.send_replies")
"""Queue and job that send a partition's due replies."""
LIST_STEP = "workers.jobs.run_list_step"
"""Job that runs a step of a list job, on the queue of the data directory that has its files."""

JOB_S = 2
"""How long a job works before it enqueues its partition again and ends."""
_TTL_S = 10
_TIMEOUT_S = 60
_LIST_TTL_S = 7 * 86_400
_LIST_START_S = 5
"""How long after a list job was taken from its queue its worker may need to lock the files."""
_PATIENCE = 100
"""Jobs that may wait in a queue before ``clean`` looks for expired ones."""

_STEPS, _STEP = 5, 1000
"""How often, and for how many keys at once, Redis is asked for what RQ has forgotten."""
_NEVER = -1
"""Redis's time to live of what has none."""
_JOB, _EXECUTIONS = b"rq:job:", b"rq:executions:"
_WHOLE = {b"rq:worker:": "birth", _JOB: "created_at"}
"""A field of every worker's and every job's hash, by how their keys begin."""


class JobQueue:
    """Enqueues jobs. Connects to ``url`` on first use."""

    def __init__(self, url: str, timeout_s: float) -> None:
        connection = redis.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self._connection = cast("Client", connection)
        self._redis = connection
        """The same, as RQ takes it."""
        self._queues = {
            name: Queue(name, connection=connection, serializer=JSONSerializer)
            for name, _ in (APPLY, SEND)
        }
        self._cursor = 0

    def notify_inboxes(self, partitions: Iterable[int]) -> None:
        """Enqueue a job that applies each partition's inbox.

        A failure is logged only: the sweeper enqueues the job again.
        """
        self._notify(APPLY, partitions)

    def notify_outboxes(self, partitions: Iterable[int]) -> None:
        """Enqueue a job that sends each partition's due replies; a failure is logged only."""
        self._notify(SEND, partitions)

    def _notify(self, job: tuple[str, str], partitions: Iterable[int]) -> None:
        for partition in partitions:
            try:
                self.enqueue(job, partition)
            except QueueUnavailable as error:
                _log.warning("job not enqueued", lane=partition, error=str(error))

    def ping(self) -> None:
        """Raise ``QueueUnavailable`` where RQ's Redis does not answer."""
        with _usable():
            self._connection.ping()

    def close(self) -> None:
        """Close the connections that are not in use; the next use opens new ones."""
        self._redis.connection_pool.disconnect(inuse_connections=False)

    def clean(self) -> None:
        """Take away what RQ keeps of jobs that died: the clock asks for new ones.

        Ids stay bytes here, whatever anybody wrote there. Raises ``QueueUnavailable``.
        """
        with _usable():
            for queue in self._queues.values():
                self._drop_dead(queue)
                failed = FailedJobRegistry(queue=queue).key
                for id_ in self._connection.zrange(failed, 0, -1):
                    self._connection.zrem(failed, id_)
                    self._connection.delete(_JOB + id_)
                self._drop_expired(queue)
            self._drop_remains()

    def _drop_dead(self, queue: Queue) -> None:
        """Forget jobs whose process died.

        RQ's own cleanup ends with a ValueError where the record of an execution has expired and
        the job's list of executions has not, which is the case for a minute.
        """
        registry, now_s = StartedJobRegistry(queue=queue).key, time.time()
        for entry in self._connection.zrangebyscore(registry, 0, now_s):
            id_ = entry.partition(b":")[0]  # an execution's own id follows
            self._connection.delete(_JOB + id_, _EXECUTIONS + id_)
        self._connection.zremrangebyscore(registry, 0, now_s)

    def _drop_expired(self, queue: Queue) -> None:
        """Remove the ids that expired jobs leave behind while no worker runs."""
        for key, patience in ((queue.intermediate_queue.key, 0), (queue.key, _PATIENCE)):
            ids = self._connection.lrange(key, 0, -1)
            for id_ in ids if len(ids) > patience else ():
                if not self._connection.exists(_JOB + id_):
                    self._connection.lrem(key, 1, id_)

    def _drop_remains(self) -> None:
        """Forget hashes that RQ's late heartbeats made of workers and jobs that were gone.

        They have no time to live. A few thousand of Redis's keys are looked at each time, so that
        the cost is the same whatever else is in there.
        """
        for _ in range(_STEPS):
            self._cursor, found = self._connection.scan(
                self._cursor, match="rq:*", count=_STEP, _type="hash"
            )
            for key in found:
                self._drop_remainder(key)
            if self._cursor == 0:
                return

    def _drop_remainder(self, key: bytes) -> None:
        whole = next((field for start, field in _WHOLE.items() if key.startswith(start)), "")
        if not whole or self._connection.ttl(key) != _NEVER:
            return
        if not self._connection.hexists(key, whole):
            self._connection.delete(key)

    def enqueue(self, job: tuple[str, str], partition: int) -> None:
        """Enqueue ``APPLY`` or ``SEND`` for a partition. Raises ``QueueUnavailable``."""
        name, function = job
        with _usable():
            self._queues[name].enqueue_call(
                function,
                args=(partition,),
                ttl=_TTL_S,
                timeout=_TIMEOUT_S,
                result_ttl=0,
                failure_ttl=0,
                description=f"{function}({partition})",
            )

    def enqueue_list(self, queue: str, list_id: str, job_id: str) -> None:
        """Enqueue the step of a list job under a fresh job id. Raises ``QueueUnavailable``."""
        with _usable():
            Queue(queue, connection=self._redis, serializer=JSONSerializer).enqueue_call(
                LIST_STEP,
                args=(list_id,),
                job_id=job_id,
                ttl=_LIST_TTL_S,
                timeout=_LIST_TTL_S,
                result_ttl=0,
                failure_ttl=0,
                description=f"{LIST_STEP}({list_id})",
            )

    def list_waits(self, job_id: str) -> bool:
        """Whether a list job waits in its queue, or a worker took it a moment ago.

        Raises ``QueueUnavailable``.
        """
        job = self._job(job_id)
        if job is not None and job.get_status(refresh=False) == JobStatus.QUEUED:
            with _usable():
                if job.get_position() is not None:
                    return True
            job = self._job(job_id)  # a worker has taken it, or died with it
        since = (job.started_at or job.enqueued_at) if job is not None else None
        return since is not None and time.time() - since.timestamp() < _LIST_START_S

    def forget_list(self, job_id: str) -> None:
        """Remove what RQ keeps of a list job whose worker died. Raises ``QueueUnavailable``."""
        job = self._job(job_id)
        if job is not None:
            # A worker that ends the job at this moment removes it, too.
            with _usable(), suppress(InvalidJobOperation):
                job.delete()

    def list_progress(self, job_id: str) -> int:
        """How far a list job is, in bytes or numbers. Raises ``QueueUnavailable``."""
        job = self._job(job_id)
        return int(job.meta.get("read", 0)) if job is not None else 0

    def _job(self, job_id: str) -> Job | None:
        with _usable():
            try:
                return Job.fetch(job_id, self._redis, JSONSerializer)
            except NoSuchJobError:
                return None


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise QueueUnavailable(f"the queue cannot be used: {problem_of(error)}") from error
