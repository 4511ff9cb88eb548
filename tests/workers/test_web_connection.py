from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from workers import web_connection
from workers.web_connection import Connection, bound

Pair = tuple[Connection, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A connection that was accepted, and its other side."""
    with closing(bound("127.0.0.1", 0)) as listener:
        listener.listen(1)
        with closing(socket.create_connection(listener.getsockname(), timeout=5)) as client:
            accepted, _ = listener.accept()
            assert isinstance(accepted, Connection)
            with closing(accepted):
                yield accepted, client


def asked(pair: Pair, request: bytes = b"GET") -> Pair:
    ours, client = pair
    client.sendall(request)
    assert ours.recv(8192) == request
    return pair


def test_head_and_body_of_an_answer_leave_together(pair: Pair) -> None:
    ours, client = asked(pair)
    ours.sendall(b"head ")
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.recv(100)
    ours.sendall(b"body")
    assert client.recv(100) == b"head body"


def test_a_head_without_a_body_leaves_at_the_end(pair: Pair) -> None:
    ours, client = asked(pair)
    ours.sendall(b"head")
    ours.flush()
    assert client.recv(100) == b"head"
    ours.flush()
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.recv(100)


def test_all_pieces_after_the_first_leave_as_they_come(pair: Pair) -> None:
    ours, client = asked(pair)
    ours.sendall(b"head ")
    ours.sendall(b"one ")
    assert client.recv(100) == b"head one "
    ours.sendall(b"two")
    assert client.recv(100) == b"two"


def test_what_is_read_within_an_answer_does_not_change_its_order(pair: Pair) -> None:
    ours, client = asked(pair)
    ours.sendall(b"head ")
    client.sendall(b"the rest of a body")
    ours.recv(8192)
    for piece in (b"one ", b"two ", b"three"):
        ours.sendall(piece)
    ours.flush()
    ours.close()
    assert client.makefile("rb").read() == b"head one two three"


def test_a_file_follows_its_head(pair: Pair) -> None:
    ours, client = asked(pair)
    ours.sendall(b"head ")
    ours.sendfile(io.BytesIO(b"file"))
    ours.close()
    assert client.makefile("rb").read() == b"head file"


def test_a_next_request_that_comes_soon_is_read_once(pair: Pair) -> None:
    ours, client = pair
    client.sendall(b"POST /next")
    assert ours.comes_at_once()
    assert ours.recv(4) == b"POST"
    assert ours.recv(100) == b" /next"


def test_no_next_request_leaves_the_connection_as_it_is(pair: Pair) -> None:
    ours, _ = asked(pair)
    began = time.monotonic()
    assert not ours.comes_at_once()
    assert time.monotonic() - began < 5
    asked(pair, b"later")


def test_an_end_is_seen_at_once(pair: Pair) -> None:
    ours, client = pair
    client.close()
    assert ours.comes_at_once()
    assert ours.recv(100) == b""


def test_a_read_waits_longer_than_one_call_of_the_system(pair: Pair) -> None:
    ours, client = pair
    late = threading.Timer(3 * web_connection.AT_ONCE_S, client.sendall, (b"late",))
    late.start()
    assert ours.recv(100) == b"late"
    late.join()


def test_a_read_does_not_wait_for_ever(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_connection, "STALL_S", 2 * web_connection.AT_ONCE_S)
    with pytest.raises(BlockingIOError):
        pair[0].recv(100)


def test_limits_of_the_server_hold(pair: Pair) -> None:
    ours, _ = pair
    ours.settimeout(0.05)
    assert ours.gettimeout() == 0.05
    with pytest.raises(TimeoutError):
        ours.recv(100)
    ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        ours.recv(100)
    ours.setblocking(True)
    assert ours.gettimeout() is None
    asked(pair)
