"""Job notifications through RQ: an RQ job says that a partition has work; the store says which.

A job has a fresh id and leaves nothing behind: a lost one costs one period of the sweeper, a
doubled one finds nothing to do. The ids are never ``unique``, since RQ keeps such an id taken
after a kill. Job names and JSON arguments are part of the stored format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import cast

import redis
import structlog
from rq import Queue
from rq.serializers import JSONSerializer

from smsgate.domain.errors import QueueUnavailable
from smsgate.store.redis_errors import problem_of
from smsgate.store.redis_types import Client

_log = structlog.get_logger()

APPLY = ("inbox", "workers.jobs.apply_inbox")
"""Queue and job that apply a partition's inbox."""
SEND = ("outbox", "workers.jobs.send_replies")
"""Queue and job that send a partition's due replies."""
LIST_STEP = "workers.list_worker.run_list_step"
"""Job that runs a step of a list job, on the queue of the data directory that has its files."""

JOB_S = 2
"""How long a job works before it enqueues its partition again and ends."""
_TTL_S = 10
MOST_WAITING = 200
"""Notifications in a queue. Alive are 80: one for each partition every two seconds."""
_TIMEOUT_S = 60


class JobQueue:
    """Enqueues jobs. Connects to ``url`` on first use."""

    def __init__(self, url: str, timeout_s: float) -> None:
        connection = redis.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self.connection = cast("Client", connection)
        self.redis = connection
        """The same, as RQ takes it."""
        self.queues = {
            name: Queue(name, connection=connection, serializer=JSONSerializer)
            for name, _ in (APPLY, SEND)
        }

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
            self.connection.ping()

    def close(self) -> None:
        """Close the connections that are not in use; the next use opens new ones."""
        self.redis.connection_pool.disconnect(inuse_connections=False)

    def enqueue(self, job: tuple[str, str], partition: int) -> None:
        """Enqueue ``APPLY`` or ``SEND`` for a partition. Raises ``QueueUnavailable``."""
        name, function = job
        with usable_queue():
            self.queues[name].enqueue_call(
                function,
                args=(partition,),
                ttl=_TTL_S,
                timeout=_TIMEOUT_S,
                result_ttl=0,
                failure_ttl=0,
                description=f"{function}({partition})",
            )


@contextmanager
def usable_queue() -> Iterator[None]:
    """Raise ``QueueUnavailable`` for every error of RQ's Redis."""
    try:
        yield
    except redis.RedisError as error:
        raise QueueUnavailable(f"the queue cannot be used: {problem_of(error)}") from error
