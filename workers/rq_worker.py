"""An RQ worker that runs only our jobs, in its own process."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from types import FrameType
from typing import Any, Self

import redis
import structlog
from rq import Queue, SimpleWorker, worker_registration
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import now

from smsgate.store.job_queue import APPLY, LIST_STEP, SEND
from smsgate.store.keys import PARTITIONS

WORKER_TTL_S = 30
"""RQ waits 15 s less than this for a job; a dead worker is forgotten a minute later."""
MAINTENANCE_S = 30

_log = structlog.get_logger()


class SteadyWorker(SimpleWorker):
    """Runs jobs in its own process: forking for each would cost more than the job."""

    max_connection_wait_time = 2.0
    """RQ would wait up to a minute between two tries to reach Redis."""

    asked_to_end = False

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

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Note the signal, then stop as RQ does: after the job in progress."""
        self.asked_to_end = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def prepare_job_execution(self, job: Job, *given: Any, **more: Any) -> None:  # noqa: ANN401 - RQ's own
        """Restore a job that expired after it was taken from the queue, and let it expire again.

        Of one that expired RQ writes a few fields, which ``JobCleanup.clean`` takes for remains; RQ
        then looks for them when the work is done, and logs a failure of it. A job that runs has no
        time to live by RQ, so that one whose worker was killed stayed until a clock removed it.
        """
        job.save()
        super().prepare_job_execution(job, *given, **more)
        self.connection.expire(job.key, self.get_heartbeat_ttl(job))

    def run_maintenance_tasks(self) -> None:
        """Forget dead workers, and nothing else.

        RQ would also read the jobs in its registries and call what they name for their failure;
        what dead jobs leave behind ``JobCleanup.clean`` takes away.
        """
        for queue in self.queues:
            worker_registration.clean_worker_registry(queue)
        self.last_cleaned_at = now()  # type: ignore[assignment]  # RQ declares it as None

    def subscribe(self) -> None:
        """Listen to no commands: SIGTERM ends us, and jobs are short."""

    def unsubscribe(self) -> None:
        """There is nothing to unsubscribe from."""


def partition_worker(url: str, name: str) -> SteadyWorker:
    """A worker for partitions, with a connection of its own."""
    return SteadyWorker.on_queue(redis.Redis.from_url(url, socket_connect_timeout=2), name)


_LIST_ID = re.compile(r"[0-9a-f]{32}")


def _is_partition(argument: object) -> bool:
    return type(argument) is int and 0 <= argument < PARTITIONS


def _is_list_id(argument: object) -> bool:
    return type(argument) is str and _LIST_ID.fullmatch(argument) is not None


FUNCTIONS = {APPLY[1]: _is_partition, SEND[1]: _is_partition, LIST_STEP: _is_list_id}
"""The functions that may be called by name, each with what its one argument must be."""
MAX_DATA_BYTES = 512
"""Our own take about 60; more is not even unpacked."""
MAX_ID_LENGTH = 64
"""Characters of an id or a field's name that the log shows."""

_LIMITS = frozenset({b"timeout", b"result_ttl", b"failure_ttl", b"ttl"})
"""Fields with seconds."""
MAX_LIMIT_DIGITS = 6
_OWN_FIELDS = frozenset(
    {
        *(b"data", b"status", b"origin", b"description", b"worker_name"),
        *(b"created_at", b"enqueued_at", b"started_at", b"ended_at", b"last_heartbeat"),
        *_LIMITS,
    }
)
"""What a job of ours has, and RQ notes of it. By others a job names functions to import, addresses
to call, data to unpack, or how often and after which jobs it runs."""


class AllowedJob(Job):
    """A job that is one of ours, or none at all."""

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
    if not isinstance(function, str) or function not in FUNCTIONS:
        return f"calls {str(function)[:100]!r}"
    has_one = isinstance(args, list) and len(args) == 1
    if instance is not None or kwargs != {} or not has_one or not FUNCTIONS[function](args[0]):
        return f"calls {function} with other arguments than smsgate"
    return ""


def _unpacked(data: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(data, MAX_DATA_BYTES)
    if not unpacking.eof:
        raise ValueError("too long")
    return unpacked
