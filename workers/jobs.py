"""What RQ may call by name, and the worker that calls it. The work is that of ``smsgate.pipeline``.

Whoever can write to RQ's Redis must not run code here, so a job is taken only where it is exactly
one that smsgate writes.
"""

from __future__ import annotations

import functools
import json
import os
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Self

import redis
import structlog
from redis.client import Pipeline
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import now

from smsgate.domain.errors import StoreNotReady, StoreUnavailable
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.running_process import RunningProcess
from smsgate.store.inbox import APPLY, SEND
from smsgate.store.keys import PARTITIONS

PATIENCE_S = 0.2
"""How long a job waits for its calls before the next partition has its turn."""
WORKER_TTL_S = 30
"""RQ waits 15 s less than this for a job; a dead worker is forgotten a minute later."""
MAINTENANCE_S = 30
EXPIRY_S = 600
"""After which a job that was begun, or a late word about it, is gone, whoever died over it."""
MAX_DATA_BYTES = 512
"""Our own take about 60; more is not even unpacked."""
MAX_ID_LENGTH = 64
"""Characters of an id or a field's name that the log shows."""
MAX_LIMIT_DIGITS = 6

_LIMITS = frozenset({b"timeout", b"result_ttl", b"failure_ttl", b"ttl"})
"""Fields with seconds."""
_OWN_FIELDS = frozenset(
    {
        *(b"data", b"status", b"origin", b"description", b"worker_name"),
        *(b"created_at", b"enqueued_at", b"started_at", b"ended_at", b"last_heartbeat"),
        *_LIMITS,
    }
)
"""What a job of ours has, and RQ notes of it. By others a job names functions to import, addresses
to call, data to unpack, or how often and after which jobs it runs."""
_log = structlog.get_logger()

kind = "worker"
"""Of this process; ``workers/__main__.py`` sets it before the first job."""


@functools.cache
def process() -> RunningProcess:
    """What this process and its jobs work with, made from the environment once."""
    return RunningProcess(load_configuration(os.environ), kind)


def apply_inbox(partition: int) -> None:
    """Apply what waits in a partition's inbox."""
    try:
        process().services.applier.work(partition)
    except (StoreUnavailable, StoreNotReady) as error:
        # Nothing is lost: the entries stay, and the clock asks for another job.
        _log.warning("inbox waits", partition=partition, problem=str(error))


def send_replies(partition: int) -> None:
    """Send the due replies of a partition."""
    try:
        process().services.sender.drain(partition, PATIENCE_S)
    except (StoreUnavailable, StoreNotReady) as error:
        _log.warning("outbox waits", partition=partition, problem=str(error))


class PartitionWorker(SimpleWorker):
    """Runs jobs in its own process: forking for each would cost more than the job."""

    max_connection_wait_time = 2.0
    """RQ would wait up to a minute between two tries to reach Redis."""

    @classmethod
    def on_queue(cls, connection: redis.Redis, name: str) -> Self:
        """A worker on the queue of a name that runs only jobs of ours."""
        return cls(
            [Queue(name, connection=connection, serializer=JSONSerializer, job_class=AllowedJob)],
            connection=connection,
            job_class=AllowedJob,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL_S,
            maintenance_interval=MAINTENANCE_S,
            log_job_description=False,
        )

    def run_maintenance_tasks(self) -> None:
        """Clean up after jobs and workers that died, or leave that for the next time.

        For a minute after a worker was killed RQ finds the job and not the record of its run. It
        raises then, which would end this worker too.
        """
        try:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        except ValueError as error:
            _log.info("queue is cleaned later", problem=str(error))
            for queue in self.queues:
                queue.release_maintenance_lock()  # type: ignore[no-untyped-call]
            self.last_cleaned_at = now()  # type: ignore[assignment]  # RQ declares it as None

    def prepare_job_execution(self, job: Job, remove_from_intermediate_queue: bool = False) -> None:
        """Begin a job, which expires by itself if this worker is killed over it."""
        super().prepare_job_execution(job, remove_from_intermediate_queue)
        self.connection.expire(job.key, EXPIRY_S)


class AllowedJob(Job):
    """A job that is one of ours, or none at all."""

    def heartbeat(
        self, timestamp: datetime, ttl: int, pipeline: Pipeline | None = None, xx: bool = False
    ) -> None:
        """Say that the job goes on; a word about one that is over does not stay for ever."""
        super().heartbeat(timestamp, ttl, pipeline, xx)
        (pipeline or self.connection).expire(self.key, EXPIRY_S)

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Take over what Redis holds of the job, if it is one of ours.

        Any other is deleted and logged, and ``NoSuchJobError`` raised, by which RQ passes it over.
        """
        problem = _problem(raw_data) or self._restored(raw_data)
        if not problem:
            return
        if b"data" in raw_data:  # else it is what a late heartbeat left of a job
            _log.warning("job refused", job=self.id[:MAX_ID_LENGTH], problem=problem)
        self.connection.delete(self.key)
        raise NoSuchJobError(problem)

    def _restored(self, raw_data: Mapping[bytes, bytes]) -> str:
        """Take the fields over as RQ does; return what is wrong with one that it cannot read."""
        try:
            super().restore(raw_data)
        except ValueError:  # A time, a status, or a text that is no UTF-8.
            return "has a field that RQ does not write"
        return ""


def _problem(fields: Mapping[bytes, bytes]) -> str:
    """Why the job is not one of ours; empty if it is."""
    for name, value in fields.items():
        if value and name not in _OWN_FIELDS:
            return f"has the field {name[:MAX_ID_LENGTH].decode('ascii', 'replace')}"
        if value and name in _LIMITS and not (value.isdigit() and len(value) <= MAX_LIMIT_DIGITS):
            return f"has another {name.decode()} than smsgate writes"
    try:
        function, instance, args, kwargs = json.loads(_unpacked(fields.get(b"data", b"")))
    except (ValueError, TypeError, RecursionError, zlib.error):
        return "has no data that smsgate writes"
    is_plain = instance is None and kwargs == {} and isinstance(args, list) and len(args) == 1
    if function in (APPLY[1], SEND[1]):
        is_ours = is_plain and type(args[0]) is int and 0 <= args[0] < PARTITIONS
    else:
        return f"calls {str(function)[:100]!r}"
    return "" if is_ours else f"calls {function} with other arguments than smsgate"


def _unpacked(data: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(data, MAX_DATA_BYTES)
    if not unpacking.eof:
        raise ValueError("too long")
    return unpacked
