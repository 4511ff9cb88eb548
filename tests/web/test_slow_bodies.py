"""Heads and bodies that come slowly or not at all, behind the server that runs the doors."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsgate.web import slow_bodies
from smsgate.web.slow_bodies import SlowBodies
from tests.fakes.served import served

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
HEAD = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\n"
WHOLE = HEAD + b"Content-Length: 3\r\n\r\nabc"
HALF = HEAD + b"Content-Length: 300\r\n\r\nBody="
CHUNK = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nBody=\r\n"
THREADS = 2
"""Of the server here."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    quick = {"GRANIAN_HTTP": "1", "GRANIAN_HTTP1_HEADER_READ_TIMEOUT": "1000"}
    quick |= {"GRANIAN_HTTP1_BUFFER_SIZE": "65536", "SLOW_BODIES_PART": "0.08"}
    with served("tests.fakes.echo_app:create", quick) as port:
        yield port


@contextlib.contextmanager
def sent(port: int, *requests: bytes) -> Iterator[list[socket.socket]]:
    lines = [socket.create_connection(("127.0.0.1", port), timeout=40) for _ in requests]
    try:
        for line, request in zip(lines, requests, strict=True):
            line.sendall(request)
        yield lines
    finally:
        for line in lines:
            line.close()


def status(line: socket.socket) -> int:
    """Of the next answer; 0 where the connection ends without one."""
    try:
        return int(line.recv(4096)[9:12] or 0)
    except ConnectionError:
        return 0


def test_bodies_that_do_not_come_do_not_stop_the_others(port: int) -> None:
    stuck = [HALF, CHUNK, WHOLE + HALF]
    assert len(stuck) > THREADS
    with sent(port, *stuck), sent(port, WHOLE) as [line]:
        assert status(line) == 200


def test_a_body_that_drips_is_broken_off_as_well(port: int) -> None:
    with sent(port, HALF) as [line]:
        ended = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not ended.wait(0.1):
                    line.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        started = time.monotonic()
        assert status(line) in {0, 400}
        ended.set()
        dripping.join()
        assert time.monotonic() - started < 30


@pytest.mark.parametrize("request_", [HALF, CHUNK, WHOLE + HALF])
def test_whatever_came_before_it_a_half_body_ends_its_connection(
    port: int, request_: bytes
) -> None:
    with sent(port, request_) as [line]:
        while line.recv(4096):
            pass


def test_a_connection_that_is_used_again_is_left_alone_meanwhile(port: int) -> None:
    with sent(port, WHOLE, HALF) as [used, stuck]:
        stuck.settimeout(0.1)
        broken = threading.Event()

        def watch() -> None:
            stuck.settimeout(40)
            status(stuck)
            broken.set()

        watching = threading.Thread(target=watch)
        watching.start()
        while not broken.wait(0.2):
            assert status(used) == 200
            used.sendall(WHOLE)
        watching.join()
        assert status(used) == 200
        used.sendall(WHOLE)
        assert status(used) == 200


@pytest.mark.parametrize("request_", [b"", b"POST /webhooks/tw", WHOLE])
def test_a_head_that_does_not_come_ends_the_connection(port: int, request_: bytes) -> None:
    with sent(port, request_) as [line]:
        if request_ == WHOLE:
            assert status(line) == 200
        assert line.recv(100) == b""


def test_a_head_that_is_too_large_is_refused(port: int) -> None:
    huge = HEAD + b"X-Much: " + b"a" * 200_000 + b"\r\n\r\n"
    with sent(port, huge) as [line]:
        assert status(line) in {0, 431}
    many = HEAD + b"".join(b"X-%d: a\r\n" % number for number in range(200)) + b"\r\n"
    with sent(port, many) as [line]:
        assert status(line) == 431


def test_looking_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        line = socket.create_connection(("127.0.0.1", port))
        came, _ = server.accept()
        bodies = SlowBodies()
        bodies._ports.add(port)
        bodies._reading[1] = -100.0
        before = sorted(Path("/proc/self/fd").iterdir())
        for _ in range(3):
            bodies.look()
        assert sorted(Path("/proc/self/fd").iterdir()) == before
        assert came.send(b"x") == 1
        came.close()
        line.close()


def test_while_many_are_waited_for_each_may_take_less(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(slow_bodies.time, "monotonic", lambda: now[0])
    allowed = []
    monkeypatch.setattr(slow_bodies, "_is_unanswered", lambda one: True)
    monkeypatch.setattr(slow_bodies, "_silent_ms", lambda one: 0)
    bodies = SlowBodies()
    monkeypatch.setattr(
        bodies, "_overdue", lambda lines, before, now, longest: allowed.append(longest) or []
    )
    monkeypatch.setattr(slow_bodies, "_connections", lambda ports: iter([socket.socket()]))
    for count in range(slow_bodies.CROWD + 1):
        bodies._reading[count] = 100.0
        now[0] = 103.0
        bodies.look()
    assert allowed == [slow_bodies.LONGEST_S] * slow_bodies.CROWD + [slow_bodies.CROWDED_S]


def test_where_nobody_reads_for_long_no_connection_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_bodies, "_connections", None)
    bodies = SlowBodies()
    monkeypatch.setattr(bodies, "_start", lambda port: None)
    bodies.begin("1")
    bodies.look()
    bodies.end()
    bodies.look()
