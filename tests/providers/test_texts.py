"""A text that a format promises and that is not there: absent is not blank, for every provider."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest

from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.providers.base import TextMissing
from smsgate.providers.field_names import field_names
from tests.providers.recorded import Recorded, everything

VECTORS = {str(one): one for one in everything()}
GONE = object()
"""Stands for a member that is taken out."""


def changed(recorded: Recorded, changes: Mapping[str, object]) -> WebhookRequest:
    """A recorded request with other fields. Dots lead into objects, numbers into lists.

    What is parsed has been verified, so it need not be signed again.
    """
    request = recorded.request
    if request.body[:1] in (b"{", b"["):
        content = json.loads(request.body)
        for path, value in changes.items():
            _put(content, path.split("."), value)
        return replace(request, body=json.dumps(content).encode())
    form = request.body.decode() or request.query
    fields = dict(parse_qsl(form, keep_blank_values=True)) | changes
    form = urlencode({name: value for name, value in fields.items() if value is not GONE})
    if request.body:
        return replace(request, body=form.encode())
    return replace(request, url=f"{request.url.partition('?')[0]}?{form}")


def _put(content, path: list[str], value: object) -> None:
    step = int(path[0]) if path[0].isdigit() else path[0]
    if len(path) > 1:
        inside = content[step]
        if isinstance(inside, str):  # JSON in a text, as SNS has it
            inner = json.loads(inside)
            _put(inner, path[1:], value)
            content[step] = json.dumps(inner)
        else:
            _put(inside, path[1:], value)
    elif value is GONE:
        del content[step]
    else:
        content[step] = value


def parsed(name: str, changes: Mapping[str, object]) -> list[InboundMessage]:
    recorded = VECTORS[name]
    provider = PROVIDERS[recorded.provider]
    return provider.parse(changed(recorded, changes), recorded.account)


TEXTS = {
    "aws_sns-stop": "Message.messageBody",
    "azure-stop": "0.data.message",
    "azure-cloud_event": "data.message",
    "bandwidth-stop": "0.message.text",
    "bird_channels-stop": "payload.body.text.text",
    "elks-stop": "message",
    "form-stop": "text",
    "form-json": "data.text",
    "infobip-stop": "results.0.text",
    "jasmin-content_only": "content",
    "kannel-stop": "text",
    "messagebird-stop_form": "body",
    "messagebird-stop_get": "body",
    "messagebird-json": "body",
    "messagebird-short_code": "message",
    "messagebird-short_code_json": "message",
    "plivo-please": "Text",
    "signalwire-stop": "Body",
    "sinch-stop": "body",
    "sinch_conversation-stop": "message.contact_message.text_message.text",
    "sinch_conversation-choice": "message.contact_message.choice_response_message.postback_data",
    "standard_webhooks-stop": "data.text",
    "telnyx-stop_without_flag": "data.payload.text",
    "twilio-stop_please": "Body",
    "twilio-whatsapp": "Body",
    "twilio-events": "3.data.body",
    "vonage-stop": "text",
    "vonage-button": "button.text",
    "vonage_sms-stop_sha256": "text",
    "vonage_sms-json": "text",
    "vonage_sms-get": "text",
    "vonage_sms-part": "text",
}
"""By webhook the field that its format promises."""
NEVER_PROMISED = {"bird"}
"""Bird leaves the text out where there are attachments alone, and does not name those."""


@pytest.mark.parametrize(("name", "field"), TEXTS.items())
def test_a_text_that_is_not_there_is_refused_with_the_names_that_came(name, field) -> None:
    with pytest.raises(TextMissing) as refused:
        parsed(name, {field: GONE})
    said = str(refused.value)
    assert said.startswith("The request lacks ")
    assert field.rpartition(".")[2] in said
    for message in VECTORS[name].messages:
        values = (message.number.removeprefix("+"), message.message_id, message.text)
        assert [value for value in values if value and value in said] == []


@pytest.mark.parametrize(("name", "field"), TEXTS.items())
def test_a_text_that_is_there_and_empty_is_an_empty_text(name, field) -> None:
    messages = parsed(name, {field: ""})
    assert messages[-1].text in ("", "[part 2 of 2] ")
    assert [one.number for one in messages] == [one.number for one in VECTORS[name].messages]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (name, field)
        for name, field in TEXTS.items()
        if VECTORS[name].request.body[:1] in (b"{", b"[")
        # They sign each member, or have JSON in a text: there are no nulls.
        and not name.startswith(("vonage_sms", "aws_sns"))
    ],
)
def test_a_text_that_is_null_is_an_empty_text(name, field) -> None:
    assert parsed(name, {field: None})[-1].text == ""


WORDLESS = {
    "MMS with media alone": [
        ("bandwidth-stop", {"0.message.text": GONE, "0.message.media": ["https://m.example/1"]}),
        ("bird-no_text", {}),
        ("bird_channels-picture", {"payload.body.image.text": GONE}),
        ("elks-stop", {"message": GONE, "image": "https://api.46elks.com/a1/1"}),
        ("infobip-stop", {"results.0.text": GONE, "results.0.message": [
            {"contentType": "image/jpeg", "url": "https://m.example/1"},
            {"contentType": "application/smil", "value": "<smil/>"}]}),
        ("plivo-mms", {"Body": GONE, "MessageIntent": ""}),
        ("signalwire-picture", {"Body": GONE}),
        ("sinch-picture", {"body.message": GONE, "body.subject": GONE}),
        ("sinch_conversation-picture", {"message.contact_message.media_message.caption": GONE}),
        ("standard_webhooks-full", {"data.text": GONE, "data.flag": ""}),
        ("telnyx-mms", {"data.payload.text": GONE}),
        ("twilio-picture", {"Body": GONE}),
        ("twilio-events", {"0.data.body": GONE, "0.data.numMedia": 1}),
        ("vonage-picture", {"image.caption": GONE}),
        ("vonage-picture", {"image": GONE, "message_type": "content",
                            "content": [{"type": "image", "url": "https://m.example/1"}]}),
    ],
    "a location": [
        ("bird_channels-stop", {"payload.body": {"type": "location", "location": {}}}),
        ("sinch_conversation-stop", {"message.contact_message": {"location_message": {"x": 1}}}),
        ("twilio-whatsapp", {"Body": GONE, "Latitude": "1.0", "Longitude": "2.0"}),
        ("twilio-whatsapp", {"Body": GONE, "MessageType": "location"}),
        ("vonage-stop", {"text": GONE, "message_type": "location", "location": {"lat": 1}}),
        ("plivo-please", {"Text": GONE, "Type": "whatsapp", "ContentType": "location"}),
    ],
    "data": [("sinch-binary", {}), ("vonage_sms-binary", {})],
    "a flag says it all": [
        ("plivo-stop", {"Text": GONE}),
        ("standard_webhooks-full", {"data.text": GONE, "data.media": []}),
        ("telnyx-stop", {"data.payload.text": GONE}),
        ("twilio-stop_with_flag", {"Body": GONE}),
    ],
}  # fmt: skip
"""Messages that come without words, by their kind."""


@pytest.mark.parametrize(
    ("name", "changes"), [case for cases in WORDLESS.values() for case in cases]
)
def test_a_kind_of_message_that_has_no_words_has_an_empty_text(name, changes) -> None:
    assert parsed(name, changes)[0].text == ""


def test_a_flag_without_a_text_still_says_what_it_says() -> None:
    (message,) = parsed("twilio-stop_with_flag", {"Body": GONE})
    assert message.flag is not None
    assert message.flag.stops


def test_every_provider_is_held_to_its_promise() -> None:
    promising = {VECTORS[name].provider for name in TEXTS}
    assert promising | NEVER_PROMISED == {*PROVIDERS}


# --- where the text of a format stands -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes", "text", "channel"),
    [
        ("infobip-stop", {"results.0.text": GONE, "results.0.message": [
            {"contentType": "image/jpeg", "url": "https://m.example/1"},
            {"contentType": "text/plain", "value": "STOP"}]}, "STOP", "mms"),
        ("infobip-stop", {"results.0.text": GONE, "results.0.message": [
            {"value": "please"}, {"contentType": "text/plain; charset=utf-8", "value": "stop"},
            {"contentType": "application/smil", "value": "<smil/>"}]}, "please\nstop", "mms"),
        ("vonage-stop", {"text": GONE, "channel": "mms", "message_type": "content", "content": [
            {"type": "image", "url": "https://m.example/1"}, {"type": "text", "text": "STOP"}]},
         "STOP", "mms"),
        ("vonage-stop", {"text": GONE, "channel": "mms", "message_type": "content", "content": [
            {"type": "image", "url": "https://m.example/1", "caption": "take me"},
            {"type": "text", "text": "off"}]}, "take me\noff", "mms"),
        ("twilio-whatsapp", {"Body": GONE, "ButtonText": "Stop promotions", "ButtonPayload": "x",
                             "MessageType": "button"}, "Stop promotions", "whatsapp"),
        ("twilio-whatsapp", {"Body": "", "ButtonText": "STOP"}, "STOP", "whatsapp"),
        ("messagebird-short_code_json", {"body": None, "message": "STOP"}, "STOP", "sms"),
        ("twilio-whatsapp", {"Body": "STOP", "ButtonText": "Stop promotions"}, "STOP", "whatsapp"),
    ],
)  # fmt: skip
def test_the_text_is_read_where_the_format_has_it(name, changes, text, channel) -> None:
    (message,) = parsed(name, changes)
    assert (message.text, message.channel) == (text, channel)


def test_media_of_parts_are_kept() -> None:
    parts = [{"url": "https://m.example/1"}, {"contentType": "text/plain", "value": "Hi"}]
    (message,) = parsed("infobip-stop", {"results.0.text": GONE, "results.0.message": parts})
    assert message.media == ("https://m.example/1",)
    content = [{"type": "image", "url": "https://m.example/2"}]
    (message,) = parsed("vonage-stop", {"message_type": "content", "content": content})
    assert message.media == ("https://m.example/2",)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("infobip-stop", {"results.0.text": GONE, "results.0.message": []}),
        ("infobip-stop", {"results.0.text": GONE, "results.0.message": [
            {"contentType": "application/smil", "value": "<smil/>"}]}),
        ("sinch-picture", {"body": {"media": []}}),
        ("sinch_conversation-stop", {"message.contact_message": {}}),
        ("sinch_conversation-stop", {"message.contact_message": GONE}),
        ("sinch_conversation-stop", {"message.contact_message": {"new_message": {"text": "STOP"}}}),
        ("bird_channels-stop", {"payload.body": GONE}),
        ("bird_channels-stop", {"payload.body": {"type": "text"}}),
        ("vonage-stop", {"text": GONE, "message_type": "content", "content": []}),
        ("vonage-stop", {"text": GONE, "message_type": GONE}),
        ("twilio-picture", {"Body": GONE, "MediaUrl0": GONE}),
        ("jasmin-stop", {"content": GONE, "binary": "no hex"}),
        ("form-json", {"data.text": {"body": "STOP"}}),
    ],
)  # fmt: skip
def test_no_words_and_nothing_else_is_no_empty_text(name, changes) -> None:
    with pytest.raises(TextMissing):
        parsed(name, changes)


# --- Kannel's post-url ---------------------------------------------------------------------------

KANNEL = VECTORS["kannel-stop"]
QUERY = "id=m-1&from=%2B14155550123&to=%2B14155550100&ts=1790000000"


def kannel(
    body: bytes, query: str = QUERY, type_: str = 'text/plain; charset="UTF-8"', **headers: str
) -> InboundMessage:
    """A text by post-url, as smsbox posts it (gw/smsbox.c)."""
    url = f"{KANNEL.request.url.partition('?')[0]}?{query}"
    named = {f"x-kannel-{name}": value for name, value in headers.items()}
    request = WebhookRequest("POST", url, {"content-type": type_, **named}, body)
    PROVIDERS["kannel"].verify(request, KANNEL.account, 0)
    (message,) = PROVIDERS["kannel"].parse(request, KANNEL.account)
    return message


@pytest.mark.parametrize(
    ("body", "type_", "headers", "text"),
    [
        (b"STOP", 'text/plain; charset="UTF-8"', {}, "STOP"),
        (b"STOP", "text/plain", {}, "STOP"),
        ("arrêt".encode(), 'text/plain; charset="UTF-8"', {}, "arrêt"),
        ("arrêt".encode("cp1252"), 'text/plain; charset="WINDOWS-1252"', {}, "arrêt"),
        ("СТОП 🛑".encode("utf-16-be"), 'text/plain; charset="UTF-16BE"', {}, "СТОП 🛑"),
        ("СТОП".encode("utf-16-be"), "application/octet-stream", {"coding": "2"}, "СТОП"),
        (b"", "text/plain", {}, ""),
        (b"text=other&x=1", "text/plain", {}, "text=other&x=1"),
    ],
)
def test_post_url_has_the_text_in_its_body(body, type_, headers, text) -> None:
    message = kannel(body, type_=type_, **headers)
    assert (message.text, message.message_id) == (text, "m-1")
    assert (message.number, message.sender) == ("+14155550123", "+14155550100")
    assert message.sent_us == 1_790_000_000_000_000


def test_post_url_has_in_headers_what_its_query_lacks() -> None:
    headers = {"from": "+14155550123", "to": "22395", "time": "2026-09-21 14:13:20"}
    message = kannel(b"STOP", "id=m-1", **headers)
    assert (message.number, message.sender) == ("+14155550123", "22395")
    assert message.sent_us == 1_790_000_000_000_000


@pytest.mark.parametrize("type_", ["text/xml", "application/x-www-form-urlencoded", ""])
def test_a_body_that_is_not_post_url_s_is_no_text(type_) -> None:
    with pytest.raises(TextMissing) as refused:
        kannel(b"<message><ud>STOP</ud></message>", type_=type_)
    assert "STOP" not in str(refused.value)


# --- batches -------------------------------------------------------------------------------------


# --- names ---------------------------------------------------------------------------------------


def request(body: bytes = b"", query: str = "", type_: str = "application/json") -> WebhookRequest:
    return WebhookRequest("POST", f"https://x.example/w?{query}", {"content-type": type_}, body)


FORM = "application/x-www-form-urlencoded"
NAMES: list[tuple[WebhookRequest, tuple[str, ...]]] = [
    (request(b'{"b": 1, "a": {"c": [{"d": 2}, {"e": {}}]}, "f": ["x"]}'),
     ("a.c.d", "a.c.e", "b", "f")),
    (request(b"b=1&a=2&a=3&c", type_=FORM), ("a", "b")),
    (request(query="to=1&from=2"), ("from", "to")),
    (request(b'{"+14155550123": 1, "my pin is 1234": 2, "text\\u0000": 3}'), ("•••",)),
    (request(b"%2B14155550123=1&Please+stop=2", type_=FORM), ("•••",)),
    (request(b"STOP texting me", type_=FORM), ()),
    (request(b"Please stop", type_="text/plain"), ()),
    (request(b'"STOP"'), ()),
    (request(b"[1, 2]"), ()),
    (request(b"{"), ()),
    (request(b'{"a":' * 500 + b"1" + b"}" * 500), ("a.a.a.a",)),
    # So deep that no version of Python reads it.
    (request(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), ()),
    (request(b'{"a":{"a":{"a":{"a":{"secret":1}}}}}'), ("a.a.a.a",)),
    (request(b'{"' + b"a" * 100 + b'": 1}'), ("•••",)),
    (request(b'{"<script>alert(1)</script>": 1, "\\u202eSTOP": 2}'), ("•••",)),
]  # fmt: skip


@pytest.mark.parametrize(("one", "names"), NAMES)
def test_names_are_shown_and_nothing_else(one, names) -> None:
    assert field_names(one) == names


def letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


@pytest.mark.parametrize(
    "make",
    [
        lambda names: request(json.dumps(dict.fromkeys(names, 1)).encode()),
        lambda names: request("&".join(f"{name}=1" for name in names).encode(), type_=FORM),
    ],
)
def test_the_sentence_is_bounded_whatever_comes(
    make: Callable[[list[str]], WebhookRequest],
) -> None:
    error = TextMissing(
        "text", field_names(make([f"{letters(number)}{'x' * 30}" for number in range(9000)]))
    )
    assert len(error.names) == 30
    assert len(str(error)) < 1500
