"""What Bird's webhooks say, and whether they are Bird's. And the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.signing import as_bytes, check_time, hmac_base64, instant_us, iso_time, same
from smsgate.providers.contract import GivenText, Report, known_of, promised_text, read_json
from smsgate.settings import Account

_SIGNATURE = "messagebird-signature"
_TIME = "messagebird-request-timestamp"
_REPORTED: Mapping[str, tuple[str, str]] = {  # The extended codes of "unknown subscriber".
    "1": ("unreachable", "no network has such a subscriber"),
    "5": ("unreachable", "the subscriber cannot be identified"),
    "9": ("unreachable", "the network bars the subscriber"),
    "11": ("unreachable", "the subscriber has no SMS"),
}
_FATES = {"delivered": "delivered", "delivery_failed": "undelivered", "sending_failed": "failed"}


class _Contact(msgspec.Struct, rename="camel"):
    identifier_value: str = ""


class _Contacts(msgspec.Struct):
    contact: _Contact = msgspec.field(default_factory=_Contact)
    contacts: list[_Contact] = []


class _Image(msgspec.Struct, rename="camel"):
    media_url: str = ""


class _Content(msgspec.Struct):
    text: GivenText = UNSET
    images: list[_Image] = []


class _Body(msgspec.Struct):
    type: str = ""
    text: _Content = msgspec.field(default_factory=_Content)
    image: _Content = msgspec.field(default_factory=_Content)


class _Source(msgspec.Struct):
    code: str = ""


class _Failure(msgspec.Struct):
    source: _Source = msgspec.field(default_factory=_Source)


class _Text(msgspec.Struct, rename="camel"):
    id: str = ""
    channel_id: str = ""
    direction: str = ""
    sender: _Contacts = msgspec.field(default_factory=_Contacts)
    receiver: _Contacts = msgspec.field(default_factory=_Contacts)
    body: _Body = msgspec.field(default_factory=_Body)
    created_at: str = ""
    status: str = ""
    failure: _Failure | None = None


class _Event(msgspec.Struct):
    event: str
    payload: msgspec.Raw


_EVENT = msgspec.json.Decoder(_Event)
_TEXT = msgspec.json.Decoder(_Text)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if Bird signed time, URL and body with a key of this account, within 300 s.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    given, time = request.headers.get(_SIGNATURE, ""), request.headers.get(_TIME, "")
    if not (time.isascii() and time.isdigit()):
        raise SignatureRefused(f"The request lacks {_TIME}, or it is no time in seconds.")
    keys = [key.value for key in account.secrets.get("signing_key", ()) if key.value]
    expected = [_signature(request.url, request.body, time, key) for key in keys]
    if not any(same(given, one) for one in expected):
        raise SignatureRefused(
            f"The {_SIGNATURE} does not fit time, URL and body; the URL must be the public one, "
            "exactly as the subscription has it."
        )
    check_time(int(time[:15]) * 1_000_000, now_us)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for other events.

    Bird names the channel that was texted, not its number: the account knows that. Raises
    ``Unreadable`` for what is not Bird's JSON or lacks an id, a sender or a channel, and
    ``TextMissing`` where the body is of type text and has none.
    """
    text = _text(request, "sms.inbound")
    if text is None or text.direction == "outgoing":
        return []
    number = text.sender.contact.identifier_value
    if not (text.id and number and text.channel_id):
        raise Unreadable("The payload lacks id, channelId or the sender's identifierValue.")
    ours = text.channel_id == account.options.get("channel_id")
    media = tuple(image.media_url for image in text.body.image.images if image.media_url)
    given = text.body.text.text or text.body.image.text
    given = text.body.text.text if given is UNSET else given
    wordless = bool(media) or text.body.type not in ("", "text")
    return [
        InboundMessage(
            account=account.name,
            message_id=text.id,
            number=number,
            sender=account.options["number"] if ours else text.channel_id,
            text=promised_text(given, "body.text.text", request, optional=wordless),
            channel="mms" if media else "sms",
            service=text.channel_id,
            sent_us=instant_us(text.created_at),
            media=media,
        )
    ]


def reports(request: WebhookRequest, account: Account) -> list[Report]:
    """Return what became of a text of ours."""
    text = _text(request, "sms.outbound")
    if text is None or text.status not in _FATES:
        return []
    code = text.failure.source.code if text.failure else ""
    kind, note = known_of(code, _REPORTED)
    return [
        Report(
            message_id=text.id,
            number=one.identifier_value,
            sender=account.options["number"],
            kind=kind,
            code=code,
            note=note,
            service=text.channel_id,
            fate=_FATES[text.status],
        )
        for one in text.receiver.contacts
    ]


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Bird would post ``message`` to ``url``, correctly signed."""
    sent_us = message.sent_us or 0
    content: dict[str, object] = {"type": "text", "text": {"text": message.text}}
    if message.media:
        images = [{"mediaUrl": address} for address in message.media]
        content = {"type": "image", "image": {"text": message.text, "images": images}}
    payload = {
        "id": message.message_id,
        "channelId": message.service or account.options["channel_id"],
        "sender": {"contact": {"identifierKey": "phonenumber", "identifierValue": message.number}},
        "body": content,
        "direction": "incoming",
        "createdAt": iso_time(sent_us),
    }
    event = {"service": "channels", "event": "sms.inbound", "payload": payload}
    body, time = msgspec.json.encode(event), str(sent_us // 1_000_000)
    key = account.secrets["signing_key"][0].value
    headers = {_TIME: time, _SIGNATURE: _signature(url, body, time, key)}
    return WebhookRequest("POST", url, {"content-type": "application/json", **headers}, body)


def _text(request: WebhookRequest, event: str) -> _Text | None:
    found = read_json(request.body, _EVENT, "Bird")
    return read_json(bytes(found.payload), _TEXT, "Bird") if found.event == event else None


def _signature(url: str, body: bytes, time: str, key: str) -> str:
    signed = as_bytes(f"{time}\n{url}\n") + hashlib.sha256(body).digest()
    return hmac_base64(key, signed, "sha256")
