"""Event Streams: the same texts, and what became of ours, as a batch of CloudEvents in JSON.

twilio.com/docs/events/event-types/messaging (inbound-message, outbound-message). The signature
covers the URL, whose ``bodySHA256`` covers the body: so the time of an event is signed. Its
``datacontenttype`` may be a date (Twilio's own example has one) and is not looked at.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.providers.contract import GivenText, json_parts, read_json, readable

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


_EVENT = msgspec.json.Decoder(_Event)
_TEXT = msgspec.json.Decoder(Text)


def events_in(body: bytes) -> list[bytes]:
    """Return the events of a batch, or the single one. Raises ``Unreadable`` if it is no JSON."""
    return json_parts(body, "Event Streams")


def text_to_us(event: bytes) -> Text | None:
    """Return the text of an event if it came in; None for events of other kinds.

    Raises ``Unreadable`` for what is no event, for one of a text of ours that cannot be read, and
    for a text to us that lacks messageSid, from or to.
    """
    found = _event(event)
    if found.type != _RECEIVED and not found.type.startswith(_SENT):
        return None
    text = _text(found)
    if found.type != _RECEIVED:
        return None
    if not (text.message_sid and text.from_ and text.to):
        raise Unreadable("An event lacks messageSid, from or to; a text from Twilio has them all.")
    return text


def text_of_ours(event: bytes) -> tuple[str, Text] | None:
    """Return what became of a text of ours, and the text; None for events of other kinds.

    Raises ``Unreadable``.
    """
    found = _event(event)
    status = found.type.removeprefix(_SENT)
    return None if status == found.type else (status, _text(found))


def accounts(body: bytes) -> set[str]:
    """Return the accounts that events name, as far as they can be read. Never raises.

    What cannot be read names none; nor is it ever taken for a text.
    """
    try:
        events = events_in(body)
    except Unreadable:
        return set()
    return set(readable(events, _account)) - {""}


def _account(event: bytes) -> str:
    return _text(_event(event)).account_sid


def _event(event: bytes) -> _Event:
    found = read_json(event, _EVENT, "Event Streams")
    if not found.type:
        raise Unreadable("The JSON is no CloudEvent: it has no type.")
    return found


def _text(event: _Event) -> Text:
    return read_json(bytes(event.data), _TEXT, "Event Streams")
