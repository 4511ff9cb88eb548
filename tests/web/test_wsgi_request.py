from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder

from smsgate.settings import Account
from smsgate.web.wsgi_request import address_of, raw_target, webhook_request

PUBLIC = Account(name="twilio", provider="twilio", public_url="https://sms.example.com/sms")
PRIVATE = Account(name="twilio", provider="twilio")
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example, sms.example.com"}


def url(account: Account | None, trust_proxy: bool, headers: dict[str, str]) -> str:
    environ = EnvironBuilder(
        "/webhooks/twilio", method="POST", base_url="http://10.0.0.7:8000", headers=headers
    ).get_environ()
    return webhook_request(believed(environ) if trust_proxy else environ, account, b"").url


def believed(environ: dict[str, Any]) -> dict[str, Any]:
    """The environment as an application has it that believes its proxy."""
    seen = {"wsgi.url_scheme": "http", **environ}
    ProxyFix(lambda given, _: given, x_host=1)(seen, lambda *_: None)  # type: ignore[arg-type,return-value]
    return seen


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


@pytest.mark.parametrize(
    ("said", "trusted", "target"),
    [
        ("/a%2Fb//c?x=%7e&&y=", True, "/a%2Fb//c?x=%7e&&y="),
        ("/a%2Fb//c?x=%7e&&y=", False, "/a/b//c?x=%7e&&y="),
        ("/other?x=%7e&&y=", True, "/a/b//c?x=%7e&&y="),
        ("/a%2Fb//c?x=other", True, "/a/b//c?x=%7e&&y="),
        ("", True, "/a/b//c?x=%7e&&y="),
    ],
)
def test_a_proxy_is_believed_what_was_sent_if_it_is_trusted_and_fits(
    said: str, trusted: bool, target: str
) -> None:
    environ = {
        "PATH_INFO": "/a/b//c",
        "QUERY_STRING": "x=%7e&&y=",
        "HTTP_X_ORIGINAL_URI": said,
    }
    environ = believed(environ) if trusted else environ
    assert raw_target(environ) == target


@given(st.binary(max_size=40))
def test_a_decoded_path_is_escaped_so_that_it_decodes_to_the_same_bytes(path: bytes) -> None:
    target = raw_target({"PATH_INFO": "/" + path.decode("latin-1"), "QUERY_STRING": ""})
    assert unquote_to_bytes(target) == b"/" + path
    assert target.isascii()
    assert "?" not in target
    assert "#" not in target


def test_headers_have_lower_case_names_and_nothing_else_is_one() -> None:
    sent = {"HTTP_X_A": "1", "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3", "PATH": "/bin"}
    environ = EnvironBuilder("/webhooks/twilio").get_environ()
    assert webhook_request(environ | sent, PUBLIC, b"").headers == {
        "host": "localhost",
        "x-a": "1",
        "content-type": "text/plain",
        "content-length": "3",
    }


ADDRESSES = [
    ("8.8.8.8", "", False, "8.8.8.8"),
    ("8.8.8.8", "1.2.3.4", False, "8.8.8.8"),
    ("8.8.8.8", "1.2.3.4, 9.9.9.9", True, "9.9.9.9"),
    ("127.0.0.1", "", False, ""),
    ("10.0.0.7", "1.2.3.4", False, ""),
    ("10.0.0.7", "1.2.3.4", True, "1.2.3.4"),
    ("2001:4860:4860:1:2:3:4:5", "", False, "2001:4860:4860:1::"),
    ("::ffff:8.8.8.8", "", True, "8.8.8.8"),
    ("nonsense", "", False, ""),
    ("", "\r\nevil", True, ""),
]


@pytest.mark.parametrize(("peer", "forwarded", "trusted", "expected"), ADDRESSES)
def test_a_visitors_address_is_the_one_that_can_be_believed(
    peer: str, forwarded: str, trusted: bool, expected: str
) -> None:
    environ = {"REMOTE_ADDR": peer}
    if forwarded:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    assert address_of(believed(environ) if trusted else environ) == expected
