"""A thread of the process ``worker`` that runs the steps of list jobs.

They run here, since the worker has the data directory of its host and everything else that they
need; on a queue and a thread of their own, since a step may take minutes, and opt-outs may not wait
for it. Each data directory has its own queue, because a list can only be read where it lies.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar

import redis
import structlog
from rq import Queue, get_current_job
from rq.job import Job
from rq.timeouts import BaseDeathPenalty

from smsgate.domain.errors import QueueUnavailable
from smsgate.features.lists.errors import ListsUnavailable
from smsgate.features.lists.job_files import KEPT_DAYS
from smsgate.features.lists.jobs import ListJobs, StepStopped
from smsgate.logs import Reminder
from smsgate.pipeline.services import Services
from smsgate.store.redis_errors import problem_of
from workers import jobs

REPORT_S = 0.3
"""How often the progress of a step is written to Redis."""
RETRY_S = 2.0
IDLE_S = 3
"""How long this thread waits for a job before it looks for other work."""
_ending: ContextVar[threading.Event] = ContextVar("ending")
"""Of the list worker whose thread this is."""
_log = structlog.get_logger("smsgate.lists")


class NoDeathPenalty(BaseDeathPenalty):
    """Lets a step take as long as it takes: RQ's own penalties interrupt the main thread."""

    def setup_death_penalty(self) -> None:
        """Set no timer."""

    def cancel_death_penalty(self) -> None:
        """There is no timer."""


class ListRqWorker(jobs.PartitionWorker):
    """An RQ worker in a thread, which signals do not reach."""

    death_penalty_class = NoDeathPenalty

    def _install_signal_handlers(self) -> None:
        """Leave the signals to the main thread."""


class ListWorker:
    """Runs list jobs until it is closed."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lists", daemon=True)
        self._reminder = Reminder()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self, wait_s: float = 5.0) -> None:
        """End; a step in progress stays interrupted, until a worker takes it up again."""
        self._ending.set()
        self._thread.join(wait_s)

    def _run(self) -> None:
        _ending.set(self._ending)
        url = self._services.settings.queue_url
        connection = redis.Redis.from_url(url, socket_connect_timeout=2)
        while not self._ending.is_set():
            try:
                lists = ListJobs(self._services)
                lists.resume_interrupted()
                name = lists.queue_name()
                queue = Queue(name, connection=connection).key
                # A job that is moved to where it is stays: this waits for one and takes none. RQ
                # tells Redis of every worker that waits, so there is one only while there is work.
                waits = connection.blmove(queue, queue, IDLE_S, "LEFT", "LEFT")
                self._reminder.end()
                if not waits:
                    continue
                worker = ListRqWorker.on_queue(connection, name)
                if worker.work(logging_level="WARNING", burst=True, max_jobs=1):
                    continue
            except (ListsUnavailable, QueueUnavailable) as error:
                self._tell(str(error))
            except redis.RedisError as error:
                self._tell(problem_of(error))
            except Exception as error:  # noqa: BLE001 - a fault must not end what others wait for
                _log.error("list worker failed", exc_info=error)
            self._ending.wait(RETRY_S)
        connection.close()

    def _tell(self, problem: str) -> None:
        if self._reminder.is_due(problem):
            _log.warning("lists wait", problem=problem)


def run_list_step(list_id: str) -> None:
    """Run the step of a list job that an operator asked for. RQ calls it by name."""
    job = get_current_job()
    if job is None:  # called by somebody other than RQ
        return
    with suppress(StepStopped):
        ListJobs(jobs.process().services).run(list_id, job.id, progress_of(job))


def progress_of(job: Job) -> Callable[[int], None]:
    """A function that takes how far a step is, and writes it to ``job.meta`` at intervals."""
    reported_at = -REPORT_S
    job.connection.expire(job.key, KEPT_DAYS * 86_400)  # what a killed worker leaves goes, too

    def report(done: int) -> None:
        nonlocal reported_at
        if _ending.get().is_set():
            raise StepStopped
        now = time.monotonic()
        if now - reported_at >= REPORT_S:
            reported_at = now
            job.meta["read"] = done
            job.save_meta()  # type: ignore[no-untyped-call]

    return report
