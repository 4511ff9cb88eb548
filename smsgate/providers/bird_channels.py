"""Bird's Channels and Notifications APIs (docs.bird.com, 2023 to 2025): SMS in and out.

docs.bird.com/api/notifications-api (Verifying a webhook), docs.bird.com/api/channels-api
(Programmable SMS: Receiving messages, Sending SMS messages; Message failure codes; SMS platform
extended error codes). Read in November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from smsgate.domain.messages import HttpCall, InboundMessage, Reply, Verdict, WebhookRequest
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.providers.base import GivenText, Provider, Report, promised_text
from smsgate.providers.calls import json_call
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.reading import read_json
from smsgate.providers.shared_schemes import check_messagebird, messagebird_headers
from smsgate.settings import Account

_API = "https://api.bird.com"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


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


class BirdChannels(Provider):
    """A channel of Bird's; no idempotency key and no code for opted out are documented."""

    name = "bird_channels"
    label = "Bird"
    title = "Bird (Channels API)"
    needed = ("id", "identifierValue", "channelId")
    refusal = "the request is wrong"
    refusals = dict.fromkeys((401, 403), (Verdict.REFUSED, "access_key may not send there"))
    fields = (
        Field("workspace_id", "the workspace's id, a UUID", _UUID),
        Field("channel_id", "the SMS channel's id, a UUID", _UUID),
        Field("number", "the channel's number, as programs name it", r"\+?[0-9]{3,15}"),
        secret_field("access_key", "an access key that may send on the channel"),
        secret_field("signing_key", "the signing key of the webhook subscription"),
    )
    delivery_statuses = {
        "delivered": "delivered",
        "delivery_failed": "undelivered",
        "sending_failed": "failed",
    }
    report_codes = {  # The extended codes of "unknown subscriber".
        "1": ("unreachable", "no network has such a subscriber"),
        "5": ("unreachable", "the subscriber cannot be identified"),
        "9": ("unreachable", "the network bars the subscriber"),
        "11": ("unreachable", "the subscriber has no SMS"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if Bird signed time, URL and body with a key of this account, within 300 s."""
        keys = account.values_of("signing_key")
        check_messagebird(request.headers, request.url, request.body, keys, now_us)

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for other events.

        Bird names the channel that was texted, not its number: the account knows that.
        """
        text = _text(request, "sms.inbound")
        if text is None or text.direction == "outgoing":
            return None
        number = text.sender.contact.identifier_value
        ours = text.channel_id == account.options.get("channel_id")
        media = tuple(image.media_url for image in text.body.image.images if image.media_url)
        given = text.body.text.text or text.body.image.text
        given = text.body.text.text if given is UNSET else given
        wordless = bool(media) or text.body.type not in ("", "text")
        return InboundMessage(
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

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        text = _text(request, "sms.outbound")
        if text is None:
            return
        code = text.failure.source.code if text.failure else ""
        id_, sender, channel = text.id, account.options["number"], text.channel_id
        for one in text.receiver.contacts:
            number = one.identifier_value
            yield from self.report(text.status, code, id_, number, sender, channel)

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        sent_us = message.sent_us or 0
        content: dict[str, object] = {"type": "text", "text": {"text": message.text}}
        if message.media:
            images = [{"mediaUrl": address} for address in message.media]
            content = {"type": "image", "image": {"text": message.text, "images": images}}
        contact = {"identifierKey": "phonenumber", "identifierValue": message.number}
        payload = {
            "id": message.message_id,
            "channelId": message.service or account.options["channel_id"],
            "sender": {"contact": contact},
            "body": content,
            "direction": "incoming",
            "createdAt": iso_time(sent_us),
        }
        event = {"service": "channels", "event": "sms.inbound", "payload": payload}
        body, key = msgspec.json.encode(event), account.newest_secret("signing_key")
        headers = messagebird_headers(url, body, key, sent_us)
        return WebhookRequest("POST", url, {"content-type": "application/json", **headers}, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` on the channel that was texted."""
        channel = reply.service or account.options["channel_id"]
        path = f"workspaces/{account.options['workspace_id']}/channels/{quote(channel, safe='')}"
        contact = {"identifierKey": "phonenumber", "identifierValue": reply.number}
        text = {
            "receiver": {"contacts": [contact]},
            "body": {"type": "text", "text": {"text": reply.text}},
        }
        headers = {"Authorization": f"AccessKey {account.newest_secret('access_key')}"}
        return json_call(f"{account.api_url or _API}/{path}/messages", text, headers=headers)


def _text(request: WebhookRequest, event: str) -> _Text | None:
    found = read_json(request.body, _Event, "Bird")
    return read_json(bytes(found.payload), _Text, "Bird") if found.event == event else None
