"""Twilio's Event Streams: texts, and what became of ours, as a batch of CloudEvents in JSON.

twilio.com/docs/events/event-types/messaging, read in November 2026. The signature covers the URL,
whose ``bodySHA256`` covers the body: so the time of an event is signed. Its ``datacontenttype`` may
be a date (Twilio's own example has one) and is not looked at.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.signing import as_bytes
from smsgate.providers.base import GivenText
from smsgate.providers.reading import json_parts, read_json, readable

RECEIVED = "com.twilio.messaging.inbound-message.received"
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


def read_event(part: bytes) -> tuple[str, EventText]:
    """The kind of an event and its text: ``RECEIVED``, or what became of one of ours.

    Of other events the kind is empty. Raises ``Unreadable`` for what is no event, and for a text
    that cannot be read.
    """
    event = read_json(part, _Event, "Event Streams")
    if not event.type:
        raise Unreadable("The JSON is no CloudEvent: it has no type.")
    status = event.type.removeprefix(_SENT)
    if event.type != RECEIVED and status == event.type:
        return "", EventText()
    return status, read_json(bytes(event.data), EventText, "Event Streams")


def account_sids(body: bytes) -> set[bytes]:
    """The accounts that the events name. Raises ``Unreadable``.

    An event that cannot be read names none; nor is it ever taken for a text.
    """
    texts = [text for _, text in readable(events_of(body), read_event)]
    return {as_bytes(text.account_sid) for text in texts if text.account_sid}
