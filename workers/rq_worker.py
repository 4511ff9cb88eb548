"""The processes ``worker`` and ``sender``: an RQ worker that outlives its Redis.

RQ's own worker waits where it cannot reach Redis while it is idle, but ends where the connection
breaks at any other moment. Here a new one takes its place in the same process.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from types import FrameType
from typing import Any, NoReturn

import redis
import structlog
from rq import Queue, SimpleWorker, worker_registration
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import now

from smsgate.logs import Reminder
from smsgate.redis_address import problem_of
from workers.allowed_job import AllowedJob

WORKER_TTL_S = 30
"""RQ waits 15 s less than this for a job; a dead worker is forgotten a minute later."""
MAINTENANCE_S = 30
AGAIN_S = 1.0
"""How long to wait before Redis is tried again."""

_log = structlog.get_logger()


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
        """Make a wake whole again that expired after it was taken from the queue.

        Of such a one RQ writes a few fields, which ``Wakes.clean`` takes for remains; RQ then looks
        for them when the work is done, and logs a failure of it.
        """
        job.save()
        super().prepare_job_execution(job, *given, **more)

    def run_maintenance_tasks(self) -> None:
        """Forget dead workers, and nothing else.

        RQ would also read the jobs in its registries and call what they name for their failure;
        what dead jobs leave behind ``Wakes.clean`` takes away.
        """
        for queue in self.queues:
            worker_registration.clean_worker_registry(queue)
        self.last_cleaned_at = now()  # type: ignore[assignment]  # RQ declares it as None

    def subscribe(self) -> None:
        """Listen to no commands: SIGTERM ends us, and jobs are short."""

    def unsubscribe(self) -> None:
        """There is nothing to unsubscribe from."""


def run(url: str, queue: str) -> None:
    """Work on one queue until SIGTERM or SIGINT; a job in progress is finished first."""
    _hear()
    # Raised wherever the signal finds an idle worker, the wait included.
    with contextlib.suppress(StopRequested):
        reminder = Reminder()
        while not _ended_as_asked(url, queue, reminder):
            threading.Event().wait(AGAIN_S)


def _hear() -> None:
    """Listen for signals while no worker does: before the first one, and between two."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)


def _stop(_: int, __: FrameType | None) -> NoReturn:
    raise StopRequested


def _ended_as_asked(url: str, queue: str, reminder: Reminder) -> bool:
    """Run one worker until it ends; whether that is what a signal asked for."""
    worker = None
    try:
        worker = _worker(url, queue)
        worker.work(logging_level="WARNING")
    except redis.RedisError as error:
        if reminder.is_due(problem_of(error)):
            _log.warning("worker lost redis", queue=queue, problem=problem_of(error))
    finally:
        _hear()
    return worker is not None and worker.asked_to_end


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
