"""A captured request whose fields were cut anew: rightly signed, and not as good as a new one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest
from plivo.utils.signature_v3 import construct_post_url, get_signature_v3
from twilio.request_validator import RequestValidator

from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.providers import PROVIDERS
from tests.providers.recorded import account_of

plivo = PROVIDERS["plivo"]
signalwire = PROVIDERS["signalwire"]
twilio = PROVIDERS["twilio"]

URL = "https://sms.example.com/webhooks/x"
FORM = "application/x-www-form-urlencoded"
SECRET = "a-token-that-opens-nothing"
SID, OTHER_SID = "SM" + "0123456789abcdef" * 2, "MM" + "f" * 32
UUID = "7f3a09c1-0000-4000-8000-000000000001"
PROJECT = "b2c8d1f0-6a3e-4b7d-9c55-0f1e2d3c4b5a"
TWILIO = account_of("x", "twilio", {"account_sid": "AC" + "1" * 32}, {"auth_token": [SECRET]})
SIGNALWIRE = account_of(
    "x", "signalwire", {"project_id": PROJECT, "space": "acme"},
    {"signing_key": [SECRET], "api_token": ["PT"]},
)  # fmt: skip
PLIVO = account_of("x", "plivo", {"auth_id": "MA" + "X" * 18}, {"auth_token": [SECRET]})
START = {
    "AccountSid": "AC" + "1" * 32,
    "ApiVersion": "2010-04-01",
    "Body": "START",
    "From": "+14155550123",
    "FromCountry": "US",
    "MessageSid": SID,
    "NumMedia": "0",
    "NumSegments": "1",
    "SmsMessageSid": SID,
    "SmsSid": SID,
    "SmsStatus": "received",
    "To": "+14155550100",
}
ANSWERED = {**START, "OriginalRepliedMessageSid": OTHER_SID}
PLIVO_START = {
    "From": "14155550123",
    "MessageIntent": "optin",
    "MessageUUID": UUID,
    "PowerpackUUID": "",
    "Text": "START",
    "To": "14155550100",
    "TotalRate": "0.0065",
    "Type": "sms",
    "Units": "1",
}


def without(form: dict, *names: str, **changes: str) -> dict:
    """The form without some fields, and others as they are given."""
    return {name: value for name, value in form.items() if name not in names} | changes


def joined(form: dict) -> str:
    return "".join(name + value for name, value in sorted(form.items()))


def by_twilio(signed: dict, posted: dict) -> WebhookRequest:
    """Twilio's signature of one form, with another form."""
    signature = RequestValidator(SECRET).compute_signature(URL, signed)
    headers = {"content-type": FORM, "x-twilio-signature": signature}
    return WebhookRequest("POST", URL, headers, urlencode(posted).encode())


def by_signalwire(signed: dict, posted: dict) -> WebhookRequest:
    code = hmac.new(SECRET.encode(), f"{URL}{joined(signed)}".encode(), hashlib.sha1).digest()
    headers = {"content-type": FORM, "x-signalwire-signature": base64.b64encode(code).decode()}
    return WebhookRequest("POST", URL, headers, urlencode(posted).encode())


def by_plivo(signed: dict, posted: dict) -> WebhookRequest:
    url = construct_post_url(URL, signed)
    signature = get_signature_v3(SECRET.encode(), url, b"12345").decode()
    headers = {"x-plivo-signature-v3": signature, "x-plivo-signature-v3-nonce": "12345"}
    return WebhookRequest(
        "POST", URL, {"content-type": FORM, **headers}, urlencode(posted).encode()
    )


def read(provider, account, request: WebhookRequest) -> InboundMessage:
    """What is read in a request, which is rightly signed."""
    provider.verify(request, account, 0)
    (message,) = provider.parse(request, account)
    return message


def test_a_form_as_the_provider_cuts_it_is_beyond_doubt():
    project = START | {"AccountSid": PROJECT, "MessageSid": UUID, "SmsMessageSid": UUID}
    found = [
        read(twilio, TWILIO, by_twilio(START, START)),
        read(twilio, TWILIO, by_twilio(ANSWERED, ANSWERED)),
        read(signalwire, SIGNALWIRE, by_signalwire(project, project)),
        read(plivo, PLIVO, by_plivo(PLIVO_START, PLIVO_START)),
    ]
    assert [(one.text, one.message_id, one.doubt) for one in found] == [
        ("START", SID, ""), ("START", SID, ""), ("START", UUID, ""), ("START", UUID, "")
    ]  # fmt: skip


LONGER = "is not of the form that the provider gives it"
ELSEWHERE = "also stands in another place than the names of fields"
TEXTED = f"STARTFrom+14155550199MessageSid{OTHER_SID}To+14155550100z"
"""What somebody texts who can read the traffic, to speak for another number."""


@pytest.mark.parametrize(
    ("signed", "posted", "doubt"),
    [
        (START, without(START, "NumMedia", MessageSid=f"{SID}NumMedia0"), LONGER),
        (
            ANSWERED,
            without(
                ANSWERED, "NumMedia", "NumSegments", "OriginalRepliedMessageSid",
                FromCountry=f"USMessageSid{SID}NumMedia0NumSegments1OriginalReplied",
                MessageSid=OTHER_SID,
            ),
            ELSEWHERE,
        ),
        (
            ANSWERED,
            without(
                ANSWERED, "FromCountry", "NumMedia", "NumSegments", "OriginalRepliedMessageSid",
                FromCountryUSMessageSid=f"{SID}NumMedia0NumSegments1OriginalReplied",
                MessageSid=OTHER_SID,
            ),
            ELSEWHERE,
        ),
        (
            START | {"Body": TEXTED},
            {
                "AccountSid": START["AccountSid"],
                "ApiVersion": "2010-04-01",
                "Body": "START",
                "From": "+14155550199",
                "MessageSid": OTHER_SID,
                "To": "+14155550100",
                "z": joined(without(START, "AccountSid", "ApiVersion", "Body")),
            },
            ELSEWHERE,
        ),
    ],
    ids=["longer", "another's id", "another's id, in a name", "texted"],
)  # fmt: skip
def test_a_twilio_form_that_was_cut_anew_is_in_doubt(signed, posted, doubt):
    message = read(twilio, TWILIO, by_twilio(signed, posted))
    assert (message.text, message.doubt) == ("START", f"MessageSid {doubt}")
    assert message.message_id != SID


def test_a_twilio_form_that_was_put_into_the_address_is_in_doubt():
    """The signature of a posted form is also that of an address which ends with it."""
    url = f"{URL}?a="
    texted = f"&From=%2B14155550199&MessageSid={OTHER_SID}&To=%2B14155550100&Body=START&z="
    form = START | {"Body": texted}
    signature = RequestValidator(SECRET).compute_signature(url, form)
    request = WebhookRequest("GET", url + joined(form), {"x-twilio-signature": signature}, b"")
    message = read(twilio, TWILIO, request)
    assert (message.number, message.text) == ("+14155550199", "START")
    assert message.doubt == f"MessageSid {ELSEWHERE}"


def test_an_escaped_name_in_the_address_is_one_as_well():
    url, sid = f"{URL}?a=", f"%4DessageSid={OTHER_SID}"
    texted = f"&From=%2B14155550199&{sid}&Sms{sid}&To=%2B14155550100&Body=START&z="
    form = START | {"Body": texted}
    signature = RequestValidator(SECRET).compute_signature(url, form)
    request = WebhookRequest("GET", url + joined(form), {"x-twilio-signature": signature}, b"")
    message = read(twilio, TWILIO, request)
    assert message.message_id == OTHER_SID
    assert message.doubt == f"MessageSid {ELSEWHERE}"


@pytest.mark.parametrize("address", ["+14155550123", "whatsapp:+14155550123", "whatsapp:US.1491"])
def test_who_texts_the_name_of_a_field_speaks_for_no_other_number(address):
    signed = START | {"From": address, "Body": "STARTFrom+14155550199FromA"}
    posted = signed | {"Body": "START", "From": "+14155550199", "FromA": f"From{address}"}
    assert joined(signed) == joined(posted)
    message = read(twilio, TWILIO, by_twilio(signed, posted))
    assert (message.number, message.text, message.message_id) == ("+14155550199", "START", SID)
    assert message.doubt == f"From {ELSEWHERE}"


def test_nor_does_one_who_texts_it_to_signalwire_or_plivo():
    names = {"AccountSid": PROJECT, "MessageSid": UUID, "SmsMessageSid": UUID}
    form = START | names | {"Body": "STARTFrom+14155550199FromA"}
    posted = form | {"Body": "START", "From": "+14155550199", "FromA": "From+14155550123"}
    assert read(signalwire, SIGNALWIRE, by_signalwire(form, posted)).doubt == f"From {ELSEWHERE}"
    form = without(PLIVO_START, "Text", Body="STARTFrom14155550199FromA", Type="mms")
    posted = form | {"Body": "START", "From": "14155550199", "FromA": "From14155550123"}
    assert read(plivo, PLIVO, by_plivo(form, posted)).doubt == f"From {ELSEWHERE}"


@pytest.mark.parametrize(
    "text",
    [
        "What is a MessageSid? And MessageUUID?",
        "MessageSidSM and SmsMessageSid",
        "From now on START. From 415 555 0123, From: me",
        "FromCity" * 100,
    ],
)
def test_the_name_of_a_field_in_a_text_is_no_reason_for_doubt(text):
    form = START | {"Body": text}
    project = form | {"AccountSid": PROJECT, "MessageSid": UUID, "SmsMessageSid": UUID}
    mms = without(PLIVO_START, Text=text)
    found = [
        read(twilio, TWILIO, by_twilio(form, form)),
        read(signalwire, SIGNALWIRE, by_signalwire(project, project)),
        read(plivo, PLIVO, by_plivo(mms, mms)),
    ]
    assert [(one.text, one.doubt) for one in found] == [(text, "")] * 3


def test_events_under_the_signature_of_a_form_are_in_doubt():
    data = {"messageSid": OTHER_SID, "from": "+14155550199", "to": "+14155550100", "body": "START"}
    body = json.dumps({"type": "com.twilio.messaging.inbound-message.received", "data": data})
    url = f"{URL}?a="
    form = START | {"Body": f"&bodySHA256={hashlib.sha256(body.encode()).hexdigest()}&z="}
    signature = RequestValidator(SECRET).compute_signature(url, form)
    headers = {"content-type": "application/json", "x-twilio-signature": signature}
    request = WebhookRequest("POST", url + joined(form), headers, body.encode())
    assert read(twilio, TWILIO, request).doubt == f"MessageSid {ELSEWHERE}"


def test_a_plivo_form_that_was_cut_anew_is_in_doubt():
    posted = without(PLIVO_START, "PowerpackUUID", MessageUUID=f"{UUID}PowerpackUUID")
    assert read(plivo, PLIVO, by_plivo(PLIVO_START, posted)).doubt == f"MessageUUID {LONGER}"
