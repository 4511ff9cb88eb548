"""What RQ may call by name, and the worker that calls it. The work is that of ``smsgate.pipeline``.

Whoever can write to RQ's Redis must not run code here, so a job is taken only where it is exactly
one that smsgate writes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping

import redis
import structlog
from redis.client import Pipeline
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from smsgate.domain.errors import StoreNotReady, StoreUnavailable
from smsgate.store.inbox import APPLY, SEND
from smsgate.store.keys import PARTITIONS

TIMEOUT_S = 60
"""After which a job is broken off; it works for two seconds and then asks for another one."""
MAX_DATA_BYTES = 512
"""Our own take about 60; more is not even unpacked."""

_OWN_JOBS = frozenset(
    json.dumps([function, None, [partition], {}]).encode()
    for _, function in (APPLY, SEND)
    for partition in range(PARTITIONS)
)
"""The data of every job that smsgate writes."""
_FIELDS = (b"data", b"status", b"origin", b"created_at", b"enqueued_at", b"started_at", b"ended_at")
"""What is read of a job. Other fields, which may name functions to import, addresses to call or
data to unpack, are as if they were not there."""
_log = structlog.get_logger()
Work = Callable[[int], object]
"""What is done for a partition."""
_work: dict[str, Work] = {}
"""By queue, what this process does: RQ finds the function of a job by its name alone."""


def apply_inbox(partition: int) -> None:
    """Apply what waits in a partition's inbox."""
    _run(APPLY[0], partition)


def send_replies(partition: int) -> None:
    """Send the due replies of a partition."""
    _run(SEND[0], partition)


def _run(queue: str, partition: int) -> None:
    try:
        _work[queue](partition)
    except (StoreUnavailable, StoreNotReady) as error:
        # Nothing is lost: entries and replies stay, and the clock asks for another job.
        _log.warning("job waits", partition=partition, problem=str(error))


def worker_on(connection: redis.Redis, queue: str, work: Work) -> SimpleWorker:
    """A worker on one queue that runs only jobs of ours, each of which calls ``work``.

    In its own process: forking for each would cost more than the job.
    """
    _work[queue] = work
    worker = SimpleWorker(
        [Queue(queue, connection=connection, serializer=JSONSerializer, job_class=AllowedJob)],
        connection=connection,
        job_class=AllowedJob,
        serializer=JSONSerializer,
        worker_ttl=30,  # RQ waits 15 s less for a job, and forgets a dead worker a minute later
        maintenance_interval=30,
        log_job_description=False,
    )
    worker.max_connection_wait_time = 2.0  # between tries to reach Redis
    return worker


class AllowedJob(Job):
    """A job that is one of ours, or none at all."""

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Take over what Redis holds of the job, if it is one of ours.

        Any other is deleted and logged, and ``NoSuchJobError`` raised, by which RQ passes it over.
        """
        try:
            data = zlib.decompressobj().decompress(raw_data.get(b"data", b""), MAX_DATA_BYTES)
            is_ours = data in _OWN_JOBS
            if is_ours:
                super().restore({name: raw_data[name] for name in _FIELDS if name in raw_data})
        except (ValueError, zlib.error):  # no data, or a time or status that RQ does not write
            is_ours = False
        if not is_ours:
            _log.warning("job refused", job=self.id[:64])
            self.connection.delete(self.key)
            raise NoSuchJobError("no job of smsgate's")
        self.timeout, self.result_ttl, self.failure_ttl = TIMEOUT_S, 0, 0

    def delete(self, pipeline: Pipeline | None = None, *_: object, **__: object) -> None:
        """Delete it and the list of its runs.

        RQ reads each run first, and a worker that misses one, a dead worker's, would end.
        """
        server = self.connection if pipeline is None else pipeline
        server.delete(self.key, self.execution_registry.key)

    def heartbeat(self, *_: object, **__: object) -> None:
        """Write nothing: after a job's end, with which it is deleted, that would make it anew."""
