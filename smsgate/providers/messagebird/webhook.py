"""What MessageBird's webhook says: a text to us, or the fate of one of ours. And the way back.

It calls with GET or POST; the fields stand in the query, in a form or in JSON. All of these are
signed. A text to a number has ``id``, ``recipient`` and ``body``; one to a short code has ``mid``,
``shortcode`` and ``message`` instead, and a time whose zone is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import as_bytes, form_pairs, form_texts, instant_us, iso_time
from smsgate.providers.contract import (
    GivenText,
    Report,
    fate_in,
    known_of,
    promised_text,
    read_json,
)
from smsgate.providers.messagebird.signature import sign
from smsgate.settings import Account

# docs.bird.com, "SMS Platform Extended Error Codes": unknown subscriber, opted out.
_REPORTED: Mapping[str, tuple[str, str]] = {
    "1": ("unreachable", "no network has such a subscriber"),
    "5": ("unreachable", "the subscriber cannot be identified"),
    "9": ("unreachable", "the network bars the subscriber"),
    "11": ("unreachable", "the subscriber has no SMS"),
    "103": ("opted_out", "the number has opted out at MessageBird"),
}
_FATES = {
    "delivered": "delivered",
    "delivery_failed": "undelivered",
    "expired": "undelivered",
}


class _Fields(msgspec.Struct):
    """A received SMS; with a status, a report on one that was sent."""

    id: str = ""
    originator: str | int = ""
    recipient: str | int = ""
    body: GivenText = UNSET
    mid: str | int = ""
    shortcode: str | int = ""
    message: GivenText = UNSET
    createdDatetime: str = ""  # noqa: N815
    status: str = ""
    statusErrorCode: str | int | None = None  # noqa: N815


_FIELDS = msgspec.json.Decoder(_Fields)
_READ = frozenset(_Fields.__struct_fields__)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for a status report.

    Raises ``Unreadable`` for what is no UTF-8, or lacks id, originator or recipient, and
    ``TextMissing`` where it has neither body nor message.
    """
    fields = _fields(request)
    text = fields.body or fields.message
    text = fields.body if text is UNSET else text
    if fields.status and not isinstance(text, str):
        return []
    id_, recipient = fields.id or fields.mid, fields.recipient or fields.shortcode
    if not (id_ and fields.originator and recipient):
        raise Unreadable(
            "The request lacks id, originator or recipient, or of a text to a short code mid, "
            "originator or shortcode; a text from MessageBird has them all."
        )
    return [
        InboundMessage(
            account=account.name,
            message_id=str(id_),
            number=with_plus(str(fields.originator)),
            sender=with_plus(str(recipient)),
            text=promised_text(text, "body or message", request),
            sent_us=instant_us(fields.createdDatetime),
        )
    ]


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of a text of ours."""
    fields = _fields(request)
    code = str(fields.statusErrorCode or "")
    kind, note = known_of(code, _REPORTED)
    fate = fate_in(fields.status, _FATES, kind if kind == "opted_out" else "")
    if not (fields.status and fate):
        return []
    number, sender = with_plus(str(fields.recipient)), with_plus(str(fields.originator))
    return [Report(fields.id, number, sender, kind, code, note, fate=fate)]


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the form by which MessageBird would post ``message`` to ``url``, correctly signed."""
    sent_us = message.sent_us or 0
    form = {
        "id": message.message_id,
        "originator": message.number.removeprefix("+"),
        "recipient": message.sender.removeprefix("+"),
        "body": message.text,
        "createdDatetime": iso_time(sent_us),
    }
    body = urlencode(form, errors="replace").encode("ascii")
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return WebhookRequest("POST", url, headers | sign(url, body, account, sent_us), body)


def _fields(request: WebhookRequest) -> _Fields:
    if "json" in request.headers.get("content-type", "").lower():
        return read_json(request.body, _FIELDS, "MessageBird")
    raw = request.body or as_bytes(request.query)
    return msgspec.convert(form_texts(form_pairs(raw), _READ), _Fields)
