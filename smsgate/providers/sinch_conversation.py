"""Sinch, Conversation API: signed webhooks in, messages out, over SMS, MMS, WhatsApp and RCS.

developers.sinch.com/docs/conversation (callbacks, channel support, api-reference),
developers.sinch.com/docs/identity-access-management (OAuth 2.0 access tokens) and the events of
Sinch's SDKs. Read in November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import HttpCall, InboundMessage, Reply, Verdict, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.providers.base import GivenText, Provider, Report, promised_text
from smsgate.providers.calls import json_call, token_call
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.reading import read_json
from smsgate.providers.shared_schemes import check_sinch, sinch_headers
from smsgate.settings import Account

_TOKENS = "https://auth.sinch.com"
_CHANNELS = {"SMS": "sms", "MMS": "mms", "WHATSAPP": "whatsapp", "RCS": "rcs"}
_CHANNEL_NAMES = {ours: theirs for theirs, ours in _CHANNELS.items()}
_REPLY_CHANNELS = {"whatsapp": "WHATSAPP", "rcs": "RCS"}
"""Where a reply goes out as it came in; a text that answers a picture is an SMS."""


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


class SinchConversation(Provider):
    """An app of Sinch's Conversation API; most failures are only reported later, by a webhook."""

    name = "sinch_conversation"
    label = "Sinch"
    title = "Sinch (Conversation API)"
    needed = ("id", "channel_identity", "")
    refusal = "see developers.sinch.com, Conversation API errors"
    sent_id_at = "message_id"
    refusals = {401: (Verdict.REFUSED, "key_id or key_secret is wrong, or the region")}
    fields = (
        Field("project_id", "the project's id, a UUID", r"[0-9a-fA-F-]{36}"),
        Field("app_id", "the id of the Conversation app, 26 characters", r"[0-9A-Za-z]+"),
        Field("key_id", "the id of an access key, a UUID", r"[0-9a-fA-F-]{36}"),
        secret_field("key_secret", "the secret of that access key"),
        secret_field("webhook_secret", "the secret of the app's webhook"),
        Field("region", "us, eu or br", r"us|eu|br", required=False),
    )
    delivery_statuses = {"DELIVERED": "delivered", "FAILED": "undelivered"}
    # ``reason.code`` of a failed message.
    report_codes = {
        "RECIPIENT_NOT_OPTED_IN": ("opted_out", "the number has not opted in, or has opted out"),
        "RECIPIENT_INVALID_CHANNEL_IDENTITY": ("unreachable", "no number that can be texted"),
        "RECIPIENT_NOT_REACHABLE": ("unreachable", "the number cannot be reached"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if Sinch signed the request with the webhook's secret, lately."""
        check_sinch(request.headers, request.body, account.values_of("webhook_secret"), now_us)
        try:
            app = msgspec.json.decode(request.body, type=_Event).app_id
        except (msgspec.MsgspecError, ValueError, RecursionError):
            app = ""  # ``parse`` says what is wrong with it.
        if app not in ("", account.options.get("app_id", "")):
            raise SignatureRefused("The app_id is not that of the account in the URL.")

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for other triggers, or without a number."""
        message = read_json(request.body, _Event, "Sinch").message
        if message is None or message.direction != "TO_APP":
            return None
        who = message.channel_identity or _Identity()
        if who.identity and who.channel not in _CHANNELS:
            return None
        content = message.contact_message or _Content()
        text, choice = content.text_message, content.choice_response_message
        medium = content.media_message or content.media_card_message
        field, given = "contact_message.text_message.text", medium.caption if medium else UNSET
        if choice:  # Of a chosen button the answer counts that it was given.
            field = "contact_message.choice_response_message.postback_data"
            given = choice.postback_data
        if text:
            given = text.text
        wordless = not (text or choice) and content != _Content()
        return InboundMessage(
            account=account.name,
            message_id=message.id,
            number=with_plus(who.identity),
            sender=with_plus(message.sender_id or ""),
            text=promised_text(given, field, request, optional=wordless),
            channel=_CHANNELS.get(who.channel, "sms"),
            sent_us=instant_us(message.accept_time),
            media=(medium.url,) if medium and medium.url else (),
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        event = read_json(request.body, _Event, "Sinch")
        delivery = event.message_delivery_report or _Delivery()
        who, reason = delivery.channel_identity or _Identity(), delivery.reason or _Reason()
        if number := who.identity:
            yield from self.report(delivery.status, reason.code, delivery.message_id, number, "")

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        sent_us = message.sent_us or 0
        medium = {"media_message": {"url": message.media[0]}} if message.media else {}
        event = {
            "app_id": account.options["app_id"],
            "project_id": account.options["project_id"],
            "accepted_time": iso_time(sent_us),
            "message": {
                "id": message.message_id,
                "direction": "TO_APP",
                "contact_message": {"text_message": {"text": message.text}} | medium,
                "channel_identity": {
                    "channel": _CHANNEL_NAMES.get(message.channel, "SMS"),
                    "identity": message.number.removeprefix("+"),
                    "app_id": account.options["app_id"],
                },
                "sender_id": message.sender.removeprefix("+"),
                "accept_time": iso_time(sent_us),
            },
        }
        body = json.dumps(event, ensure_ascii=False).encode(errors="replace")
        secret = account.newest_secret("webhook_secret")
        headers = sinch_headers(body, secret, message.message_id, sent_us)
        return WebhookRequest("POST", url, {"content-type": "application/json", **headers}, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` on the channel it answers. No repeat is safe."""
        options = account.options
        channel = _REPLY_CHANNELS.get(reply.channel, "SMS")
        identity = {"channel": channel, "identity": reply.number.removeprefix("+")}
        content: dict[str, object] = {
            "app_id": options["app_id"],
            "recipient": {"identified_by": {"channel_identities": [identity]}},
            "message": {"text_message": {"text": reply.text}},
            "channel_priority_order": [channel],
            "correlation_id": f"{reply.account}-{reply.id}"[:128],
        }
        if channel == "SMS" and reply.sender:
            content["channel_properties"] = {"SMS_SENDER": reply.sender.removeprefix("+")}
        region = options.get("region") or "us"
        api = account.api_url or f"https://{region}.conversation.api.sinch.com"
        # HTTP Basic is for trying out, and throttled.
        token_url = f"{account.api_url or _TOKENS}/oauth2/token"
        token = token_call(token_url, options["key_id"], account.newest_secret("key_secret"))
        url = f"{api}/v1/projects/{options['project_id']}/messages:send"
        return json_call(url, content, token_from=token)
