"""The endpoints behind the server that runs them: what it does to URL, headers and bodies."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.nginx import NGINX, nginx
from tests.fakes.served import served


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served("tests.fakes.echo_app:create", {}) as port:
        yield port


@pytest.fixture(scope="module")
def behind_proxy() -> Iterator[int]:
    with served("tests.fakes.echo_app:create_behind_proxy", {}) as port:
        yield port


@pytest.fixture(scope="module")
def through_nginx(behind_proxy: int, tmp_path_factory) -> Iterator[int]:
    with nginx(tmp_path_factory.mktemp("nginx"), behind_proxy) as port:
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
    "/webhooks/twilio?q=%7e+1&&x=%zz",
    "/webhooks/twilio?u=http://a/b?c",
]
ONLY_RAW = [
    "/webhooks/twilio?",
    "/webhooks/twilio/%7Etilde",
    "/webhooks/twilio/a%2Db",
    "//webhooks/twilio",
]
"""What the decoded path and query do not tell."""


@pytest.mark.parametrize("target", TARGETS)
def test_the_url_is_the_public_one_with_path_and_query_as_sent(port: int, target: str) -> None:
    assert post(port, target)["url"] == "https://sms.example.com" + target


@pytest.mark.skipif(not NGINX, reason="there is no nginx here")
@pytest.mark.parametrize("target", TARGETS + ONLY_RAW)
def test_nginx_hands_every_target_on_as_it_was_sent(through_nginx: int, target: str) -> None:
    """With deploy/nginx.conf; what a client says in the proxy's header is replaced."""
    seen = post(through_nginx, target, b"Body=STOP", "X-Original-URI: /webhooks/other")
    assert seen["url"] == "https://sms.example.com" + target
    assert seen["body"] == "Body=STOP"


@pytest.mark.skipif(not NGINX, reason="there is no nginx here")
def test_nginx_gives_a_body_in_chunks_its_length(through_nginx: int) -> None:
    chunk = b"8\r\nBody=Hey\r\n0\r\n\r\n"
    status, answer = exchange(through_nginx, CHUNKED + FORM + b"Connection: close\r\n\r\n" + chunk)
    assert (status, json.loads(answer)["body"]) == (200, "Body=Hey")


@pytest.mark.parametrize("target", ONLY_RAW)
def test_without_a_proxy_a_target_with_needless_escapes_is_not_as_it_was_sent(
    port: int, target: str
) -> None:
    """What cannot be verified then; docs/deployment.md says so."""
    has_raw = post(port, target)["url"] == "https://sms.example.com" + target
    assert has_raw == (target == "//webhooks/twilio")


def test_a_whole_url_in_the_request_line_does_not_choose_the_host(port: int) -> None:
    seen = post(port, "http://evil.example/webhooks/twilio?a=1")
    assert seen["url"] == "https://sms.example.com/webhooks/twilio?a=1"


def test_a_body_comes_through_byte_for_byte(port: int) -> None:
    body = bytes(range(256))
    seen = post(port, "/webhooks/twilio", body, "X-Twilio-Signature: a+b/c=")
    assert seen["body"].encode("latin-1") == body
    assert seen["headers"]["x-twilio-signature"] == "a+b/c="


CHUNKED = b"POST /webhooks/elks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


def test_a_chunked_body_is_told_to_have_a_length(port: int) -> None:
    """One that breaks off could not be told from a whole one; a buffering proxy gives lengths."""
    status, answer = exchange(port, CHUNKED + FORM + b"\r\n3\r\nBod\r\n5\r\ny=Hey\r\n0\r\n\r\n")
    assert (status, answer) == (411, b"Send the body with its Content-Length, not in chunks.\n")


def test_a_body_that_is_said_to_be_too_large_is_refused_before_it_is_sent(port: int) -> None:
    head = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    status, answer = exchange(port, head + b"a" * 1000)
    assert (status, answer) == (413, b"The body is over 64 KiB, which is the limit here.\n")


def test_the_server_does_not_tell_its_version(port) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
    told = [value for name, value in answer.getheaders() if name.lower() in {"server", "via"}]
    assert not any(sign.isdigit() for value in told for sign in value)
    assert answer.getheader("X-Powered-By") is None
