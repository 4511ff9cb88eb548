"""What Infobip's webhooks say: texts to us, delivery reports. And the way back.

SMS come as MO_JSON_2, with ``text``; MMS as MO_MMS_2, with ``message``: a list of segments, words
in ``value`` and pictures in ``url`` (infobip.com/docs/api/channels/mms, Receive inbound MMS
messages).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import instant_us, iso_time
from smsgate.providers.contract import (
    GivenText,
    Report,
    known_of,
    parts_of,
    promised_text,
    read_each,
    read_json,
    readable,
)
from smsgate.providers.infobip.signature import sign
from smsgate.settings import Account

_FATES = {2: "undelivered", 3: "delivered", 4: "undelivered", 5: "failed"}
"""By group of status: undeliverable, delivered, expired, rejected. The first one is pending."""
_REPORTED: Mapping[str, tuple[str, str]] = {
    "REJECTED_DESTINATION_BLOCKLISTED": ("opted_out", "the number is on a blocklist"),
    "EC_UNKNOWN_SUBSCRIBER": ("unreachable", "no network has such a subscriber"),
    "EC_ILLEGAL_SUBSCRIBER": ("unreachable", "the network bars the subscriber"),
    "EC_TELESERVICE_NOT_PROVISIONED": ("unreachable", "the subscriber has no SMS"),
}


class Status(msgspec.Struct, rename="camel"):
    """A status or an error of Infobip, by its name."""

    group_id: int = 0
    name: str = ""


class Segment(msgspec.Struct, rename="camel"):
    """A part of an MMS: words, or a picture."""

    content_type: str | None = None
    value: GivenText = UNSET
    url: str | None = None


class Result(msgspec.Struct, rename="camel"):
    """A text to us, or, with a status, a delivery report; ``sender`` is ``from`` in both."""

    message_id: str = ""
    sender: str | None = msgspec.field(name="from", default=None)
    to: str = ""
    text: GivenText = UNSET
    message: list[Segment] | None = None
    received_at: str = ""
    status: Status | None = None
    error: Status | None = None


class _Results(msgspec.Struct):
    results: list[msgspec.Raw]


_RESULTS = msgspec.json.Decoder(_Results)
_RESULT = msgspec.json.Decoder(Result)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the texts in a verified webhook; none for delivery reports.

    Whatever verifies vouches for the whole request, ``basic`` too, and so for the times in it.
    Raises ``Unreadable`` for what is neither MO_JSON_2 nor MO_MMS_2, ``PartUnreadable`` where one
    of the results cannot be read or lacks an id, a sender or a receiver (Infobip repeats all of a
    batch or nothing), and ``TextMissing`` where one lacks its words.
    """
    return read_each(_results(request), lambda result: _inbound(result, request, account))


def _results(request: WebhookRequest) -> list[bytes]:
    return parts_of(read_json(request.body, _RESULTS, "Infobip").results, "Infobip")


def _result(part: bytes) -> Result:
    return read_json(part, _RESULT, "Infobip")


def _inbound(part: bytes, request: WebhookRequest, account: Account) -> InboundMessage | None:
    text = _result(part)
    if text.status is not None:
        return None
    if not (text.message_id and text.sender and text.to):
        raise Unreadable("A result lacks messageId, from or to; a text from Infobip has them all.")
    given, media = _said(text)
    return InboundMessage(
        account=account.name,
        message_id=text.message_id,
        number=with_plus(text.sender or ""),
        sender=with_plus(text.to),
        text=promised_text(given, "text or message[].value", request, optional=bool(media)),
        channel="mms" if text.message else "sms",
        sent_us=instant_us(text.received_at),
        media=media,
    )


def _said(text: Result) -> tuple[GivenText, tuple[str, ...]]:
    """The words, of an MMS those of its text segments, a line each; and the pictures."""
    segments = text.message or []
    media = tuple(segment.url for segment in segments if segment.url)
    words = [
        segment.value or ""
        for segment in segments
        if segment.value is not UNSET
        and (segment.content_type or "text/").lower().startswith("text/")
    ]
    given = "\n".join(words) if words else UNSET
    return (given if text.text is UNSET else text.text), media


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of texts of ours."""
    return [
        _report(result, result.status)
        for result in readable(_results(request), _result)
        if result.status is not None and result.status.group_id in _FATES
    ]


def _report(result: Result, status: Status) -> Report:
    names = [one.name for one in (status, result.error) if one is not None]
    code = next((name for name in names if name in _REPORTED), names[-1])
    kind, note = known_of(code, _REPORTED)
    return Report(
        message_id=result.message_id,
        number=with_plus(result.to),
        sender=with_plus(result.sender or ""),
        kind=kind,
        code=code,
        note=note,
        fate=_FATES[status.group_id],
    )


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Infobip would post ``message`` to ``url``, correctly signed."""
    sent_us = message.sent_us or 0
    text = {
        "messageId": message.message_id,
        "from": message.number.removeprefix("+"),
        "to": message.sender.removeprefix("+"),
        "text": message.text,
        "cleanText": message.text,
        "keyword": None,
        "receivedAt": iso_time(sent_us).replace("Z", "+0000"),
        "smsCount": 1,
        "callbackData": None,
    }
    body = msgspec.json.encode({"results": [text], "messageCount": 1, "pendingMessageCount": 0})
    headers = {"content-type": "application/json", **sign(body, account, sent_us)}
    return WebhookRequest("POST", url, headers, body)
