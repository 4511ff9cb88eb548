"""What Telnyx's webhook says: the text, who answers it without us, the fate of ours."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import InboundMessage, Intent, WebhookRequest
from smsgate.domain.signing import instant_us, iso_time
from smsgate.providers.contract import (
    GivenText,
    Report,
    answered_by_network,
    fate_in,
    known_of,
    promised_text,
    read_json,
)
from smsgate.providers.telnyx.signature import sign
from smsgate.settings import Account

_FLAGS = {"STOP": Intent.OPT_OUT, "START": Intent.OPT_IN, "HELP": Intent.HELP}
_FLAG_NAMES = {intent: name for name, intent in _FLAGS.items()}
_CHANNELS = {"MMS": "mms", "RCS": "rcs", "WHATSAPP": "whatsapp"}
# What a messaging profile without rules of its own answers; the whole text, ignoring case. That
# blanks around it do not matter is not documented: one confirmation too many is refused (40300).
_ANSWERED = frozenset(
    {"STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "START", "UNSTOP"}
)
_FATES = {
    "delivered": "delivered",
    "delivery_failed": "undelivered",
    "sending_failed": "failed",
}
_REPORTED: Mapping[str, tuple[str, str]] = {
    "40001": ("unreachable", "a landline, or not routable"),
    "40012": ("unreachable", "the carrier does not know the number or it is out of service"),
    "40300": ("opted_out", "the number has sent STOP to this messaging profile"),
    "40310": ("unreachable", "no number that can be texted"),
}


class _Party(msgspec.Struct):
    phone_number: str = ""
    status: str = ""


class _Media(msgspec.Struct):
    url: str = ""


class _Error(msgspec.Struct):
    code: str | int = ""


class _Text(msgspec.Struct):
    id: str = ""
    type: str = ""
    sender: _Party = msgspec.field(name="from", default_factory=_Party)
    to: list[_Party] = []
    text: GivenText = UNSET
    media: list[_Media] | None = None
    errors: list[_Error] | None = None
    messaging_profile_id: str | None = None
    autoresponse_type: str | None = None
    received_at: str | None = None


class _Event(msgspec.Struct):
    event_type: str
    payload: msgspec.Raw
    occurred_at: str = ""


class _Envelope(msgspec.Struct):
    data: _Event


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_TEXT = msgspec.json.Decoder(_Text)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for the fate of a text of ours.

    Raises ``Unreadable`` for what is not Telnyx's JSON or lacks id, from or to, and ``TextMissing``
    where a message without media or flag lacks its text.
    """
    event = read_json(request.body, _ENVELOPE, "Telnyx").data
    if event.event_type != "message.received":
        return []
    text = read_json(bytes(event.payload), _TEXT, "Telnyx")
    number, sender = text.sender.phone_number, _our_number(text)
    if not (text.id and number and sender):
        raise Unreadable("The payload lacks id, from or to; a text from Telnyx has them all.")
    media = tuple(one.url for one in text.media or () if one.url)
    flag = _FLAGS.get((text.autoresponse_type or "").upper())
    return [
        InboundMessage(
            account=account.name,
            message_id=text.id,
            number=number,
            sender=sender,
            text=promised_text(text.text, "text", request, optional=bool(media or flag)),
            channel="mms" if text.type.upper() == "MMS" else "sms",
            service=text.messaging_profile_id or "",
            flag=flag,
            sent_us=instant_us(text.received_at or event.occurred_at),
            media=media,
        )
    ]


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of a text of ours."""
    event = read_json(request.body, _ENVELOPE, "Telnyx").data
    if event.event_type != "message.finalized":
        return []
    text = read_json(bytes(event.payload), _TEXT, "Telnyx")
    codes = [str(error.code) for error in text.errors or ()]
    code = next((one for one in codes if one in _REPORTED), codes[0] if codes else "")
    kind, note = known_of(code, _REPORTED)
    return [
        Report(
            message_id=text.id,
            number=party.phone_number,
            sender=text.sender.phone_number,
            kind=kind,
            code=code,
            note=note,
            service=text.messaging_profile_id or "",
            fate=fate,
        )
        for party in text.to
        if (fate := fate_in(party.status, _FATES, kind))
    ]


def answered(message: InboundMessage) -> str:
    """Say who answers this very message without us: ``provider``, ``network`` or ``""``."""
    if answered_by_network(message):
        return "network"
    exact = message.text.upper() in _ANSWERED
    return "provider" if message.flag is not None or exact else ""


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Telnyx would post ``message`` at its ``sent_us``.

    Raises ``AccountNotReady`` where the account has no ``signing_key``.
    """
    sent_us = message.sent_us or 0
    payload = {
        "direction": "inbound",
        "from": {"phone_number": message.number},
        "id": message.message_id,
        "media": [{"url": media} for media in message.media],
        "messaging_profile_id": message.service,
        "received_at": iso_time(sent_us),
        "record_type": "message",
        "text": message.text,
        "to": [{"phone_number": message.sender, "status": "webhook_delivered"}],
        "type": "MMS" if message.channel == "mms" else "SMS",
    }
    if message.flag in _FLAG_NAMES:
        payload["autoresponse_type"] = _FLAG_NAMES[message.flag]
    event = {"event_type": "message.received", "occurred_at": iso_time(sent_us), "payload": payload}
    body = msgspec.json.encode({"data": event})
    headers = {"content-type": "application/json", **sign(sent_us // 1_000_000, body, account)}
    return WebhookRequest("POST", url, headers, body)


def _our_number(text: _Text) -> str:
    """Whom the text was for; in a group, the number that the webhook is about."""
    delivered = [party for party in text.to if party.status == "webhook_delivered"]
    return next((party.phone_number for party in delivered or text.to), "")
