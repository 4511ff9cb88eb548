"""``python -m workers web|worker|sender|clock``: starts one process of the Procfile."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":
    # Loading takes seconds. Who is told to end meanwhile has begun nothing, and ends in order.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))

import argparse
import os
import threading
from collections.abc import Callable, Mapping, Sequence

from smsgate import logs
from smsgate.errors import SmsGateError
from smsgate.queue import APPLY, SEND
from smsgate.wiring import Configuration, build_gateway, load_configuration
from workers import clock, jobs, rq_worker, web
from workers.feeder import Feeder
from workers.keeper import Keeper
from workers.teller import Teller

Start = Callable[[Configuration, str], None]


def _web(configuration: Configuration, host: str) -> None:
    settings = configuration.settings
    web.serve(host, settings.port, settings.web_concurrency)


def _worker(configuration: Configuration, _: str) -> None:
    _work(configuration, APPLY[0])


def _sender(configuration: Configuration, _: str) -> None:
    _work(configuration, SEND[0])


def _work(configuration: Configuration, queue: str) -> None:
    gateway = jobs.gateway()  # made now, so that the first job does not wait for it
    try:
        rq_worker.run(configuration.settings.queue_url, queue)
    finally:
        gateway.close()


def _clock(configuration: Configuration, _: str) -> None:
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    gateway = build_gateway(configuration)
    keeper = Keeper(gateway, ending.set)
    keeper.start()
    feeder = Feeder(gateway)
    feeder.start()
    teller = Teller(gateway)
    teller.start()
    try:
        clock.run(gateway, ending)
    finally:
        teller.close()
        feeder.close()
        keeper.close()
        gateway.close()


PROCESSES: Mapping[str, Start] = {
    "web": _web,
    "worker": _worker,
    "sender": _sender,
    "clock": _clock,
}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one process until it is told to end; the exit code, 2 where it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("process", choices=PROCESSES)
    parser.add_argument(
        "--host",
        default="0.0.0.0",  # noqa: S104 - a deployment is reached from outside
        help="address that web listens on (default: all)",
    )
    given = parser.parse_args(arguments)
    logs.configure()
    try:
        PROCESSES[given.process](load_configuration(environ), given.host)
    except SmsGateError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 - an entry point
