"""The endpoints behind the server that runs them: what it does to URL, headers and bodies."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.nginx import NGINX, nginx
from tests.fakes.served import EACH_SERVER, served


@pytest.fixture(scope="module", params=EACH_SERVER)
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def port(server: str) -> Iterator[int]:
    with served("tests.fakes.echo_app:create", {}, server) as port:
        yield port


@pytest.fixture(scope="module")
def behind_proxy(server: str) -> Iterator[int]:
    with served("tests.fakes.echo_app:create_behind_proxy", {}, server) as port:
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


@pytest.mark.parametrize("target", TARGETS + ONLY_RAW)
def test_behind_a_proxy_that_says_it_every_target_is_as_it_was_sent(
    behind_proxy: int, target: str
) -> None:
    """Doubled slashes, escapes without need, a lone question mark: signatures cover them."""
    seen = post(behind_proxy, target, b"", f"X-Original-URI: {target}")
    assert seen["url"] == "https://sms.example.com" + target


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
def test_without_a_proxy_only_a_server_that_tells_the_raw_target_has_it(
    port: int, server: str, target: str
) -> None:
    """What cannot be verified on Granian alone; docs/deployment.md says so."""
    has_raw = post(port, target)["url"] == "https://sms.example.com" + target
    assert has_raw == (server == "gunicorn" or target == "//webhooks/twilio")


def test_an_untrusted_proxy_header_changes_no_url(port: int) -> None:
    seen = post(port, "/webhooks/twilio/caf%C3%A9", b"", "X-Original-URI: /webhooks/twilio/café")
    assert seen["url"] == "https://sms.example.com/webhooks/twilio/caf%C3%A9"


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


def test_a_chunked_body_is_taken_where_the_server_reports_a_broken_one(
    port: int, server: str
) -> None:
    status, answer = exchange(port, CHUNKED + FORM + b"\r\n3\r\nBod\r\n5\r\ny=Hey\r\n0\r\n\r\n")
    if server == "gunicorn":
        assert (status, json.loads(answer)["body"]) == (200, "Body=Hey")
    else:
        assert (status, answer) == (411, b"Send the body with its Content-Length, not in chunks.\n")


def test_a_body_that_is_said_to_be_too_large_is_refused_before_it_is_sent(port: int) -> None:
    head = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    status, answer = exchange(port, head + b"a" * 1000)
    assert (status, answer) == (413, b"The body is over 64 KiB, which is the limit here.\n")


SMALL = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nBody=STOP"
TOO_LARGE = {
    "by its length": b"Content-Length: 70000\r\n\r\n" + b"a" * 1000,
    "in chunks": b"Transfer-Encoding: chunked\r\n\r\n"
    + (b"8000\r\n" + b"a" * 0x8000 + b"\r\n") * 3,
}


@pytest.mark.parametrize("rest", TOO_LARGE.values(), ids=[*TOO_LARGE])
def test_an_answer_says_close_where_the_rest_of_the_body_is_not_read(
    port: int, server: str, rest: bytes
) -> None:
    """A client that is told keep-alive may send its next request to a connection that is gone."""
    if server != "gunicorn":
        pytest.skip("Granian itself says what becomes of a connection")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(SMALL)
        status, said = answer_on(connection)
        assert (status, said) == (200, "keep-alive")
        connection.sendall(b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\n" + rest)
        status, said = answer_on(connection)
        assert (status, said) == (413, "close")
        assert connection.recv(1) == b""


def test_a_program_that_checks_a_long_list_keeps_its_connection(port: int, server: str) -> None:
    """10,000 numbers, as many as a call may have, are 160 KB."""
    if server != "gunicorn":
        pytest.skip("Granian itself says what becomes of a connection")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for size, expected in ((160_000, (401, "keep-alive")), (1_100_000, (413, "close"))):
            head = f"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
            connection.sendall(head.encode() + b" " * min(size, 160_000))
            assert answer_on(connection) == expected


def answer_on(connection: socket.socket) -> tuple[int, str | None]:
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status, answer.getheader("Connection")


def test_a_chunked_body_that_grows_too_large_is_refused(port: int, server: str) -> None:
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    head = b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, _ = exchange(port, head + chunk * 6 + b"0\r\n\r\n")
    assert status == (413 if server == "gunicorn" else 411)
