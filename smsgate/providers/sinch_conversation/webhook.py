"""What Sinch's webhook says, once it is proved Sinch's: a text, or what became of one of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import check_sinch, instant_us, iso_time, sinch_headers
from smsgate.providers.contract import GivenText, Report, known_of, promised_text, read_json
from smsgate.settings import Account

_CHANNELS = {"SMS": "sms", "MMS": "mms", "WHATSAPP": "whatsapp", "RCS": "rcs"}
_CHANNEL_NAMES = {ours: theirs for theirs, ours in _CHANNELS.items()}
_FATES = {"DELIVERED": "delivered", "FAILED": "undelivered"}
_REPORTED: Mapping[str, tuple[str, str]] = {
    "RECIPIENT_NOT_OPTED_IN": ("opted_out", "the number has not opted in, or has opted out"),
    "RECIPIENT_INVALID_CHANNEL_IDENTITY": ("unreachable", "no number that can be texted"),
    "RECIPIENT_NOT_REACHABLE": ("unreachable", "the number cannot be reached"),
}
"""``reason.code`` of a failed message."""


class _Identity(msgspec.Struct):
    channel: str = ""
    identity: str = ""


class _Text(msgspec.Struct):
    text: GivenText = UNSET


class _Medium(msgspec.Struct):
    url: str = ""
    caption: GivenText = UNSET


class _Choice(msgspec.Struct):
    postback_data: GivenText = UNSET


class _Wordless(msgspec.Struct):
    """A message of a kind that has no words of the contact."""


class _Content(msgspec.Struct):
    text_message: _Text | None = None
    media_message: _Medium | None = None
    media_card_message: _Medium | None = None
    choice_response_message: _Choice | None = None
    location_message: _Wordless | None = None
    product_response_message: _Wordless | None = None
    fallback_message: _Wordless | None = None
    channel_specific_message: _Wordless | None = None


class _Message(msgspec.Struct):
    id: str = ""
    direction: str = "TO_APP"
    contact_message: _Content | None = None
    channel_identity: _Identity | None = None
    sender_id: str | None = None
    accept_time: str = ""


class _Reason(msgspec.Struct):
    code: str = ""


class _Delivery(msgspec.Struct):
    message_id: str = ""
    status: str = ""
    channel_identity: _Identity | None = None
    reason: _Reason | None = None


class _Event(msgspec.Struct):
    """Any trigger. Of OPT_IN and OPT_OUT nothing can be kept: they name no number."""

    app_id: str = ""
    message: _Message | None = None
    message_delivery_report: _Delivery | None = None


_EVENT = msgspec.json.Decoder(_Event)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if Sinch signed the request with the webhook's secret, lately.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    check_sinch(request.headers, request.body, account.values_of("webhook_secret"), now_us)
    if _app(request) not in ("", account.options.get("app_id", "")):
        raise SignatureRefused("The app_id is not that of the account in the URL.")


def _app(request: WebhookRequest) -> str:
    try:
        return _EVENT.decode(request.body).app_id
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""  # ``parse`` says what is wrong with it.


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for other triggers and for chats without numbers.

    Raises ``Unreadable`` for what is no JSON of that shape, or lacks id or channel_identity, and
    ``TextMissing`` for a message of no kind that has no words.
    """
    message = read_json(request.body, _EVENT, "Sinch").message
    if message is None or message.direction != "TO_APP":
        return []
    who = message.channel_identity or _Identity()
    if not (message.id and who.identity):
        raise Unreadable("The message lacks id or channel_identity; an inbound one has them both.")
    if who.channel not in _CHANNELS:
        return []
    content = message.contact_message or _Content()
    given, media = _said(content)
    field = "contact_message.text_message.text"
    if content.choice_response_message:
        field = "contact_message.choice_response_message.postback_data"
    return [
        InboundMessage(
            account=account.name,
            message_id=message.id,
            number=with_plus(who.identity),
            sender=with_plus(message.sender_id or ""),
            text=promised_text(given, field, request, optional=_is_wordless(content)),
            channel=_CHANNELS[who.channel],
            sent_us=instant_us(message.accept_time),
            media=media,
        )
    ]


def _said(content: _Content) -> tuple[GivenText, tuple[str, ...]]:
    """Words and media. Of a chosen button the answer counts that it was given."""
    medium = content.media_message or content.media_card_message
    media = (medium.url,) if medium and medium.url else ()
    if content.text_message:
        return content.text_message.text, media
    if content.choice_response_message:
        return content.choice_response_message.postback_data, media
    return medium.caption if medium else UNSET, media


def _is_wordless(content: _Content) -> bool:
    """Whether it is of a kind that may come without words."""
    spoken = content.text_message or content.choice_response_message
    return not spoken and content != _Content()


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of a text of ours."""
    event = read_json(request.body, _EVENT, "Sinch")
    delivery = event.message_delivery_report or _Delivery()
    who, reason = delivery.channel_identity or _Identity(), delivery.reason or _Reason()
    if delivery.status not in _FATES or not who.identity:
        return []
    kind, note = known_of(reason.code, _REPORTED)
    return [
        Report(
            message_id=delivery.message_id,
            number=with_plus(who.identity),
            sender="",
            kind=kind,
            code=reason.code,
            note=note,
            fate=_FATES[delivery.status],
        )
    ]


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Sinch would post ``message``, signed at ``message.sent_us``."""
    sent_us = message.sent_us or 0
    text = {"text_message": {"text": message.text.encode(errors="replace").decode()}}
    medium = {"media_message": {"url": message.media[0]}} if message.media else {}
    event = {
        "app_id": account.options["app_id"],
        "project_id": account.options["project_id"],
        "accepted_time": iso_time(sent_us),
        "message": {
            "id": message.message_id,
            "direction": "TO_APP",
            "contact_message": text | medium,
            "channel_identity": {
                "channel": _CHANNEL_NAMES.get(message.channel, "SMS"),
                "identity": message.number.removeprefix("+"),
                "app_id": account.options["app_id"],
            },
            "sender_id": message.sender.removeprefix("+"),
            "accept_time": iso_time(sent_us),
        },
    }
    body = json.dumps(event, ensure_ascii=False).encode()
    secret = account.secrets["webhook_secret"][0].value
    headers = sinch_headers(body, secret, message.message_id, sent_us)
    return WebhookRequest("POST", url, {"content-type": "application/json", **headers}, body)
