"""What Vonage's webhook says: the text, or what became of one of ours. And the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import instant_us, iso_time
from smsgate.providers.contract import (
    GivenText,
    Report,
    check_present,
    known_of,
    promised_text,
    read_json,
)
from smsgate.providers.vonage.signature import sign
from smsgate.settings import Account

_CHANNELS = frozenset({"sms", "mms", "whatsapp", "rcs"})
_KINDS = ("image", "video", "audio", "file", "vcard")
_SPOKEN = frozenset({"", "text", "button", "reply", "content"})
"""Kinds of message that have words; ``content`` where it has no media."""
_FATES = {
    "delivered": "delivered",
    "undeliverable": "undelivered",
    "rejected": "failed",
    "failed": "failed",
}
_REPORTED: Mapping[str, tuple[str, str]] = {
    "9": ("opted_out", "the number has opted out of texts from this sender"),
    "1050": ("unreachable", "the number is barred"),
    "1170": ("unreachable", "there is no such number"),
}
"""Codes of a status. Which one says that a number opted out is not published for this API; the
page on opted-out numbers names 9, for the SMS API."""


class _Part(msgspec.Struct):
    """A medium with its caption, or what somebody chose from buttons or a list."""

    url: str = ""
    caption: GivenText = UNSET
    text: GivenText = UNSET
    title: GivenText = UNSET


class _Error(msgspec.Struct):
    type: str = ""
    title: str | int = ""


class _Event(msgspec.Struct, rename={"from_": "from"}):
    """An inbound message, or the status of one of ours, which has ``status``."""

    message_uuid: str = ""
    to: str = ""
    from_: str = ""
    channel: str = "sms"
    timestamp: str = ""
    message_type: str = ""
    text: GivenText = UNSET
    status: str = ""
    image: _Part | None = None
    video: _Part | None = None
    audio: _Part | None = None
    file: _Part | None = None
    vcard: _Part | None = None
    button: _Part | None = None
    reply: _Part | None = None
    content: list[_Part] | None = None
    """Of an MMS with several parts: words and media, each a part."""
    error: _Error | None = None


_EVENT = msgspec.json.Decoder(_Event)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for a status, or for a chat without numbers.

    Raises ``Unreadable`` for what is no JSON of that shape, or lacks message_uuid, from or to, and
    ``TextMissing`` where a message of a kind that has words has none.
    """
    event = read_json(request.body, _EVENT, "Vonage")
    if event.status or event.channel not in _CHANNELS:
        return []
    needed = {"message_uuid": event.message_uuid, "from": event.from_, "to": event.to}
    check_present("The JSON", needed, needed, "a message")
    parts = [part for kind in _KINDS if (part := getattr(event, kind)) is not None]
    parts += event.content or ()
    media = tuple(part.url for part in parts if part.url)
    wordless = bool(media) or event.message_type not in _SPOKEN
    return [
        InboundMessage(
            account=account.name,
            message_id=event.message_uuid,
            number=with_plus(event.from_),
            sender=with_plus(event.to),
            text=promised_text(_words(event, parts), "text", request, optional=wordless),
            channel=event.channel,
            sent_us=instant_us(event.timestamp),
            media=media,
        )
    ]


def _words(event: _Event, parts: list[_Part]) -> GivenText:
    """What a message says: its text, else its captions and parts, else the chosen button.

    Words of several parts stand in a line each. ``UNSET`` where there is no field for words.
    """
    spoken = [*parts, *(part for part in (event.button, event.reply) if part)]
    given = [words for part in spoken for words in (part.text, part.caption, part.title)]
    given = [words for words in given if words is not UNSET]
    if event.text or not given:
        return event.text
    return "\n".join(words for words in given if words)


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of a text of ours."""
    event = read_json(request.body, _EVENT, "Vonage")
    code = _code(event.error)
    fate = _FATES.get(event.status, "")
    if not fate:
        return []
    kind, note = known_of(code, _REPORTED)
    return [
        Report(
            message_id=event.message_uuid,
            number=with_plus(event.to),
            sender=with_plus(event.from_),
            kind=kind,
            code=code,
            note=note,
            fate=fate,
        )
    ]


def _code(error: _Error | None) -> str:
    """The 1170 of ``…/api-errors/messages#1170``, or else of the title."""
    if error is None:
        return ""
    return error.type.rpartition("#")[2] if "#" in error.type else str(error.title)


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Vonage would post ``message``, signed at ``message.sent_us``."""
    sent_us = message.sent_us or 0
    event: dict[str, object] = {
        "to": message.sender.removeprefix("+"),
        "from": message.number.removeprefix("+"),
        "channel": message.channel,
        "message_uuid": message.message_id,
        "timestamp": iso_time(sent_us),
        "message_type": "text",
        "text": message.text.encode(errors="replace").decode(),
    }
    if message.media:
        event["image"] = {"url": message.media[0]}
    body = json.dumps(event, ensure_ascii=False).encode()
    headers = {
        "content-type": "application/json",
        **sign(body, account, message.message_id, sent_us),
    }
    return WebhookRequest("POST", url, headers, body)
