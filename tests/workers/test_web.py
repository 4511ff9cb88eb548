"""Web processes that die again and again, beside others that go on."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.fakes.processes import wait_until
from tests.fakes.served import free_port, started
from tests.faults.system import _children, _is_python
from tests.journey.system import System
from workers.web import PAUSES_S, STEADY_S, Processes

DEATHS = 6


class Paused(Processes):
    """Only what decides how long to wait before a new process."""

    def __init__(self) -> None:
        self._pause_s, self._last_death = PAUSES_S[0], -STEADY_S
        self.waited: list[float] = []

    def _wait(self, seconds: float | None) -> bool:
        self.waited.append(seconds)
        return False


def test_the_pause_before_a_new_process_grows_up_to_a_limit_while_they_die_at_once() -> None:
    processes = Paused()
    for _ in range(8):
        processes._pause()

    assert processes.waited == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


def test_a_process_that_ran_for_a_while_is_followed_by_a_new_one_at_once() -> None:
    processes = Paused()
    processes._pause()
    processes._pause()
    processes._last_death -= 60
    processes._pause()
    processes._pause()

    assert processes.waited == [PAUSES_S[0], PAUSES_S[0]]


def test_who_serves_ends_with_the_process_that_started_it() -> None:
    port = free_port()
    with started("tests.fakes.echo_app:create", port, {}) as process:
        process.kill()
        process.wait(10)
    assert wait_until(lambda: not is_open(port), 10)


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.full
@pytest.mark.timeout(120)
def test_a_process_that_dies_again_and_again_does_not_take_the_service_away(
    tmp_path: Path, leash
) -> None:
    class Two(System):
        environ = property(lambda self: {**System.environ.fget(self), "WEB_CONCURRENCY": "2"})

    system = Two(tmp_path, "http://127.0.0.1:1", leash)
    system.start("web")
    web = system._running["web"]
    steady, unlucky = workers_of(web.pid)
    answered: list[bool] = []
    ending = threading.Event()

    def ask() -> None:
        while not ending.wait(0.05):
            answered.append(any(system.answers() for _ in range(3)))

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(DEATHS):
        with contextlib.suppress(ProcessLookupError):
            os.kill(unlucky, signal.SIGKILL)
        unlucky = successor(web.pid, {steady, unlucky})
    ending.set()
    asking.join()

    assert web.poll() is None
    assert steady in workers_of(web.pid)
    assert answered
    assert all(answered)
    system.end("web")
    system.close()


def successor(pid: int, known: set[int]) -> int:
    assert wait_until(lambda: len({*workers_of(pid)} - known) == 1, 30)
    (found,) = {*workers_of(pid)} - known
    return found


def workers_of(pid: int) -> list[int]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = [child for child in _children(pid) if _is_python(child)]
        if len(found) == 2:
            return found
    return []
