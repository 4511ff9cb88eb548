"""Responses that no honest server sends: endless, slow, cut, packed, or no HTTP at all."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from http.server import ThreadingHTTPServer
from itertools import chain, repeat

import pytest

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.outbound import Outbound
from tests.fakes.loopback import QuietHandler, serving
from tests.fakes.twilio_api import TwilioApi


@pytest.fixture
def outbound() -> Iterator[Outbound]:
    with closing(Outbound()) as made:
        yield made


@pytest.fixture
def impatient() -> Iterator[Outbound]:
    with closing(Outbound(read_s=1.0)) as made:
        yield made


@contextmanager
def raw_server(*pieces: bytes, rest: Iterable[bytes] = (), pause_s: float = 0.0) -> Iterator[str]:
    """Answer one request with these bytes, with a pause before each piece but the first."""
    ended = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            for piece in chain(pieces, rest):
                try:
                    connection.sendall(piece)
                except OSError:
                    return
                if ended.wait(pause_s):
                    return

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            ended.set()
            thread.join()


def test_a_redirect_is_not_followed_and_cookies_are_not_kept(outbound):
    with TwilioApi() as api:
        answer = (
            b"HTTP/1.1 302 Found\r\nLocation: " + api.url.encode() + b"/\r\n"
            b"Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
        )
        with raw_server(answer) as url:
            assert outbound.perform(HttpCall("POST", url)).status == 302
        outbound.perform(HttpCall("POST", f"{api.url}/"))
    assert len(api.calls) == 1
    assert "cookie" not in api.calls[0].headers


def test_of_a_long_body_64_kib_are_read(outbound):
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n", b"x" * 900_000) as url:
        response = outbound.perform(HttpCall("GET", url))
    assert len(response.body) == 64 * 1024


def test_a_body_without_end_is_left_long_before_the_time_is_over():
    pieces = repeat(b"x" * 65536, 600)
    with (
        raw_server(b"HTTP/1.1 200 OK\r\n\r\n", rest=pieces, pause_s=0.1) as url,
        closing(Outbound(read_s=3600)) as outbound,
    ):
        response = outbound.perform(HttpCall("GET", url))
        assert any(pieces)  # the server has more to send
    assert len(response.body) == 64 * 1024


def test_a_body_that_unpacks_to_far_more_is_cut_as_well(outbound):
    packed = gzip.compress(b"x" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    with raw_server(head % len(packed) + packed) as url:
        response = outbound.perform(HttpCall("GET", url))
    assert response.body == b"x" * 64 * 1024


def test_a_body_in_drops_is_cut_when_the_time_is_over(impatient):
    """Each piece comes within the time-out, all of them would not."""
    head = b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n"
    with raw_server(head, *[b"."] * 1000, pause_s=0.05) as url:
        response = impatient.perform(HttpCall("GET", url))
    assert response.status == 201
    assert 0 < len(response.body) < 500


def test_a_head_in_drops_is_no_answer_when_the_time_is_over(impatient):
    """Its sender would hold a thread of ours for as long as it likes."""
    lines = [b"X-%d: a\r\n" % place for place in range(1000)]
    with (
        raw_server(b"HTTP/1.1 200 OK\r\n", *lines, pause_s=0.05) as url,
        pytest.raises(CallFailed, match="did not answer in time") as failed,
    ):
        impatient.perform(HttpCall("GET", url))
    assert failed.value.left is True


def test_a_slow_answer_takes_no_time_from_the_next_over_the_same_connection():
    """Each call has all of its time."""
    served = []

    class Slow(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802 - as http.server has it
            served.append(self.client_address)
            threading.Event().wait(0.6)
            self.send_response(204)
            self.end_headers()

    with (
        serving(ThreadingHTTPServer(("127.0.0.1", 0), Slow)) as url,
        closing(Outbound(read_s=2.5)) as outbound,
    ):
        for _ in range(5):
            assert outbound.perform(HttpCall("GET", url)).status == 204
        outbound.close()
    assert len(set(served)) == 1


@pytest.mark.parametrize(
    "tail", [b"", b"only a part", b"\xff"], ids=["nothing", "a part", "no text"]
)
def test_a_status_with_a_cut_body_is_an_answer(outbound, tail):
    with raw_server(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n" + tail) as url:
        response = outbound.perform(HttpCall("GET", url))
    assert (response.status, response.body) == (201, tail)


def test_a_body_in_chunks_is_put_together(outbound):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with raw_server(head, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n") as url:
        assert outbound.perform(HttpCall("GET", url)).body == b"abcde"


@pytest.mark.parametrize("noise", [b"\x00\x01\x02", b"HTTP/1.1 many OK\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_what_is_no_http_may_have_acted(outbound, noise):
    with raw_server(noise) as url, pytest.raises(CallFailed) as failed:
        outbound.perform(HttpCall("POST", url, body=b"x"))
    assert failed.value.left is True
