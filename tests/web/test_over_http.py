"""The doors behind the server that runs them: what it does to URL, headers and bodies."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.served import served


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served("tests.fakes.echo_app:create", {}) as port:
        yield port


def exchange(port: int, request: bytes) -> tuple[int, bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def post(port: int, target: str, body: bytes = b"", *headers: str) -> dict[str, Any]:
    lines = [f"POST {target} HTTP/1.1", "Host: evil.example", "Connection: close", *headers]
    if not any(header.startswith("Transfer-Encoding") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    status, data = exchange(port, "\r\n".join([*lines, "", ""]).encode() + body)
    assert status == 200, data
    return dict(json.loads(data))


TARGETS = [
    "/webhooks/twilio",
    "/webhooks/twilio/",
    "/webhooks/twilio/s3cret",
    "/webhooks/twilio/a%20b",
    "/webhooks/twilio/caf%C3%A9",
    "/webhooks/twilio?",
    "/webhooks/twilio?q=%7e+1&&x=%zz",
    "/webhooks/twilio?u=http://a/b?c",
]


@pytest.mark.parametrize("target", TARGETS)
def test_the_url_is_the_public_one_with_path_and_query_as_sent(port: int, target: str) -> None:
    assert post(port, target)["url"] == "https://sms.example.com" + target


def test_a_whole_url_in_the_request_line_does_not_choose_the_host(port: int) -> None:
    seen = post(port, "http://evil.example/webhooks/twilio?a=1")
    assert seen["url"] == "https://sms.example.com/webhooks/twilio?a=1"


def test_a_body_comes_through_byte_for_byte(port: int) -> None:
    body = bytes(range(256))
    seen = post(port, "/webhooks/twilio", body, "X-Twilio-Signature: a+b/c=")
    assert seen["body"].encode("latin-1") == body
    assert seen["headers"]["x-twilio-signature"] == "a+b/c="


def test_a_chunked_body_is_put_together(port: int) -> None:
    body = b"3\r\nBod\r\n5\r\ny=Hey\r\n0\r\n\r\n"
    seen = post(port, "/webhooks/twilio", body, "Transfer-Encoding: chunked")
    assert seen["body"] == "Body=Hey"


CHUNKED = b"POST /webhooks/elks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize("kind", [FORM, b""])
@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"", b"9\r\n+no"])
def test_a_form_that_nobody_signs_is_not_taken_in_chunks(
    port: int, kind: bytes, end: bytes
) -> None:
    """The server does not tell one that broke off from one that ended: STOP of "STOP no"."""
    chunk = b"c\r\nmessage=STOP\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(CHUNKED + kind + b"\r\n" + chunk + end)
        if not end.endswith(b"\r\n\r\n"):
            connection.shutdown(socket.SHUT_WR)
        assert b" 200 " not in connection.recv(1000)


def test_it_is_told_what_lacks(port: int) -> None:
    chunk = b"c\r\nmessage=STOP\r\n0\r\n\r\n"
    status, answer = exchange(port, CHUNKED + FORM + b"\r\n" + chunk)
    assert (status, answer) == (411, b"A form has to come with its Content-Length.\n")
    seen = post(port, "/webhooks/elks", b"message=STOP")
    assert seen["body"] == "message=STOP"


def test_json_in_chunks_is_taken_for_half_of_it_cannot_be_read(port: int) -> None:
    kind = "Content-Type: application/json"
    body = b"2\r\n{}\r\n0\r\n\r\n"
    assert post(port, "/webhooks/elks", body, kind, "Transfer-Encoding: chunked")["body"] == "{}"


def test_a_body_that_is_said_to_be_too_large_is_refused_before_it_is_sent(port: int) -> None:
    head = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    status, answer = exchange(port, head + b"a" * 1000)
    assert (status, answer) == (413, b"The body is over 64 KiB, which is the limit here.\n")


def test_a_chunked_body_that_grows_too_large_is_refused(port: int) -> None:
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    head = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, _ = exchange(port, head + chunk * 6 + b"0\r\n\r\n")
    assert status == 413


def test_a_body_that_breaks_off_is_not_taken_for_a_shorter_one(port: int) -> None:
    head = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head + b"Body=Sto")
        connection.shutdown(socket.SHUT_WR)
        assert b" 200 " not in connection.recv(1000)
