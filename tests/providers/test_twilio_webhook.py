"""What is read in Twilio's webhooks, who answers them, and what the simulator posts."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from smsgate.errors import SignatureRefused, Unreadable
from smsgate.messages import Intent
from smsgate.providers import twilio
from tests.providers.twilio_requests import (
    ACCOUNT,
    MESSAGE,
    SHARED,
    TEXT,
    TOKEN,
    URL,
    read,
    refusal,
    request_of,
)

# Written out once more: what stands in the code is no proof of itself.
WORDS = ["STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"]
WORDS += ["START", "YES", "UNSTOP", "HELP", "INFO"]


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", ["MessageSid", "From", "To"])
def test_a_missing_field_is_named(name, value):
    form = {key: text for key, text in {**TEXT, name: value}.items() if text is not None}
    assert refusal(request_of(form)) == (
        400,
        f"The form lacks {name}; a text from Twilio has them all.",
    )


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
    "raw", ["Body=%E9", "Body=%FF%FE", "%E9=1", "Body=%C0%AF", "Body=%ED%A0%80"]
)
def test_bytes_that_are_no_utf_8_are_unreadable_where_they_are_signed_and_forged_where_not(raw):
    signed = request_of({}, url=f"{URL}?{raw}", method="GET")
    with pytest.raises(Unreadable, match="no UTF-8"):
        read(signed)
    with pytest.raises(SignatureRefused):
        read(replace(signed, url=f"{URL}?{raw}%E9"))


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
