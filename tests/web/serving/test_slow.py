"""Heads and bodies that come slowly or not at all, or are too much."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.fakes.served import served

HEAD = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\n"
WHOLE = HEAD + b"Content-Length: 3\r\n\r\nabc"
HALF = HEAD + b"Content-Length: 300\r\n\r\nBody="
CHUNK = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nBody=\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served("tests.fakes.echo_app:create", {}, head_s=1.0, body_s=1.0) as port:
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
    with sent(port, *[HALF, CHUNK, WHOLE + HALF] * 50), sent(port, WHOLE) as [line]:
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
        assert status(line) == 0
        ended.set()
        dripping.join()
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("request_", [HALF, CHUNK, WHOLE + HALF])
def test_whatever_came_before_it_a_half_body_ends_its_connection(
    port: int, request_: bytes
) -> None:
    with sent(port, request_) as [line], contextlib.suppress(ConnectionError):
        while line.recv(4096):
            pass


def test_a_connection_that_is_used_again_is_left_alone_meanwhile(port: int) -> None:
    with sent(port, WHOLE, HALF) as [used, stuck]:
        stuck.settimeout(0.01)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert status(used) == 200
            time.sleep(0.2)
            used.sendall(WHOLE)
        assert status(used) == 200
        assert status(stuck) == 0


@pytest.mark.parametrize("request_", [b"", b"POST /webhooks/tw", WHOLE])
def test_a_head_that_does_not_come_ends_the_connection(port: int, request_: bytes) -> None:
    with sent(port, request_) as [line]:
        if request_ == WHOLE:
            assert status(line) == 200
        assert status(line) == 0


@pytest.mark.parametrize(
    "headers",
    [
        b"X-Much: " + b"a" * 200_000,
        b"\r\n".join([b"X-%d: a" % number for number in range(200)]),
        b"X-Much: " + b"a" * 70_000 + b"\r\nX-More: " + b"a" * 10,
    ],
)
def test_a_head_that_is_too_large_is_refused(port: int, headers: bytes) -> None:
    with sent(port, HEAD + headers + b"\r\nContent-Length: 0\r\n\r\n") as [line]:
        assert status(line) == 431


def test_a_target_that_is_too_long_is_refused(port: int) -> None:
    with sent(port, b"GET /" + b"a" * 100_000) as [line]:
        assert status(line) == 431
