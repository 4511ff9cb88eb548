"""Event Streams: the same texts, and what became of ours, as a batch of CloudEvents in JSON.

twilio.com/docs/events/event-types/messaging (inbound-message, outbound-message). The signature
covers the URL, whose ``bodySHA256`` covers the body: so the time of an event is signed. Its
``datacontenttype`` may be a date (Twilio's own example has one) and is not looked at.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from smsgate.errors import Unreadable
from smsgate.providers.contract import GivenText, read_json

_RECEIVED = "com.twilio.messaging.inbound-message.received"
_SENT = "com.twilio.messaging.message."


class Text(msgspec.Struct, rename="camel"):
    """``data`` of an event about a text, to us or of ours."""

    message_sid: str = ""
    account_sid: str = ""
    messaging_service_sid: str | None = None
    from_: str = msgspec.field(default="", name="from")
    to: str = ""
    body: GivenText = UNSET
    num_media: int | str = 0
    timestamp: str = ""
    opt_out_type: str | None = None
    error_code: int | str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


_EVENTS: msgspec.json.Decoder[list[_Event] | _Event] = msgspec.json.Decoder(list[_Event] | _Event)
_TEXT = msgspec.json.Decoder(Text)


def texts_to_us(body: bytes) -> list[Text]:
    """Return the texts that came in; events of other kinds are passed over.

    Raises ``Unreadable`` for what is no event, or lacks messageSid, from or to.
    """
    texts = [_text(event) for event in _events(body) if event.type == _RECEIVED]
    if not all(text.message_sid and text.from_ and text.to for text in texts):
        raise Unreadable("An event lacks messageSid, from or to; a text from Twilio has them all.")
    return texts


def texts_of_ours(body: bytes) -> list[tuple[str, Text]]:
    """Return what is told of texts of ours, with what became of each. Raises ``Unreadable``."""
    return [
        (event.type.removeprefix(_SENT), _text(event))
        for event in _events(body)
        if event.type.startswith(_SENT)
    ]


def accounts(body: bytes) -> set[str]:
    """Return the accounts that events name, as far as they can be read. Never raises."""
    try:
        found = _read(body)
    except Unreadable:
        return set()
    return {_account(event) for event in found} - {""}


def _account(event: _Event) -> str:
    """What cannot be read names none; nor is it ever taken for a text."""
    try:
        return _text(event).account_sid
    except Unreadable:
        return ""


def _events(body: bytes) -> list[_Event]:
    events = _read(body)
    if not all(event.type for event in events):
        raise Unreadable("The JSON is no CloudEvent: it has no type.")
    return events


def _read(body: bytes) -> list[_Event]:
    found = read_json(body, _EVENTS, "Event Streams")
    return found if isinstance(found, list) else [found]


def _text(event: _Event) -> Text:
    return read_json(bytes(event.data), _TEXT, "Event Streams")
