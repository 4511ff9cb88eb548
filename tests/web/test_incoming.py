from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from smsgate.errors import TooLarge, Unreadable
from smsgate.settings import Account
from smsgate.web.incoming import Headers, raw_target, read_body, webhook_request

PUBLIC = Account(name="twilio", provider="twilio", public_url="https://sms.example.com/sms")
PRIVATE = Account(name="twilio", provider="twilio")
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example, sms.example.com"}


def url(account: Account | None, trust_proxy: bool, headers: dict[str, str]) -> str:
    environ = EnvironBuilder(
        "/webhooks/twilio", method="POST", base_url="http://10.0.0.7:8000", headers=headers
    ).get_environ()
    return webhook_request(environ, account, trust_proxy).url


@pytest.mark.parametrize(
    ("account", "trust_proxy", "headers", "origin"),
    [
        (PUBLIC, False, {}, "https://sms.example.com/sms"),
        (PUBLIC, False, {"Host": "evil.example"}, "https://sms.example.com/sms"),
        (PUBLIC, False, FORWARDED, "https://sms.example.com/sms"),
        (PUBLIC, True, {"X-Forwarded-Host": "evil.example"}, "https://sms.example.com/sms"),
        (PRIVATE, False, {}, "http://10.0.0.7:8000"),
        (PRIVATE, False, FORWARDED, "http://10.0.0.7:8000"),
        (PRIVATE, True, {}, "http://10.0.0.7:8000"),
        (PRIVATE, True, FORWARDED, "https://sms.example.com"),
        (PRIVATE, True, {"X-Forwarded-Proto": "https"}, "https://10.0.0.7:8000"),
        (None, False, {}, "http://10.0.0.7:8000"),
    ],
)
def test_the_origin_is_configured_or_else_the_requests_own(
    account: Account | None, trust_proxy: bool, headers: dict[str, str], origin: str
) -> None:
    assert url(account, trust_proxy, headers) == f"{origin}/webhooks/twilio"


RAW = [
    ({"RAW_URI": "/a%20b?x=%7e&&y="}, "/a%20b?x=%7e&&y="),
    ({"REQUEST_URI": "/a%20b?x=%7e&&y="}, "/a%20b?x=%7e&&y="),
    ({"RAW_URI": "/raw", "PATH_INFO": "/decoded"}, "/raw"),
    ({"RAW_URI": "/a?"}, "/a?"),
    ({"RAW_URI": "http://evil.example/a?b=http://c/d"}, "/a?b=http://c/d"),
    ({"RAW_URI": "http://evil.example"}, "/"),
    ({"PATH_INFO": "/webhooks/twilio", "QUERY_STRING": ""}, "/webhooks/twilio"),
    (
        {"PATH_INFO": "/webhooks/twilio", "QUERY_STRING": "q=%7e+1&&x"},
        "/webhooks/twilio?q=%7e+1&&x",
    ),
    ({"PATH_INFO": "/a b/\xc3\xa9", "QUERY_STRING": ""}, "/a%20b/%C3%A9"),
    ({"PATH_INFO": "/a~b:c@d!$&'()*+,;=", "QUERY_STRING": ""}, "/a~b:c@d!$&'()*+,;="),
    ({"SCRIPT_NAME": "/sms", "PATH_INFO": "/webhooks/twilio"}, "/sms/webhooks/twilio"),
]


@pytest.mark.parametrize(("environ", "target"), RAW)
def test_path_and_query_are_as_they_were_sent(environ: dict[str, Any], target: str) -> None:
    assert raw_target(environ) == target


@given(st.binary(max_size=40))
def test_a_decoded_path_is_escaped_so_that_it_decodes_to_the_same_bytes(path: bytes) -> None:
    target = raw_target({"PATH_INFO": "/" + path.decode("latin-1"), "QUERY_STRING": ""})
    assert unquote_to_bytes(target) == b"/" + path
    assert target.isascii()
    assert "?" not in target
    assert "#" not in target


@given(st.text(alphabet="abcXYZ019-._~/", max_size=30))
def test_a_path_without_escapes_comes_back_unchanged(path: str) -> None:
    assert raw_target({"PATH_INFO": f"/{path}", "QUERY_STRING": ""}) == "/" + path


def test_a_percent_sign_that_was_escaped_stays_escaped() -> None:
    assert raw_target({"PATH_INFO": "/100%", "QUERY_STRING": ""}) == "/" + quote("100%")


class Trickle(BytesIO):
    """A stream that gives at most seven bytes at a time, as a slow connection may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 7))


def environ_with(body: BytesIO, **environ: Any) -> dict[str, Any]:
    """What a server hands over that ends the body itself, as ours does."""
    made = EnvironBuilder("/webhooks/twilio", method="POST").get_environ()
    return made | {"wsgi.input": body, "wsgi.input_terminated": True} | environ


@pytest.mark.parametrize("stream", [BytesIO, Trickle])
@pytest.mark.parametrize("length", [{}, {"CONTENT_LENGTH": "1024"}])
def test_a_body_of_the_limit_is_read_whole(stream: type[BytesIO], length: dict[str, str]) -> None:
    assert read_body(environ_with(stream(b"a" * 1024), **length), 1024) == b"a" * 1024


@pytest.mark.parametrize("stream", [BytesIO, Trickle])
@pytest.mark.parametrize("size", [1025, 100_000])
def test_a_chunked_body_over_the_limit_is_refused_and_not_read_to_its_end(
    stream: type[BytesIO], size: int
) -> None:
    body = stream(b"a" * size)
    with pytest.raises(TooLarge, match="over 1 KiB"):
        read_body(environ_with(body), 1024)
    assert body.tell() == 1025


@pytest.mark.parametrize("length", ["1025", "5000", "9" * 5000])
def test_an_announced_body_over_the_limit_is_not_read_at_all(length: str) -> None:
    body = BytesIO(b"a" * 5000)
    with pytest.raises(TooLarge):
        read_body(environ_with(body, CONTENT_LENGTH=length), 1024)
    assert body.tell() == 0


def test_no_more_is_read_than_was_announced() -> None:
    assert read_body(environ_with(BytesIO(b"Body=Stop"), CONTENT_LENGTH="7"), 1024) == b"Body=St"


def test_a_body_that_broke_off_is_not_taken_for_a_shorter_one() -> None:
    with pytest.raises(Unreadable, match="broke off"):
        read_body(environ_with(BytesIO(b"Body=Sto"), CONTENT_LENGTH="9"), 1024)


@pytest.mark.parametrize("length", ["-1", "x", "1.0", "+9", "٩"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    with pytest.raises(Unreadable, match="Content-Length"):
        read_body(environ_with(BytesIO(b"Body=Stop"), CONTENT_LENGTH=length), 1024)


@pytest.mark.parametrize("length", [{}, {"CONTENT_LENGTH": ""}])
def test_a_body_without_length_is_left_alone_where_the_server_does_not_end_it(
    length: dict[str, str],
) -> None:
    body = BytesIO(b"Body=Stop")
    environ = environ_with(body, **length)
    del environ["wsgi.input_terminated"]
    assert read_body(environ, 1024) == b""
    assert body.tell() == 0


def test_headers_are_found_by_their_lower_case_names_and_nothing_else_is() -> None:
    headers = Headers(
        {"HTTP_X_A": "1", "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3", "PATH": "/bin"}
    )
    assert dict(headers) == {"x-a": "1", "content-type": "text/plain", "content-length": "3"}
    assert len(headers) == 3
    assert headers["X-A"] == "1"
    assert "path" not in headers
    assert headers.get("http-x-a", "") == ""
