"""The four processes of the Procfile, as ``smsgate run`` starts them."""

from __future__ import annotations

import importlib
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import redis
import structlog

from smsgate import logs
from smsgate.domain.errors import (
    QueueUnavailable,
    SmsGateError,
    SpoolUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.interface.parts import Parts
from smsgate.logs import Reminder
from smsgate.process.configuration import load_configuration, with_newest_content
from smsgate.process.published_programs import refuse_dropped
from smsgate.process.running_process import RunningProcess
from smsgate.process.services import build_spool, build_store
from smsgate.store.inbox import APPLY, SEND, JobQueue
from workers import clock, jobs
from workers.threads import delivery_threads, list_thread

Start = Callable[[Mapping[str, str], str], None]
PATIENCE_S = 0.2
"""How long a job waits for its calls before the next partition has its turn."""
RETRY_S = 1.0
"""How long to wait before Redis is tried again."""


class CannotListen(SmsGateError):
    """The port of ``web`` cannot be used; the text says what would be right."""


def _web(environ: Mapping[str, str], host: str) -> None:
    configuration = load_configuration(environ)
    settings = configuration.settings
    try:
        build_spool(settings).check(make=True)
    except SpoolUnavailable as error:
        if not error.is_full:  # as long as the store takes messages, none has to wait
            raise
    store = build_store(settings)
    store.metadata.refuse_old()
    with suppress(StoreUnavailable, StoreNotReady):
        refuse_dropped(settings, store)
    _refuse_port(host, settings.port)
    # Only here: Flask, the server and the console are a third of a process's memory.
    web = importlib.import_module("workers.web")
    app = importlib.import_module("smsgate.web.app")
    web.run(
        lambda: app.start_app(with_newest_content(configuration)),
        host,
        settings.port,
        settings.web_concurrency,
        settings.web_threads,
    )


def _refuse_port(host: str, port: int) -> None:
    """Raise ``CannotListen`` where ``web`` could not have that port.

    There may be two that share it, so that one deployment follows another.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotListen(
                f"Port {port} of {host} cannot be used ({error.strerror}): set PORT to another "
                "one, or --host to an address of this host."
            ) from error


def _worker(environ: Mapping[str, str], _: str) -> None:
    process = RunningProcess(load_configuration(environ, with_content=False), "worker")
    process.start(Parts(process.services).bind(list_thread, 0)())
    _work(process, APPLY[0], process.services.applier.work)


def _sender(environ: Mapping[str, str], _: str) -> None:
    process = RunningProcess(load_configuration(environ), "sender")
    process.start(*Parts(process.services).bind(delivery_threads, 0)())
    _work(process, SEND[0], partial(process.services.sender.drain, patience_s=PATIENCE_S))


def _work(process: RunningProcess, queue: str, work: jobs.Work) -> None:
    """Run jobs until a signal, or an error of Redis in the middle of one.

    After that a supervisor starts the process again.
    """
    _wait_for(process.services.job_queue)
    url = process.configuration.settings.queue_url
    with redis.Redis.from_url(url, socket_connect_timeout=2) as connection:
        try:
            jobs.worker_on(connection, queue, work).work(logging_level="WARNING")
        except redis.RedisError as error:
            raise QueueUnavailable(f"the worker lost Redis: {error}") from error
        finally:
            process.close()


def _wait_for(job_queue: JobQueue) -> None:
    """Wait for RQ's Redis: supervisors wait longer and longer before they start a process again."""
    reminder, pause = Reminder(), threading.Event()
    while True:
        try:
            job_queue.ping()
        except QueueUnavailable as error:
            if reminder.is_due(str(error)):
                structlog.get_logger().warning("worker waits for redis", problem=str(error))
            pause.wait(RETRY_S)
        else:
            return


def _clock(environ: Mapping[str, str], _: str) -> None:
    process = RunningProcess(load_configuration(environ, with_content=False), "clock")
    # Waited for and not handled: a handler that sets what this thread waits for may lock it up.
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    process.start(*clock.threads(process.services))
    signal.sigwait(ending)
    process.close()


PROCESSES: Mapping[str, Start] = {
    "web": _web,
    "worker": _worker,
    "sender": _sender,
    "clock": _clock,
}


def run(process: str, host: str, environ: Mapping[str, str]) -> None:
    """Run one process until a signal ends it. Raises ``SmsGateError`` where it cannot start."""
    logs.configure()
    PROCESSES[process](environ, host)
