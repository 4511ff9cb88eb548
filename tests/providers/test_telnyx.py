"""Telnyx: what only it does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from smsgate.domain.errors import AccountNotReady, SignatureRefused
from smsgate.domain.messages import HttpReply, InboundMessage, Reply, Verdict
from smsgate.providers import PROVIDERS
from tests.providers.recorded import NOW_US, everything

telnyx = PROVIDERS["telnyx"]

STOP = next(one for one in everything() if str(one) == "telnyx-stop")
ACCOUNT = STOP.account
MESSAGE = InboundMessage("telnyx", "m", "+14155550123", "+14155550100", "STOP", sent_us=NOW_US)
REPLY = Reply("5-0", "opt_out", "telnyx", "+14155550123", "+14155550100", "p", "Out. ¡Adiós!", 0)


@pytest.mark.parametrize(
    ("text", "sender", "who"),
    [
        *[
            (word, "+14155550100", "provider")
            for word in ("stop", "STOPALL", "Stop All", "UNSUBSCRIBE", "cancel", "END", "QUIT")
        ],
        ("START", "22395", "provider"),
        ("unstop", "+14155550100", "provider"),
        (" unstop\n", "+14155550100", ""),
        ("HELP", "+14155550100", ""),
        ("YES", "+14155550100", ""),
        ("REVOKE", "+14155550100", ""),
        ("Stop please", "+14155550100", ""),
        (" unstop\n", "+18445550100", "network"),
        ("QUIT", "+18445550100", "provider"),
    ],
)
def test_telnyx_answers_its_own_words_alone_and_the_network_on_toll_free(text, sender, who):
    assert telnyx.answered(replace(MESSAGE, text=text, sender=sender)) == who


def test_a_reply_has_the_same_key_whenever_it_is_tried_and_no_other_reply_has_it():
    again = Reply(
        "5-0", "opt_out", "telnyx", "+14155550123", "+14155550100", "p", "Out", 9, tries=3
    )
    others = [
        Reply("5-1", "opt_out", "telnyx", "+14155550123", "+14155550100", "p", "Out", 0),
        Reply("5-0", "opt_out", "telnyx", "+14155550124", "+14155550100", "p", "Out", 0),
        Reply("5-0", "help", "telnyx", "+14155550123", "+14155550100", "p", "Out", 0),
        Reply("5-0", "opt_out", "other", "+14155550123", "+14155550100", "p", "Out", 0),
    ]
    key, same, *rest = (
        telnyx.reply(one, ACCOUNT).headers["Idempotency-Key"] for one in (REPLY, again, *others)
    )
    assert same == key
    assert len({key, *rest}) == 5
    assert len(key) <= 255
    assert key.isalnum()


@pytest.mark.parametrize("service", ["", "740572b6"])
def test_a_reply_comes_from_the_number_that_was_texted(service):
    reply = Reply("5-0", "help", "t", "+14155550123", "22395", "p", "¡Sí! 🛑", 0, service=service)
    call = telnyx.reply(reply, ACCOUNT)
    profile = {"messaging_profile_id": service} if service else {}
    assert (call.method, call.url) == ("POST", "https://api.telnyx.com/v2/messages")
    assert call.headers["Authorization"] == "Bearer KEY0-opens-nothing"
    assert json.loads(call.body) == {
        "from": "22395", "to": "+14155550123", "text": "¡Sí! 🛑", "type": "SMS", **profile
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (200, "", Verdict.SENT),
        (400, "40300", Verdict.OPTED_OUT),
        (422, 40300, Verdict.OPTED_OUT),
        (400, "40305", Verdict.REFUSED),
        (400, "40310", Verdict.REFUSED),
        (400, "40318", Verdict.NOT_ACCEPTED),
        (401, "10009", Verdict.REFUSED),
        (409, "", Verdict.NOT_ACCEPTED),
        (429, "10011", Verdict.NOT_ACCEPTED),
        (429, "40300", Verdict.NOT_ACCEPTED),
        (422, "10015", Verdict.REFUSED),
        (500, "10007", Verdict.NOT_ACCEPTED),
        (503, "40300", Verdict.NOT_ACCEPTED),
        (302, "", Verdict.REFUSED),
    ],
)
def test_a_response_is_understood_by_its_code(status, code, verdict):
    body = json.dumps({"errors": [{"code": code, "detail": "to +14155550123"}]}).encode()
    outcome = telnyx.outcome(HttpReply(status, "application/json", body, {"retry-after": "4"}))
    assert outcome.verdict is verdict
    assert "+1415" not in outcome.note
    assert outcome.retry_after_s == (None if verdict is Verdict.SENT else 4.0)


def test_the_id_of_a_sent_text_is_kept():
    assert telnyx.outcome(HttpReply(200, "", b'{"data": {"id": "m-7"}}')).provider_id == "m-7"


def test_without_a_key_of_our_own_nothing_can_be_tried_out():
    account = replace(ACCOUNT, secrets={**ACCOUNT.secrets, "signing_key": ()})
    with pytest.raises(AccountNotReady):
        telnyx.inbound(MESSAGE, account, "https://sms.example.com/webhooks/telnyx")


@pytest.mark.parametrize("key", ["", "x", "AAAA", "é" * 44, "A" * 43 + "=", "A" * 42 + "B="])
def test_a_key_that_is_none_lets_nobody_in(key):
    """Among them the point of small order, and base64 that names the same bytes in another way."""
    secrets = {**ACCOUNT.secrets, "public_key": (type(ACCOUNT.secrets["api_key"][0])(key),)}
    with pytest.raises(SignatureRefused):
        telnyx.verify(STOP.request, replace(ACCOUNT, secrets=secrets), NOW_US)
