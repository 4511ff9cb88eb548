"""Vonage, Messages API v1: signed JSON webhooks in, messages out.

developer.vonage.com/en/messages (inbound message, message status), /en/getting-started/concepts/
webhooks (signed webhooks), /en/opt-out-assist, /api-errors/messages. Read in November 2026.

The token of a webhook signs only itself. What covers the body is its claim ``payload_hash``, which
Vonage's own libraries do not look at; without it a captured token would let any body in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import HttpCall, InboundMessage, Reply, Verdict, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signed_times import check_time, instant_us, iso_time
from smsgate.domain.signing import same
from smsgate.providers.base import GivenText, Provider, Report, promised_text
from smsgate.providers.calls import json_call
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.reading import read_json
from smsgate.providers.tokens import hs256_token, jwt_claims
from smsgate.settings import Account

_API = "https://api.nexmo.com"
_BEARER = "Bearer "
_CHANNELS = frozenset({"sms", "mms", "whatsapp", "rcs"})
_MEDIA = ("image", "video", "audio", "file", "vcard")
_WITH_WORDS = frozenset({"", "text", "button", "reply", "content"})
"""Kinds of message that have words; ``content`` where it has no media."""


class _Claims(msgspec.Struct):
    iat: int | float
    iss: str = ""
    payload_hash: str = ""
    api_key: str = ""


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


class Vonage(Provider):
    """Vonage; a number that opted out is accepted when we text it, and a status tells later."""

    name = "vonage"
    label = "Vonage"
    title = "Vonage (Messages API)"
    needed = ("message_uuid", "from", "to")
    refusal = "no code that is known"
    errors = {  # Codes that the call itself can be answered with.
        "1000": (Verdict.NOT_ACCEPTED, "too many requests"),
        "1010": (Verdict.REFUSED, "a parameter is missing"),
        "1020": (Verdict.REFUSED, "a parameter is wrong"),
        "1040": (Verdict.REFUSED, "the number has an unknown prefix"),
        "1050": (Verdict.REFUSED, "the number is barred"),
        "1060": (Verdict.REFUSED, "the account is barred"),
        "1070": (Verdict.REFUSED, "the account has no credit"),
        "1120": (Verdict.REFUSED, "the sender is not allowed there"),
        "1170": (Verdict.REFUSED, "there is no such number"),
    }
    error_at = "type"
    sent_id_at = "message_uuid"
    fields = (
        Field("api_key", "the account's API key, such as a1b2c3d4", r"[0-9A-Za-z]+"),
        secret_field("api_secret", "the account's API secret, for sending"),
        secret_field("signature_secret", "the account's signature secret"),
    )
    delivery_statuses = {
        "delivered": "delivered",
        "undeliverable": "undelivered",
        "rejected": "failed",
        "failed": "failed",
    }
    # Codes of a status. Which one says that a number opted out is not published for this API; the
    # page on opted-out numbers names 9, for the SMS API.
    report_codes = {
        "9": ("opted_out", "the number has opted out of texts from this sender"),
        "1050": ("unreachable", "the number is barred"),
        "1170": ("unreachable", "there is no such number"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the token is Vonage's, for this account, covers the body and is fresh."""
        authorization = request.headers.get("authorization", "")
        if not authorization.startswith(_BEARER):
            raise SignatureRefused("The request has no Authorization: Bearer with a signed token.")
        secrets = account.values_of("signature_secret")
        claims = jwt_claims(authorization.removeprefix(_BEARER), secrets, _Claims)
        if claims is None:
            raise SignatureRefused(
                "The token is not signed with this account's signature_secret, or has no iat."
            )
        ours = account.options.get("api_key", "")
        if claims.iss != "Vonage" or claims.api_key not in ("", ours):
            raise SignatureRefused("The token is not issued by Vonage for this account's api_key.")
        if not same(claims.payload_hash.lower(), hashlib.sha256(request.body).hexdigest()):
            raise SignatureRefused("The token has no payload_hash that fits the body.")
        check_time(int(claims.iat) * 1_000_000, now_us)

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for a status or a chat without numbers."""
        event = read_json(request.body, _Event, "Vonage")
        if event.status or event.channel not in _CHANNELS:
            return None
        parts = [part for kind in _MEDIA if (part := getattr(event, kind)) is not None]
        parts += event.content or ()
        media = tuple(part.url for part in parts if part.url)
        wordless = bool(media) or event.message_type not in _WITH_WORDS
        return InboundMessage(
            account=account.name,
            message_id=event.message_uuid,
            number=with_plus(event.from_),
            sender=with_plus(event.to),
            text=promised_text(_words(event, parts), "text", request, optional=wordless),
            channel=event.channel,
            sent_us=instant_us(event.timestamp),
            media=media,
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        event = read_json(request.body, _Event, "Vonage")
        code, error = "", event.error
        if error is not None:  # The 1170 of ``…/api-errors/messages#1170``, or else the title.
            code = error.type.rpartition("#")[2] if "#" in error.type else str(error.title)
        yield from self.report(event.status, code, event.message_uuid, event.to, event.from_)

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        sent_us = message.sent_us or 0
        event: dict[str, object] = {
            "to": message.sender.removeprefix("+"),
            "from": message.number.removeprefix("+"),
            "channel": message.channel,
            "message_uuid": message.message_id,
            "timestamp": iso_time(sent_us),
            "message_type": "text",
            "text": message.text,
        }
        if message.media:
            event["image"] = {"url": message.media[0]}
        body = json.dumps(event, ensure_ascii=False).encode(errors="replace")
        claims = {
            "iat": sent_us // 1_000_000,
            "jti": message.message_id,
            "iss": "Vonage",
            "payload_hash": hashlib.sha256(body).hexdigest(),
            "api_key": account.options["api_key"],
        }
        secret = account.newest_secret("signature_secret")
        token = hs256_token(msgspec.json.encode(claims), secret)
        headers = {"content-type": "application/json", "authorization": f"{_BEARER}{token}"}
        return WebhookRequest("POST", url, headers, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` from the number that was texted.

        Vonage takes no idempotency key; ``client_ref`` comes back in every status.
        """
        content = {
            "message_type": "text",
            "channel": "sms" if reply.channel == "mms" else reply.channel,
            "to": reply.number.removeprefix("+"),
            "from": reply.sender.removeprefix("+"),
            "text": reply.text,
            "client_ref": f"{reply.account}-{reply.id}"[:100],
        }
        auth = (account.options["api_key"], account.newest_secret("api_secret"))
        return json_call(f"{account.api_url or _API}/v1/messages", content, auth=auth)


def _words(event: _Event, parts: list[_Part]) -> GivenText:
    """What a message says: its text, else its captions and parts, else the chosen button.

    Words of several parts stand in a line each. ``UNSET`` where there is no field for words.
    """
    parts = [*parts, *(part for part in (event.button, event.reply) if part)]
    given = [words for part in parts for words in (part.text, part.caption, part.title)]
    given = [words for words in given if words is not UNSET]
    if event.text or not given:
        return event.text
    return "\n".join(words for words in given if words)
