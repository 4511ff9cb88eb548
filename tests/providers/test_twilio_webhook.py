"""What is read in Twilio's webhooks, who answers them, and what the simulator posts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from smsgate.domain.messages import Intent, WebhookRequest
from smsgate.providers import PROVIDERS
from tests.providers.twilio_requests import (
    ACCOUNT,
    ID,
    MESSAGE,
    SHARED,
    SID,
    TEXT,
    TOKEN,
    URL,
    read,
    refusal,
    request_of,
)

twilio = PROVIDERS["twilio"]

# Written out once more: what stands in the code is no proof of itself.
WORDS = ["STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"]
WORDS += ["START", "YES", "UNSTOP", "HELP", "INFO"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Body": ""}, {"text": ""}),
        ({"Body": "\u0000\r\n"}, {"text": "\u0000\r\n"}),
        ({"OptOutType": "STOP"}, {"flag": Intent.OPT_OUT}),
        ({"OptOutType": "stop"}, {"flag": Intent.OPT_OUT}),
        ({"OptOutType": "START"}, {"flag": Intent.OPT_IN}),
        ({"OptOutType": "HELP"}, {"flag": Intent.HELP}),
        ({"OptOutType": "PAUSE"}, {"flag": None}),
        ({"MessagingServiceSid": "MG1"}, {"service": "MG1"}),
        ({"From": "whatsapp:+34911234567"}, {"number": "+34911234567", "channel": "whatsapp"}),
        ({"To": "rcs:acme_agent"}, {"sender": "acme_agent", "channel": "rcs"}),
        ({"From": "messenger:123"}, {"number": "messenger:123"}),
        ({"From": "whatsapp:"}, {"number": "whatsapp:"}),
        ({"From": "262966"}, {"number": "262966"}),
        ({"From": "ACME"}, {"number": "ACME"}),
        ({"NumMedia": "1", "MediaUrl0": "u"}, {"media": ("u",), "channel": "mms"}),
        ({"NumMedia": "-1", "MediaUrl1": "u"}, {}),
        ({"SmsStatus": "receiving"}, {}),
        ({"MessageStatus": "delivered"}, {}),
    ],
)
def test_fields_are_understood(fields, expected):
    assert read(request_of({**TEXT, **fields})) == [replace(MESSAGE, **expected)]


@pytest.mark.parametrize(
    "status",
    [{"SmsStatus": "sent"}, {"SmsStatus": "failed", "Body": "x"}, {"MessageStatus": "undelivered"}],
)
def test_the_status_of_a_text_of_ours_is_no_message(status):
    form = {name: value for name, value in TEXT.items() if name != "Body"}
    assert read(request_of({**form, **status})) == []


@pytest.mark.parametrize("name", ["From", "To", "Body", "MessageSid", "OptOutType"])
def test_a_field_with_two_values_is_not_guessed_at(name):
    """The order of repeated values is not signed: whoever repeats the request may swap them."""
    form = [*{"OptOutType": "HELP", **TEXT}.items(), (name, "STOP2")]
    request = request_of([], url=f"{URL}?{urlencode(form)}", method="GET")
    assert refusal(request) == (
        400,
        f"The form has {name} more than once, with different values.",
    )


@pytest.mark.parametrize(
    ("text", "changes", "who"),
    [
        *[(word, {}, "provider") for word in WORDS],
        *[(word, {"sender": "+18335550100"}, "network") for word in ("STOP", "start", " Unstop\n")],
        *[(word, {"sender": "+18335550100"}, "provider") for word in ("QUIT", "YES", "HELP")],
        (" stop ", {}, "provider"),
        ("Stop.", {}, ""),
        ("Stop please", {}, ""),
        ("STOP ALL", {}, ""),
        ("ARRET", {}, ""),
        ("", {}, ""),
        ("Stop please", {"sender": "+18885550100"}, ""),
        ("Stop.", {"sender": "+18885550100"}, ""),
        ("STOP", {"sender": "+18815550100"}, "provider"),  # 881 is not toll-free
        ("anything", {"flag": Intent.OPT_OUT}, "provider"),
        ("anything", {"flag": Intent.HELP, "channel": "whatsapp"}, "provider"),
        ("STOP", {"channel": "whatsapp"}, ""),
        ("STOP", {"channel": "rcs"}, "provider"),
        ("STOP", {"channel": "mms"}, "provider"),
    ],
)  # fmt: skip
def test_twilio_answers_its_own_words_alone_and_the_network_on_toll_free(text, changes, who):
    assert twilio.answered(replace(MESSAGE, text=text, **changes)) == who


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(text=texts, flag=st.sampled_from([None, Intent.OPT_OUT, Intent.HELP]))
def test_what_the_simulator_posts_satisfies_twilios_library(text, flag):
    message = replace(MESSAGE, text=text, flag=flag, media=("https://m.example/1",))
    request = twilio.inbound(message, ACCOUNT, f"{URL}?a=1#rc=5&rp=all")
    form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    assert request.url == f"{URL}?a=1"
    assert form["Body"] == text
    assert RequestValidator(TOKEN).validate(
        request.url, form, request.headers["x-twilio-signature"]
    )


def test_a_text_that_is_no_unicode_can_still_be_tried():
    """A terminal may hand one over."""
    request = twilio.inbound(replace(MESSAGE, text="st\udcf6p"), ACCOUNT, URL)
    assert read(request) == [replace(MESSAGE, text="st?p")]


def test_the_simulator_uses_the_newest_shared_key_and_names_it():
    request = twilio.inbound(MESSAGE, SHARED, URL)
    assert request.headers["x-twilio-webhooks-signature-settings"] == (
        "key=webhooks_sharedkey_01,algorithm=HMAC_SHA256"
    )
    assert read(request, SHARED) == [MESSAGE]


def events_of(*found: object) -> WebhookRequest:
    """A batch of Event Streams, signed by Twilio's own library."""
    body = json.dumps(found)
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    request = request_of({}, url=url, kind="application/json; charset=utf-8")
    return replace(request, body=body.encode())


def event(kind: str = "inbound-message.received", **changes: object) -> dict:
    data = {"messageSid": ID, "from": "+14155550123", "to": "+14155550100", "body": "STOP"}
    return {"type": f"com.twilio.messaging.{kind}", "data": {**data, **changes}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, {}),
        ({"body": None}, {"text": ""}),
        ({"numMedia": "0"}, {}),
        ({"numMedia": "2"}, {"channel": "mms"}),
        ({"optOutType": "START"}, {"flag": Intent.OPT_IN}),
        ({"timestamp": "2026-09-21T14:13:20Z"}, {"sent_us": 1_790_000_000_000_000}),
        ({"timestamp": "yesterday"}, {}),
        ({"accountSid": SID}, {}),
        (
            {"body": "RU5PVUdIIE5PVywgdGFrZSBteSBudW1iZXIgb2ZmIHlvdXIgbGlzdCBwbGVhc2Uh"},
            {"text": "ENOUGH NOW, take my number off your list please!"},
        ),
    ],
)
def test_an_event_is_understood_as_the_form_is(data, expected):
    assert read(events_of(event(**data))) == [replace(MESSAGE, **expected)]


@pytest.mark.parametrize("kind", ["inbound-message.received", "message.failed"])
def test_an_event_of_another_account_is_refused_and_the_batch_with_it(kind):
    status, problem = refusal(events_of(event(), event(kind, accountSid="AC" + "2" * 32)))
    assert (status, problem) == (403, "The AccountSid is not that of the account in the URL.")


def test_a_batch_may_have_more_ampersands_than_a_form_has_fields():
    assert len(read(events_of(*[event(body="&" * 300), event(body="&" * 300)]))) == 2


# Written out once more. 30007 and 30008 say nothing of the number.
KINDS = {"21211": "unreachable", "21610": "opted_out", "21614": "unreachable",
         "21635": "unreachable", "30003": "unreachable", "30004": "unreachable",
         "30005": "unreachable", "30006": "unreachable", "63003": "unreachable",
         "63024": "unreachable"}  # fmt: skip


@pytest.mark.parametrize("code", [*KINDS, "30007", "30008", "30001", "", "x"])
def test_a_failed_text_of_ours_says_something_of_the_number_or_nothing(code):
    form = {**TEXT, "From": "+14155550100", "To": "+14155550123", "MessageStatus": "failed"}
    del form["Body"]
    told = events_of(event("message.failed", errorCode=code))
    for request in (request_of({**form, "ErrorCode": code}), told):
        twilio.verify(request, ACCOUNT, 0)
        assert twilio.parse(request, ACCOUNT) == []
        found = twilio.reports(request, ACCOUNT)
        assert [(one.kind, one.status) for one in found] == [(KINDS.get(code, ""), "failed")]


@pytest.mark.parametrize("status", ["queued", "sending", "sent", "read", "canceled", "x"])
def test_a_status_that_is_no_end_tells_nothing(status):
    form = {**TEXT, "From": "+14155550100", "To": "+14155550123", "MessageStatus": status}
    del form["Body"]
    for request in (request_of(form), events_of(event(f"message.{status}"))):
        assert twilio.reports(request, ACCOUNT) == []


def test_the_fallback_call_of_a_text_to_us_is_no_report():
    """It has an ErrorCode, which is about our own first answer."""
    request = request_of({**TEXT, "SmsStatus": "received", "ErrorCode": "30003"})
    assert read(request) == [MESSAGE]
    assert twilio.reports(request, ACCOUNT) == []
