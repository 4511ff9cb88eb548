"""The processes ``worker`` and ``sender``: an RQ worker that outlives its Redis.

RQ's own worker waits where it cannot reach Redis while it is idle, but ends where the connection
breaks at any other moment. Here a new one takes its place in the same process.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import signal
import threading
import zlib
from collections.abc import Mapping
from types import FrameType
from typing import Any, NoReturn

import redis
import structlog
from rq import Queue, SimpleWorker, worker_registration
from rq.exceptions import NoSuchJobError, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import now

from smsgate.logs import Reminder
from smsgate.store.connection import refused_writes
from smsgate.store.job_queue import APPLY, LIST_STEP, SEND
from smsgate.store.keys import PARTITIONS
from smsgate.store.redis_address import problem_of

WORKER_TTL_S = 30
"""RQ waits 15 s less than this for a job; a dead worker is forgotten a minute later."""
MAINTENANCE_S = 30
RETRY_S = 1.0
"""How long to wait before Redis is tried again."""

_log = structlog.get_logger()
_rq_log = logging.getLogger("rq.worker")


class SteadyWorker(SimpleWorker):
    """Runs jobs in its own process: forking for each would cost more than the job."""

    max_connection_wait_time = 2.0
    """RQ would wait up to a minute between two tries to reach Redis."""

    asked_to_end = False

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Note the signal, then stop as RQ does: after the job in progress."""
        self.asked_to_end = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def prepare_job_execution(self, job: Job, *given: Any, **more: Any) -> None:  # noqa: ANN401 - RQ's own
        """Restore a job that expired after it was taken from the queue.

        Of such a one RQ writes a few fields, which ``JobQueue.clean`` takes for remains; RQ then
        looks for them when the work is done, and logs a failure of it.
        """
        job.save()
        super().prepare_job_execution(job, *given, **more)

    def run_maintenance_tasks(self) -> None:
        """Forget dead workers, and nothing else.

        RQ would also read the jobs in its registries and call what they name for their failure;
        what dead jobs leave behind ``JobQueue.clean`` takes away.
        """
        for queue in self.queues:
            worker_registration.clean_worker_registry(queue)
        self.last_cleaned_at = now()  # type: ignore[assignment]  # RQ declares it as None

    def subscribe(self) -> None:
        """Listen to no commands: SIGTERM ends us, and jobs are short."""

    def unsubscribe(self) -> None:
        """There is nothing to unsubscribe from."""


class RetryLines(logging.Filter):
    """Replaces what RQ logs of each try to reach Redis by our line, once a minute.

    Of a Redis that refuses writes RQ would log a traceback at each try.
    """

    def __init__(self, queue: str, reminder: Reminder) -> None:
        """Tell what ``reminder`` finds due, for a worker on ``queue``."""
        super().__init__()
        self._queue, self._reminder = queue, reminder

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether RQ's own line is logged."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        if "could not connect" not in str(record.msg):
            arguments = (record.exc_info[1],) if record.exc_info else ()
        errors = [one for one in arguments if isinstance(one, redis.RedisError)]
        if not errors:
            return True
        _log_lost(self._queue, errors[0], self._reminder)
        return False


def run(url: str, queue: str) -> None:
    """Work on one queue until SIGTERM or SIGINT; a job in progress is finished first.

    Later signals are ignored: the process is ending, and a second one must not break that off.
    """
    reminder = Reminder()
    retries = RetryLines(queue, reminder)
    _rq_log.addFilter(retries)
    _handle_signals()
    # Raised wherever the signal finds an idle worker, the wait included.
    with contextlib.suppress(StopRequested):
        while not _ended_as_asked(url, queue, reminder):
            threading.Event().wait(RETRY_S)
    _ignore_signals()
    _rq_log.removeFilter(retries)


def _handle_signals() -> None:
    """Listen for signals while no worker does: before the first one, and between two."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)


def _ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _stop(_: int, __: FrameType | None) -> NoReturn:
    _ignore_signals()
    raise StopRequested


def _ended_as_asked(url: str, queue: str, reminder: Reminder) -> bool:
    """Run one worker until it ends; whether that is what a signal asked for."""
    worker = None
    try:
        worker = _worker(url, queue)
        worker.work(logging_level="WARNING")
    except redis.RedisError as error:
        _log_lost(queue, error, reminder)
    finally:
        _handle_signals()
    return worker is not None and worker.asked_to_end


def _log_lost(queue: str, error: redis.RedisError, reminder: Reminder) -> None:
    problem = refused_writes(error) or problem_of(error)
    if reminder.is_due(problem):
        _log.warning("worker lost redis", queue=queue, problem=problem)


def _worker(url: str, name: str) -> SteadyWorker:
    connection = redis.Redis.from_url(url, socket_connect_timeout=2)
    return SteadyWorker(
        [Queue(name, connection=connection, serializer=JSONSerializer, job_class=AllowedJob)],
        connection=connection,
        job_class=AllowedJob,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        maintenance_interval=MAINTENANCE_S,
        log_job_description=False,
    )


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
