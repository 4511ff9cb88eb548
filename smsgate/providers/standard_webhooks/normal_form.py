"""Our own form of a text and of its fate, as the body of a Standard Webhook."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import InboundMessage, Intent, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import instant_us, iso_time
from smsgate.providers.contract import (
    GivenText,
    Report,
    answered_by_network,
    known_of,
    promised_text,
    read_json,
)
from smsgate.providers.standard_webhooks.signature import sign
from smsgate.settings import Account

_CHANNELS = frozenset({"sms", "mms", "whatsapp", "rcs"})
_FLAGS = {one.value: one for one in (Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP)}
_FATES = {
    "sms.delivered": "delivered",
    "sms.undelivered": "undelivered",
    "sms.failed": "failed",
}
_REPORTED = {
    "opted_out": ("opted_out", "the gateway will not text this number: it has opted out"),
    "unreachable": ("unreachable", "the gateway cannot reach this number for good"),
}


class _Data(msgspec.Struct):
    id: str = ""
    number: str = msgspec.field(name="from", default="")
    to: str = ""
    text: GivenText = UNSET
    received_at: str = ""
    channel: str = "sms"
    service: str = ""
    flag: str = ""
    media: list[str] = []
    reason: str = ""
    code: str | int = ""


class _Envelope(msgspec.Struct):
    type: str
    data: msgspec.Raw
    timestamp: str = ""


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_DATA = msgspec.json.Decoder(_Data)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook of type ``sms.received``; none for other types.

    Raises ``Unreadable`` for what is not our form or lacks id, from or to, and ``TextMissing``
    where a message without media or flag lacks its text.
    """
    envelope = read_json(request.body, _ENVELOPE, "The gateway")
    if envelope.type != "sms.received":
        return []
    data = read_json(bytes(envelope.data), _DATA, "The gateway")
    if not (data.id and data.number and data.to):
        raise Unreadable("The data lacks id, from or to; a text must have them all.")
    flag = _FLAGS.get(data.flag)
    wordless = bool(data.media or flag)
    return [
        InboundMessage(
            account=account.name,
            message_id=data.id,
            number=with_plus(data.number),
            sender=with_plus(data.to),
            text=promised_text(data.text, "text", request, optional=wordless),
            channel=data.channel if data.channel in _CHANNELS else "sms",
            service=data.service,
            flag=flag,
            sent_us=instant_us(data.received_at or envelope.timestamp),
            media=tuple(data.media),
        )
    ]


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of a text of ours, from a webhook of a type in ``_FATES``."""
    envelope = read_json(request.body, _ENVELOPE, "The gateway")
    if envelope.type not in _FATES:
        return []
    data = read_json(bytes(envelope.data), _DATA, "The gateway")
    kind, note = known_of(data.reason, _REPORTED)
    number, sender, fate = with_plus(data.to), with_plus(data.number), _FATES[envelope.type]
    return [Report(data.id, number, sender, kind, str(data.code), note, data.service, fate)]


def answered(message: InboundMessage) -> str:
    """Say who answers this very message without us: ``provider``, ``network`` or ``""``.

    A flag says that the gateway took care of the text itself.
    """
    if answered_by_network(message):
        return "network"
    return "provider" if message.flag is not None else ""


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the signed webhook by which a gateway would post ``message`` at its ``sent_us``.

    Raises ``AccountNotReady`` for scheme v1a without ``signing_key``.
    """
    at_us = message.sent_us or 0
    data = {"id": message.message_id, "from": message.number, "to": message.sender}
    data |= {"text": message.text, "received_at": iso_time(at_us), "channel": message.channel}
    flag = message.flag.value if message.flag else ""
    body = msgspec.json.encode({
        "type": "sms.received",
        "timestamp": iso_time(at_us),
        "data": {**data, "service": message.service, "flag": flag, "media": message.media},
    })  # fmt: skip
    headers = sign(message.message_id, at_us // 1_000_000, body, account)
    return WebhookRequest("POST", url, {"content-type": "application/json", **headers}, body)
