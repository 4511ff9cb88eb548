"""Byte strings that stopped servers, or made them act on half a request, against the served app.

While one client attacks, another one texts as usual: it has to be answered all the while, and the
memory of the server has to stay as it is.
"""

from __future__ import annotations

import http.client
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes.nginx import NGINX, nginx
from tests.fakes.served import free_port, started

pytestmark = pytest.mark.full

PATIENCE_S = 15.0
"""How long another client may wait; what is tried here stopped a server for 20 s and more."""
MUCH_KB = 50_000
POST = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass
class Target:
    """A server under attack."""

    port: int
    process: subprocess.Popen[bytes]
    seen: Path
    """Where the application notes the body of each request that it acts on."""

    def memory_kb(self) -> int:
        pids = [self.process.pid, *_children(self.process.pid)]
        lines = [line for pid in pids for line in _lines(Path(f"/proc/{pid}/status"))]
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return path.read_text().splitlines()
    return []


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Iterator[Target]:
    seen = tmp_path_factory.mktemp("attacks") / "seen"
    port = free_port()
    environ = {"ECHO_SEEN": str(seen)}
    with started("tests.fakes.echo_app:create", port, environ) as process:
        yield Target(port, process, seen)


@pytest.fixture(autouse=True)
def nothing_seen(target: Target) -> None:
    target.seen.write_bytes(b"")


@dataclass
class Bystander:
    """Texts as usual, with a new connection each time."""

    port: int
    longest_s: float = 0.0
    answered: int = 0
    problems: list[str] = field(default_factory=list)

    def text(self) -> None:
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, 60, ("127.0.0.2", 0))
        try:
            connection.request("POST", "/webhooks/twilio", b"Body=bystander")
            if connection.getresponse().status == 200:
                self.answered += 1
        except (OSError, http.client.HTTPException) as error:
            self.problems.append(repr(error))
        finally:
            connection.close()
        self.longest_s = max(self.longest_s, time.monotonic() - began)


@contextmanager
def bystander(port: int) -> Iterator[Bystander]:
    """Another client, who is answered within ``PATIENCE_S`` until the block is left."""
    one, ending = Bystander(port), threading.Event()

    def run() -> None:
        while not ending.wait(0.05):
            one.text()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield one
    finally:
        ending.set()
        thread.join()
    assert not one.problems
    assert one.longest_s < PATIENCE_S


@contextmanager
def bounded(target: Target) -> Iterator[Bystander]:
    """As ``bystander``, and the server's memory stays as it is."""
    before, most, ending = target.memory_kb(), [0], threading.Event()

    def watch() -> None:
        while not ending.wait(0.05):
            most[0] = max(most[0], target.memory_kb())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        with bystander(target.port) as one:
            yield one
    finally:
        ending.set()
        watching.join()
    assert most[0] - before < MUCH_KB


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=15)


def exchange(port: int, request: bytes, *, says_all: bool = False) -> bytes:
    """What is answered, until the connection ends or nothing more comes."""
    with connect(port) as line:
        line.settimeout(3)
        said = b""
        with suppress(OSError):
            line.sendall(request)
            if says_all:
                line.shutdown(socket.SHUT_WR)
            while part := line.recv(65_536):
                said += part
        return said


def acted_on(target: Target) -> list[bytes]:
    """The bodies that the application was given, but for the bystander's."""
    return [one for one in target.seen.read_bytes().split(b"\0")[:-1] if one != b"Body=bystander"]


def flood(line: socket.socket, piece: bytes, times: int) -> None:
    line.settimeout(PATIENCE_S)
    with suppress(OSError):  # the server may have had enough, and read no more
        for _ in range(times):
            line.sendall(piece)


def test_a_body_in_chunks_of_one_byte_costs_no_more_than_its_limit(target: Target) -> None:
    with bounded(target), connect(target.port) as line:
        flood(line, b"1\r\nx\r\n" * 10_000, 600)
    assert acted_on(target) == []


def test_trailers_without_end_are_not_kept(target: Target) -> None:
    trailers = b"".join(b"X-T%d: %s\r\n" % (place, b"y" * 1000) for place in range(100))
    with bounded(target), connect(target.port) as line:
        line.sendall(CHUNKED + b"9\r\nBody=STOP\r\n0\r\n")
        flood(line, trailers, 1000)
    assert acted_on(target) == []


def test_answers_that_nobody_reads_are_not_piled_up(target: Target) -> None:
    with bounded(target) as other, connect(target.port) as line:
        line.settimeout(2)
        flood(line, b"GET /webhooks/twilio?%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 200), 20_000)
        wait_for_answers(other, 20)


def wait_for_answers(other: Bystander, count: int) -> None:
    wanted, pause = other.answered + count, threading.Event()
    until = time.monotonic() + 60
    while other.answered < wanted and time.monotonic() < until:
        pause.wait(0.05)
    assert other.answered >= wanted


def test_answered_connections_that_nobody_closes_hold_up_nobody(target: Target) -> None:
    with ExitStack() as lines, bounded(target) as other:
        for _ in range(100):
            line = lines.enter_context(connect(target.port))
            line.sendall(POST + b"Connection: close\r\nContent-Length: 1\r\n\r\nx")
        wait_for_answers(other, 20)


def test_a_client_that_offers_another_protocol_is_answered_in_this_one(target: Target) -> None:
    """Java's own client and ``curl --http2`` offer it with the first request, body or not."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    said = exchange(target.port, POST + offer + b"Content-Length: 9\r\n\r\nBody=STOP")
    assert said.startswith(b"HTTP/1.1 200")
    assert acted_on(target) == [b"Body=STOP"]


UNCLEAR = {
    "length and chunks": b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"9\r\nBody=STOP\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n"
    b"9\r\nBody=STOP\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 9\r\nContent-Length: 12\r\n\r\nBody=STOP no",
    "two lengths in one": b"Content-Length: 9, 12\r\n\r\nBody=STOP no",
    "signed length": b"Content-Length: +9\r\n\r\nBody=STOP",
    "no length": b"Content-Length: nine\r\n\r\nBody=STOP",
    "folded header": b"X-A: b\r\n c\r\nContent-Length: 9\r\n\r\nBody=STOP",
    "folded length": b"Content-Length:\r\n 9\r\n\r\nBody=STOP",
    "space before the colon": b"Content-Length : 9\r\n\r\nBody=STOP",
    "unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n9\r\nBody=STOP\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("rest", UNCLEAR.values(), ids=[*UNCLEAR])
def test_a_request_whose_end_is_unclear_is_refused(target: Target, rest: bytes) -> None:
    said = exchange(target.port, POST + rest)
    assert said.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))
    assert b"HTTP/1.1 2" not in said
    assert acted_on(target) == []


def test_a_length_that_stands_there_twice_is_no_other_length(target: Target) -> None:
    exchange(target.port, POST + b"Content-Length: 9\r\nContent-Length: 9\r\n\r\nBody=STOP")
    assert acted_on(target) in ([], [b"Body=STOP"])


BROKEN = {
    "length": POST + b"Content-Length: 12\r\n\r\nBody=STOP",
    "nothing came": POST + b"Content-Length: 12\r\n\r\n",
    "no last chunk": CHUNKED + b"9\r\nBody=STOP\r\n",
    "in a chunk": CHUNKED + b"c\r\nBody=STOP",
    "in a chunk's size": CHUNKED + b"9\r\nBody=STOP\r\n3",
    "before the last line": CHUNKED + b"9\r\nBody=STOP\r\n0\r\n",
    "in the trailers": CHUNKED + b"9\r\nBody=STOP\r\n0\r\nX-A: b\r\n",
    "no chunk": CHUNKED + b"9\r\nBody=STOP\r\nzz\r\n no\r\n0\r\n\r\n",
    "more than the chunk": CHUNKED + b"9\r\nBody=STOPno\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("request_", BROKEN.values(), ids=[*BROKEN])
@pytest.mark.parametrize("ends", ["half", "whole"])
def test_nothing_is_done_with_a_body_that_breaks_off(
    target: Target, request_: bytes, ends: str
) -> None:
    """A text would end early, or in the middle of a word: STOP of "STOP no"."""
    if ends == "half":
        assert b"HTTP/1.1 2" not in exchange(target.port, request_, says_all=True)
    else:
        with connect(target.port) as line:
            line.sendall(request_)
        Bystander(target.port).text()
    assert acted_on(target) == []


def test_thousands_of_idle_connections_hold_up_nobody(target: Target) -> None:
    with many_files(4096), ExitStack() as lines, bounded(target) as other:
        for _ in range(2048):
            lines.enter_context(connect(target.port))
        wait_for_answers(other, 20)


@contextmanager
def many_files(wanted: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"a process may open no more than {hard} files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


SLOW: dict[str, Callable[[socket.socket], None]] = {
    "bodies": lambda line: line.sendall(b"x"),
    "heads": lambda line: line.sendall(b"X-A: b\r\n"),
    "nothing": lambda _: None,
}


@pytest.mark.skipif(not NGINX, reason="there is no nginx here")
@pytest.mark.parametrize("kind", SLOW)
def test_behind_nginx_slow_clients_hold_up_nobody(
    target: Target, tmp_path: Path, kind: str
) -> None:
    """150: below what one address may have, and many times the threads of a process."""
    head = POST if kind == "heads" else POST + b"Content-Length: 60000\r\n\r\nBody="
    with nginx(tmp_path, target.port) as port, ExitStack() as open_:
        lines = [open_.enter_context(connect(port)) for _ in range(150)]
        for line in lines:
            line.sendall(head)
        with bystander(port) as other:
            drip_until(lines, SLOW[kind], lambda: other.answered >= 40)
    assert acted_on(target) == []


def drip_until(
    lines: Sequence[socket.socket],
    drip: Callable[[socket.socket], None],
    enough: Callable[[], bool],
) -> None:
    pause, until = threading.Event(), time.monotonic() + 60
    while not enough() and time.monotonic() < until:
        for line in lines:
            with suppress(OSError):
                drip(line)
        pause.wait(0.2)
    assert enough()
