"""The process ``web`` as a whole: its processes die, end under load, and follow each other."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.fakes.html_forms import forms_of
from tests.fakes.own_services import NEW
from tests.fakes.people import People
from tests.fakes.processes import PATIENCE_S, wait_until
from tests.fakes.served import free_port, is_open, started
from tests.faults.system import _children, _is_python, _listeners
from tests.journey.system import CONFIG, SENDER, System
from workers.web import GRACE_S

pytestmark = pytest.mark.full  # whole processes: half a minute in all

ECHO = "tests.fakes.echo_app:create"
MEMORY_KB = 19 * 1024
"""What one password takes while it is hashed."""


def test_who_serves_ends_with_the_process_that_started_it() -> None:
    port = free_port()
    with started(ECHO, port, {}) as process:
        process.kill()
        process.wait(10)
    assert wait_until(lambda: not is_open(port))


@contextmanager
def clients(port: int, answered: set[bytes] | None = None) -> Iterator[Counter[str]]:
    """Clients that make a connection for each request, and others that keep theirs.

    ``answered``: gets the body of each request that was answered; each body is sent once.
    """
    seen: Counter[str] = Counter()
    ending, lock, ids = threading.Event(), threading.Lock(), itertools.count()

    def ask(keeps: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        while not ending.wait(0.005):
            kind = "reused" if connection.sock else "fresh"
            body = b"Body=STOP&id=%d" % next(ids)
            outcome = _ask(connection, body)
            if answered is not None and outcome == "answered":
                answered.add(body)
            with lock:
                seen[outcome if outcome == "answered" else f"{outcome} {kind}"] += 1
            if not keeps or outcome != "answered":
                connection.close()
        connection.close()

    threads = [threading.Thread(target=ask, args=(keeps,)) for keeps in (True, False) * 4]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def _ask(connection: http.client.HTTPConnection, body: bytes) -> str:
    try:
        if connection.sock is None:
            connection.connect()
    except OSError:
        return "refused"  # nothing was begun
    try:
        connection.request("POST", "/webhooks/twilio", body)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return "lost"
    return "answered" if answer.status == 200 else str(answer.status)


def test_at_the_end_no_request_is_lost_that_was_begun(tmp_path: Path) -> None:
    """What the system resets between a process's last accept and its end has reached nobody."""
    port, noted, answered = free_port(), tmp_path / "seen", set[bytes]()
    with (
        started(ECHO, port, {"ECHO_SEEN": str(noted)}, processes=2) as process,
        clients(port, answered) as seen,
    ):
        assert wait_until(lambda: seen["answered"] > 200)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
        assert wait_until(lambda: seen["refused fresh"] > 20)
    assert {*noted.read_bytes().split(b"\0")[:-1]} == answered
    assert {*seen} - {"lost fresh"} == {"answered", "refused fresh"}, seen


def test_a_start_beside_the_first_and_its_end_lose_no_request(tmp_path: Path) -> None:
    """As above, but another process listens, so nobody is refused."""
    port, noted, answered = free_port(), tmp_path / "seen", set[bytes]()
    environ = {"ECHO_SEEN": str(noted)}
    with started(ECHO, port, environ, processes=2) as first, clients(port, answered) as seen:
        assert wait_until(lambda: seen["answered"] > 200)
        with started(ECHO, port, environ, processes=2) as second:
            assert wait_until(lambda: listeners(port) == 4)
            first.terminate()
            assert first.wait(PATIENCE_S) == 0
            before = seen["answered"]
            assert wait_until(lambda: seen["answered"] > before + 200)
            assert second.poll() is None
            ended = Counter(seen)
    assert {*noted.read_bytes().split(b"\0")[:-1]} == answered
    assert {*ended} - {"lost fresh"} == {"answered"}, ended


def listeners(port: int) -> int:
    """How many sockets listen on a port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def test_nobody_listens_before_somebody_answers(tmp_path: Path) -> None:
    port = free_port()
    with started("tests.workers.test_web:loading", port, {"LOADING": str(tmp_path)}):
        assert (tmp_path / "done").read_text() == "0"


def loading():
    """An application that notes how many listen while it is made."""
    from tests.fakes.echo_app import create

    port = int(Path("/proc/self/cmdline").read_text().split("\0")[4])
    time.sleep(0.5)
    (Path(os.environ["LOADING"]) / "done").write_text(str(listeners(port)))
    return create()


def test_connections_at_the_end_that_say_nothing_do_not_hold_it_up() -> None:
    """It ends in its grace, counted from the end of another one on the same busy machine."""
    port, other_port = free_port(), free_port()
    with (
        started(ECHO, port, {}) as process,
        started(ECHO, other_port, {}) as other,
    ):
        silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(40)]
        process.terminate()
        other.terminate()
        assert other.wait(PATIENCE_S) == 0
        began = time.monotonic()
        assert process.wait(PATIENCE_S) == 0
        for one in silent:
            one.close()
        assert time.monotonic() - began < GRACE_S  # it would be killed then


SENDERS = (SENDER, "+14155550888", "+14155550777")
MORE = """
[programs.orders]
name     = "Acme Orders"
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["*"]
kind     = "service"
scope    = "program"

[programs.news]
name     = "Acme News"
account  = "twilio"
senders  = ["+14155550777"]
keywords = ["en", "de"]

[oidc]
issuer        = "https://login.acme.example"
client_id     = "smsgate"
client_secret = "a-client-secret-that-is-long-enough-for-HS256"
"""


class WithConsole(System):
    """Its console lets people sign in, also by a provider; it has several programs."""

    config = CONFIG + MORE
    environ = property(lambda self: {**System.environ.fget(self), "SMSGATE_SECRET_KEYS": NEW})


def test_wrong_sign_ins_leave_no_memory_behind(tmp_path: Path, groups) -> None:
    with contextlib.closing(WithConsole(tmp_path, "http://127.0.0.1:1", groups)) as system:
        system.start("web")
        (web,) = filter(_is_python, _children(system._running["web"].pid))
        for number in range(300):
            sender = SENDERS[number % len(SENDERS)]
            words = f"my order {number} is late, and table {number % 7} is for two"
            assert system.text(words, f"+1415555{number:04}", "", sender).status_code == 200
        address = f"{system.url}/console/in"

        def sign_in(number: int) -> int:
            with requests.Session() as http:
                form, *_ = forms_of(http.get(address).text)
                typed = {"name": f"nobody{number}", "password": "wrong"}
                return http.post(address, form.values | typed).status_code

        assert sign_in(0) == 403  # what the console itself takes is loaded
        before_kb = memory_kb(web)
        with ThreadPoolExecutor(16) as visitors:
            answers = Counter(visitors.map(sign_in, range(1, 37)))
        assert set(answers) <= {403, 429}  # some are told that too many wait
        assert answers[403] > 8
        assert memory_kb(web) - before_kb < 2 * MEMORY_KB
        link = system.url + People(system.services.records).make_first_link()
        with requests.Session() as http:
            (form,) = forms_of(http.get(link).text)
            typed = {"new": "eleven horses on a roof", "repeated": "eleven horses on a roof"}
            assert http.post(link, form.values | typed, allow_redirects=False).status_code == 303
            for page in ("/console/", "/console/me/factor"):
                assert http.get(system.url + page).status_code == 200
        assert memory_kb(web) < 150_000


def memory_kb(pid: int) -> int:
    """What a process takes of the machine; of pages that it shares with others, its part."""
    memory = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(memory.partition("\nPss:")[2].split()[0])


class Two(System):
    """With two web processes."""

    environ = property(lambda self: {**System.environ.fget(self), "WEB_CONCURRENCY": "2"})


@pytest.fixture
def system(tmp_path: Path, groups) -> Iterator[Two]:
    system = Two(tmp_path, "http://127.0.0.1:1", groups)
    yield system
    system.close()


def test_a_process_that_follows_a_dead_one_has_its_configuration(system: Two) -> None:
    system.start("web")
    web = system._running["web"]
    (Path(system.environ["SMSGATE_CONFIG"]) / "smsgate.toml").write_text("nonsense")
    before = workers_of(web.pid)
    for unlucky in before:
        os.kill(unlucky, signal.SIGKILL)
    assert wait_until(lambda: len({*workers_of(web.pid)} - {*before}) == 2)
    assert wait_until(system.answers)
    assert system.text("STOP", "+14155550123").status_code == 200
    assert system.end("web") == 0


def test_while_a_dead_process_is_replaced_the_other_one_answers(system: Two) -> None:
    system.start("web")
    web = system._running["web"]
    assert wait_until(lambda: _listeners(system.port) == 2)
    steady, unlucky = workers_of(web.pid)
    os.kill(unlucky, signal.SIGKILL)
    assert wait_until(system.answers)  # what the dead one had not accepted yet was reset
    assert wait_until(lambda: len({*workers_of(web.pid)} - {steady, unlucky}) == 1)
    assert steady in workers_of(web.pid)
    assert system.end("web") == 0


def workers_of(pid: int) -> list[int]:
    found: list[int] = []

    def are_two() -> bool:
        found[:] = [child for child in _children(pid) if _is_python(child)]
        return len(found) == 2

    assert wait_until(are_two)
    return found
