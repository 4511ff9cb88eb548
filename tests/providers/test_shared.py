"""What several providers share: who answers, what a status means, what must be there."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import HttpReply, InboundMessage, Verdict, WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.providers.base import answered_by_network, check_present
from smsgate.providers.calls import coded, failed, retry_after_s
from smsgate.providers.forms import is_status_form, media_urls
from smsgate.providers.path_secret import check_path
from smsgate.providers.reading import text_of
from smsgate.settings import Account

REFUSED, OPTED_OUT = Verdict.REFUSED, Verdict.OPTED_OUT


@pytest.mark.parametrize(
    ("status", "known", "verdict", "words"),
    [
        (400, None, REFUSED, "no such thing"),
        (400, (OPTED_OUT, "has opted out"), OPTED_OUT, "has opted out"),
        (404, None, REFUSED, "no such thing"),
        (429, None, Verdict.NOT_ACCEPTED, "too many requests"),
        (429, (OPTED_OUT, "has opted out"), Verdict.NOT_ACCEPTED, "too many requests"),
        (500, None, Verdict.UNKNOWN, "may have been sent"),
        (503, (REFUSED, "a code that counts no more"), Verdict.UNKNOWN, "may have been sent"),
    ],
)
def test_a_failure_is_understood_by_status_first_and_code_then(status, known, verdict, words):
    response = HttpReply(status, "", headers={"retry-after": "3"})
    outcome = failed("Acme", response, known, "no such thing")
    assert outcome.verdict is verdict
    assert outcome.note.startswith(f"Acme answered {status}: ")
    assert words in outcome.note
    assert outcome.retry_after_s == 3


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), ("", None), ("-1", None), ("1.5", None), ("9999999", None),
     ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("²", None)],
)  # fmt: skip
def test_only_plain_seconds_say_when_to_try_again(header, seconds):
    assert retry_after_s(HttpReply(429, "", headers={"retry-after": header})) == seconds


def test_a_code_is_told_with_its_meaning():
    codes = {"21610": (OPTED_OUT, "has opted out")}
    assert coded("21610", codes) == (OPTED_OUT, "21610, has opted out")
    assert coded("1", codes) is None


@pytest.mark.parametrize(
    ("text", "sender", "answers"),
    [
        ("STOP", "+18885550100", True),
        (" unstop\n", "+18005550100", True),
        ("Stop.", "+18885550100", False),
        ("HELP", "+18885550100", False),
        ("STOP", "+14155550100", False),
        ("STOP", "22395", False),
    ],
)
def test_the_network_answers_three_words_on_toll_free_numbers(text, sender, answers):
    message = InboundMessage("a", "m", "+14155550123", sender, text)
    assert answered_by_network(message) is answers
    assert PROVIDERS["kannel"].answered(message) == ("network" if answers else "")


def at(url: str) -> WebhookRequest:
    return WebhookRequest("POST", url, {}, b"")


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://x/webhooks/a/new", True),
        ("https://x/webhooks/a/old?secret=wrong", True),
        ("https://x/webhooks/a/other?a=/new", False),
        ("https://x/webhooks/a/new/", False),
        ("https://x/webhooks/a/", False),
        ("https://x/webhooks/a", False),
        ("new", True),
    ],
)
def test_the_secret_in_the_path_is_its_last_part_and_nothing_else(url, fits):
    account = Account(
        "a", "kannel", {}, {"secret": (SecretStr("new"), SecretStr("old"), SecretStr(""))}
    )
    if fits:
        check_path(at(url), account, "secret")
    else:
        with pytest.raises(SignatureRefused, match="`secret`"):
            check_path(at(url), account, "secret")


def test_all_that_is_missing_is_named():
    with pytest.raises(
        Unreadable, match=r"^The request lacks from, to; every text has them all\.$"
    ):
        check_present({"id": "1", "from": "", "to": ""})
    check_present({"id": "1"})


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"SmsStatus": "received", "Body": "x"}, False),
        ({"SmsStatus": "delivered"}, True),
        ({"MessageStatus": "sent"}, True),
        ({"MessageStatus": "sent", "Body": "STOP"}, False),
        ({}, False),
    ],
)
def test_in_doubt_a_form_is_a_text_to_us(fields, status):
    assert is_status_form(fields) is status


def test_media_are_read_up_to_the_first_gap():
    assert list(media_urls({"MediaUrl0": "a", "MediaUrl1": "b", "MediaUrl3": "d"})) == ["a", "b"]


def test_bytes_that_are_no_utf_8_are_letters_all_the_same():
    assert (text_of("é🛑".encode()), text_of(b"arr\xeat")) == ("é🛑", "arrêt")


def test_an_empty_secret_is_none():
    account = Account(
        "a", "kannel", {}, {"secret": (SecretStr("new"), SecretStr(""), SecretStr("old"))}
    )
    assert account.values_of("secret") == ["new", "old"]
    assert account.values_of("other") == []
