"""Twilio's Event Streams: texts, and what became of ours, as a batch of CloudEvents in JSON.

twilio.com/docs/events/event-types/messaging, read in November 2026. The signature covers the URL,
whose ``bodySHA256`` covers the body: so the time of an event is signed. Its ``datacontenttype`` may
be a date (Twilio's own example has one) and is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.signing import as_bytes
from smsgate.providers.base import GivenText
from smsgate.providers.reading import json_parts, read_json, readable

_RECEIVED = "com.twilio.messaging.inbound-message.received"
_SENT = "com.twilio.messaging.message."


class EventText(msgspec.Struct, rename="camel"):
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


def events_of(body: bytes) -> list[bytes]:
    """The events of a batch, or of a body that has one. Raises ``Unreadable``."""
    return json_parts(body, "Event Streams")


def text_to_us(part: bytes) -> EventText | None:
    """The text of an event if it came in; None for events of other kinds.

    Raises ``Unreadable`` for what is no event, and for one of a text of ours that cannot be read.
    """
    event = _event(part)
    if event.type != _RECEIVED and not event.type.startswith(_SENT):
        return None
    text = _text(event)
    if event.type != _RECEIVED:
        return None
    return text


def texts_of_ours(body: bytes) -> Iterator[tuple[str, EventText]]:
    """What became of texts of ours, and these texts; events of other kinds are left out."""
    for event in readable(events_of(body), _event):
        status = event.type.removeprefix(_SENT)
        if status != event.type:
            with suppress(Unreadable):
                yield status, _text(event)


def account_sids(body: bytes) -> set[bytes]:
    """The accounts that the events name.

    An event that cannot be read names none; nor is it ever taken for a text.
    """
    try:
        texts = [*readable(events_of(body), lambda part: _text(_event(part)))]
    except Unreadable:
        return set()
    return {as_bytes(text.account_sid) for text in texts if text.account_sid}


def _event(part: bytes) -> _Event:
    found = read_json(part, _Event, "Event Streams")
    if not found.type:
        raise Unreadable("The JSON is no CloudEvent: it has no type.")
    return found


def _text(event: _Event) -> EventText:
    return read_json(bytes(event.data), EventText, "Event Streams")
