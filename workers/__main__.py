"""Starts one process of the Procfile: ``smsgate run``, or ``python -m workers`` in a checkout."""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__":
    # Loading takes seconds. Who is told to end meanwhile has begun nothing, and ends at once: an
    # exception raised here could come in a callback of the import system, which swallows it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    # structlog would load it for tracebacks in colours, which are printed nowhere: 6 MiB.
    sys.modules["rich"] = None  # type: ignore[assignment]  # this is how a module is kept out

import argparse
import errno
import importlib
import socket
import threading
from collections.abc import Callable, Mapping, Sequence

from smsgate import logs
from smsgate.domain.errors import SmsGateError, SpoolUnavailable
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.running_process import RunningProcess
from smsgate.pipeline.services import build_spool, build_store
from smsgate.pipeline.spool import Spool
from smsgate.store.inbox import APPLY, SEND
from workers import clock, jobs, rq_process
from workers.alert_notifier import AlertNotifier
from workers.delivery_threads import DeliveryThreads
from workers.ledger_archiver import ArchiverThread
from workers.list_worker import ListWorker
from workers.opt_out_lists import opt_out_list_threads

Start = Callable[[Mapping[str, str], str], None]


def _web(environ: Mapping[str, str], host: str) -> None:
    configuration = load_configuration(environ)
    settings = configuration.settings
    _refuse_unusable(build_spool(settings))
    build_store(settings).metadata.refuse_old()
    _refuse_port(host, settings.port)
    # Only here: Flask, the server and the console are a third of a process's memory.
    web = importlib.import_module("workers.web")
    web.serve(host, configuration)


class CannotListen(SmsGateError):
    """The port of ``web`` cannot be used; the text says what would be right."""


def _refuse_port(host: str, port: int) -> None:
    """Raise ``CannotListen`` where ``web`` could not have that port.

    There may be two that share it, so that one deployment follows another.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotListen(f"Port {port} {_port_problem(host, error)}.") from error


def _port_problem(host: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is in use by another program: end that, or set PORT to another one"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "may not be used by this user: set PORT to one from 1024 on, such as 8000"
    return f"cannot be used at {host} ({error.strerror}): --host must be an address of this host"


def _refuse_unusable(spool: Spool) -> None:
    """Raise ``SpoolUnavailable`` where no message could wait for the store, but for want of room.

    A disk that is full does not hinder a start: as long as the store takes messages none has to
    wait, and ``/readyz`` says it.
    """
    try:
        spool.check(make=True)
    except SpoolUnavailable as error:
        if not error.is_full:
            raise


def _worker(_: Mapping[str, str], __: str) -> None:
    process = jobs.process()
    _work(process, APPLY[0], ListWorker(process.services))


def _sender(_: Mapping[str, str], __: str) -> None:
    jobs.kind = "sender"
    process = jobs.process()
    _work(process, SEND[0], DeliveryThreads(process.services))


def _work(process: RunningProcess, queue: str, beside: DeliveryThreads | ListWorker) -> None:
    process.start()
    beside.start()
    try:
        rq_process.run(process.configuration.settings.queue_url, queue)
    finally:
        beside.close()
        process.close()


class ClockFailed(SmsGateError):
    """A thread of the clock failed; the log has the traceback."""

    exit_code = 1


def _clock(environ: Mapping[str, str], _: str) -> None:
    ending, failed = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())

    def end() -> None:
        failed.set()
        ending.set()

    process = RunningProcess(load_configuration(environ), "clock")
    services = process.services
    process.start()
    services.lease_renewal.start()
    threads = (
        ArchiverThread(services, end),
        AlertNotifier(services),
        *opt_out_list_threads(services),
    )
    for thread in threads:
        thread.start()
    try:
        clock.run(services, ending)
    finally:
        for thread in threads:  # all at once, so that ending takes as long as the longest call
            thread.stop()
        for thread in threads:
            thread.close()
        process.close()
    if failed.is_set():
        raise ClockFailed("The clock has failed; the traceback above says where. Start it again.")


PROCESSES: Mapping[str, Start] = {
    "web": _web,
    "worker": _worker,
    "sender": _sender,
    "clock": _clock,
}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one process until a signal ends it; return the exit code, 2 if it cannot start."""
    parser = argparse.ArgumentParser(prog="smsgate run", description=__doc__)
    parser.add_argument("process", choices=PROCESSES)
    parser.add_argument(
        "--host",
        default="0.0.0.0",  # noqa: S104 - a deployment is reached from outside
        help="address that web listens on (default: all)",
    )
    given = parser.parse_args(arguments)
    logs.configure()
    try:
        PROCESSES[given.process](environ, given.host)
    except SmsGateError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 - an entry point
