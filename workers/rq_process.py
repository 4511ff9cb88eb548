"""The processes ``worker`` and ``sender``: an RQ worker that outlives its Redis.

RQ's own worker waits where it cannot reach Redis while it is idle, but ends where the connection
breaks at any other moment. Here a new one takes its place in the same process.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from types import FrameType
from typing import NoReturn

import redis
import structlog
from rq.exceptions import StopRequested

from smsgate.logs import Reminder
from smsgate.store.redis_errors import problem_of, refused_writes
from workers.jobs import PartitionWorker

RETRY_S = 1.0
"""How long to wait before Redis is tried again."""
_log = structlog.get_logger()
_rq_log = logging.getLogger("rq.worker")


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
        connection = redis.Redis.from_url(url, socket_connect_timeout=2)
        worker = PartitionWorker.on_queue(connection, queue)
        worker.work(logging_level="WARNING")
    except redis.RedisError as error:
        _log_lost(queue, error, reminder)
    finally:
        # RQ says in no other way that it was asked to end: it waits for a second signal then.
        handler = signal.getsignal(signal.SIGTERM)
        _handle_signals()
    return worker is not None and handler == worker.request_force_stop


def _log_lost(queue: str, error: redis.RedisError, reminder: Reminder) -> None:
    problem = refused_writes(error) or problem_of(error)
    if reminder.is_due(problem):
        _log.warning("worker lost redis", queue=queue, problem=problem)
