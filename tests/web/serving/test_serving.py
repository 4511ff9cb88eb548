"""The server: requests in their order, answers of all kinds, bodies of any size, and its end."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.fakes.many_answers import PART, PARTS
from tests.fakes.served import free_port, served, started

FACTORY = "tests.fakes.many_answers:create"
CLOSE = b"Connection: close\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(FACTORY, {}) as port:
        yield port


def exchange(port: int, request: bytes) -> bytes:
    """All that is answered until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(request)
        found = b""
        while part := line.recv(65_536):
            found += part
        return found


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()


def get(path: bytes, *headers: bytes, version: bytes = b"1.1") -> bytes:
    return b"GET %b HTTP/%b\r\nHost: x\r\n%b\r\n" % (path, version, b"".join(headers))


@pytest.mark.parametrize("path", ["/steps/one", "/one"])
def test_a_connection_carries_one_request_after_the_other(port: int, path: str) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        for _ in range(3):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.headers["Date"].endswith("GMT")
            assert path in answer.read().decode()
            assert connection.sock is not None


def test_requests_that_come_at_once_are_answered_in_their_order(port: int) -> None:
    paths = [b"/slowly", b"/steps/two", b"/three", b"/steps/wait", b"/steps/five"]
    said = exchange(port, b"".join(map(get, paths)) + get(b"/steps/last", CLOSE))
    places = [said.index(one) for one in (b"slowly", b"/steps/two", b"GET /three", b"web_")]
    assert places == sorted(places)
    assert said.endswith(b"/steps/last")
    assert said.count(b"HTTP/1.1 200 OK") == 6


def test_thousands_of_requests_at_once_are_all_answered(port: int) -> None:
    said = exchange(port, (get(b"/one") + get(b"/steps/x") * 9) * 300 + get(b"/x", CLOSE))
    assert said.count(b"HTTP/1.1 200 OK") == 3001


def test_a_step_that_may_wait_is_done_by_a_thread(port: int) -> None:
    assert ask(port, "/steps/wait")[1].startswith(b"web_")
    assert ask(port, "/steps/error")[1] == b"an error"
    assert ask(port, "/steps/thread") == (200, b"GET /steps/thread")


def test_head_has_no_body_and_nothing_has_no_length(port: int) -> None:
    said = exchange(port, get(b"/one").replace(b"GET", b"HEAD") + get(b"/nothing", CLOSE))
    first, second, rest = said.split(b"\r\n\r\n")
    assert b"Content-Length: 9" in first
    assert b"204 No Content" in second
    assert b"Length" not in second
    assert rest == b""


def test_an_answer_in_parts_comes_whole_however_slowly_it_is_read(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(get(b"/parts", CLOSE))
        time.sleep(0.5)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.read() == PART * PARTS
    said = exchange(port, get(b"/parts", version=b"1.0"))
    assert said.partition(b"\r\n\r\n")[2] == PART * PARTS
    assert b"chunked" not in said[:300]


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(port: int) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        ask(port, "/breaks")
    assert ask(port, "/fails")[0] == 500


def test_nobody_is_there_any_more_for_an_answer_in_parts(port: int) -> None:
    for _ in range(70):  # more than there are threads
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            line.sendall(get(b"/parts"))
    assert ask(port, "/one")[0] == 200


def test_a_header_with_a_line_break_goes_out_to_nobody(port: int) -> None:
    assert b"X-More" not in exchange(port, get(b"/split"))


def test_a_large_body_is_read_as_it_comes(port: int) -> None:
    body = os.urandom(3_000_000)
    whole = hashlib.sha256(body).hexdigest().encode()
    assert ask(port, "/digest", "POST", body) == (200, whole)
    chunked = b"POST /digest HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n"
    for start in range(0, len(body), 100_000):
        part = body[start : start + 100_000]
        chunked += b"%x\r\n%b\r\n" % (len(part), part)
    assert exchange(port, chunked + b"0\r\n\r\n").endswith(whole)


def test_a_body_that_nobody_reads_does_not_become_the_next_request(port: int) -> None:
    evil = get(b"/evil")
    head = b"POST /one HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"
    said = exchange(port, head + evil)
    assert said.count(b"HTTP/1.1 ") == 1
    assert CLOSE in said


def test_who_asks_before_sending_a_body_is_told_to_go_on(port: int) -> None:
    head = b"POST /steps/x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n" + CLOSE
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(head % 4 + b"\r\n")
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"body")
        assert line.recv(1000).endswith(b"body")
    assert b"100 Continue" not in exchange(port, head % 5000 + b"\r\n")


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"POST /one HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"POST /one HTTP/1.1\r\nContent-Length: -3\r\n\r\nabc",
        b"POST /steps/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n",
    ],
)
def test_what_cannot_be_read_is_refused(port: int, request_: bytes) -> None:
    said = exchange(port, request_)
    assert said.count(b"HTTP/1.1 ") == 1
    assert said.startswith(b"HTTP/1.1 400 ")


def test_what_came_before_nonsense_is_still_answered(port: int) -> None:
    said = exchange(port, get(b"/slowly") + b"nonsense\r\n\r\n")
    assert said.endswith(b"slowly")


def test_who_wants_another_protocol_is_answered_in_this_one(port: int) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    assert exchange(port, get(b"/one", upgrade)).endswith(b"GET /one")


def test_a_client_that_has_said_all_is_still_answered(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(get(b"/slowly"))
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1000).endswith(b"slowly")
        assert line.recv(1000) == b""


def test_headers_come_as_they_were_sent_but_for_those_that_could_pass_for_others(port: int) -> None:
    headers = [b"X-Two: a\r\nX-Two: b\r\n", b"Cookie: a=1\r\nCookie: b=2\r\n"]
    headers += [b"X_Forwarded_For: 1.1.1.1\r\n", b"X-Umlaut: \xc3\xa4\r\n", CLOSE]
    lines = exchange(port, get(b"/seen", *headers)).decode().splitlines()
    assert {"HTTP_X_TWO: a,b", "HTTP_COOKIE: a=1; b=2", "HTTP_X_UMLAUT: Ã¤"} <= {*lines}
    assert not any("FORWARDED" in line for line in lines)


def test_no_more_connections_are_taken_than_there_may_be() -> None:
    with served(FACTORY, {}, connections=3, head_s=2.0) as port:
        lines = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(6)]
        for line in lines:
            line.sendall(get(b"/one"))
        assert all(line.recv(1000).endswith(b"GET /one") for line in lines)
        for line in lines:
            line.close()


def test_at_the_end_requests_in_progress_are_answered_and_nothing_else_is_taken() -> None:
    port = free_port()
    with (
        started(FACTORY, port, {}) as process,
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as idle,
    ):
        idle.request("GET", "/one")
        assert idle.getresponse().read()
        new = socket.create_connection(("127.0.0.1", port), timeout=20)
        answers: list[tuple[int, bytes]] = []
        asking = threading.Thread(target=lambda: answers.append(ask(port, "/slowly")))
        asking.start()
        time.sleep(0.3)
        process.terminate()
        new.sendall(get(b"/steps/new"))
        assert new.recv(1000).endswith(b"/steps/new")
        new.close()
        asking.join(20)
        assert answers == [(200, b"slowly")]
        assert idle.sock is not None
        assert idle.sock.recv(10) == b""
        assert process.wait(10) == 0
