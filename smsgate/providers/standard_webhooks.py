"""The generic endpoint: Standard Webhooks around texts in our own form, and the same way back.

standardwebhooks.com (specification 1.0: headers, v1 HMAC-SHA256, v1a Ed25519); Svix sends the
same under ``svix-…`` names (docs.svix.com/receiving/verifying-payloads/how-manual). What stands
in the body is ours: docs/providers/standard_webhooks.md. Read in November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import AccountNotReady
from smsgate.domain.messages import HttpCall, InboundMessage, Intent, Reply, Verdict, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.domain.signing import as_bytes
from smsgate.providers import ed25519
from smsgate.providers.base import GivenText, Provider, Report, answered_by_network, promised_text
from smsgate.providers.calls import idempotency_key, send_url
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.reading import read_json
from smsgate.providers.shared_schemes import (
    check_signed,
    check_standard_webhook,
    standard_webhook_signature,
)
from smsgate.settings import Account

_KEY = r"[A-Za-z0-9+/]{43}="
_CHANNELS = frozenset({"sms", "mms", "whatsapp", "rcs"})
_FLAGS = {one.value: one for one in (Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP)}


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


class StandardWebhooks(Provider):
    """Any gateway that speaks Standard Webhooks; ``scheme`` is v1 or v1a, neither falls through."""

    name = "standard_webhooks"
    label = "The gateway"
    title = "Standard Webhooks"
    fields = (
        Field("scheme", "v1 (a shared secret) or v1a (a public key)", r"v1a?"),
        secret_field(
            "secret",
            "whsec_ and 24 to 64 bytes in base64",
            r"(whsec_)?[A-Za-z0-9+/]{32,86}={0,2}",
            only_with=("scheme", "v1"),
        ),
        secret_field(
            "public_key",
            "whpk_ and 32 bytes in base64",
            rf"(whpk_)?{_KEY}",
            only_with=("scheme", "v1a"),
        ),
        secret_field(
            "signing_key",
            "whsk_ and the private half of public_key in base64, to try the account out with",
            rf"(whsk_)?{_KEY}",
            required=False,
        ),
        Field("send_url", "the address that takes texts to send", r"https?://[!-~]+"),
        secret_field("api_key", "the key that send_url wants", required=False),
    )
    errors = {
        "opted_out": (Verdict.OPTED_OUT, "the number has opted out at the gateway"),
        "throttled": (Verdict.NOT_ACCEPTED, "too many requests"),
    }
    error_at = "code"
    report_codes = {  # By ``reason``.
        "opted_out": ("opted_out", "the gateway will not text this number: it has opted out"),
        "unreachable": ("unreachable", "the gateway cannot reach this number for good"),
    }
    delivery_statuses = {
        "sms.delivered": "delivered",
        "sms.undelivered": "undelivered",
        "sms.failed": "failed",
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if id, time and body are signed by the account's one scheme, within 300 s."""
        get = request.headers.get
        by = "webhook" if get("webhook-signature") else "svix"
        id_, time, signatures = (
            get(f"{by}-{name}", "") for name in ("id", "timestamp", "signature")
        )
        if account.options["scheme"] == "v1":
            headers = _headers(id_, time, signatures)
            check_standard_webhook(headers, request.body, account.values_of("secret"), now_us)
            return
        signed = as_bytes(f"{id_}.{time}.") + request.body
        keys = [key.removeprefix("whpk_") for key in account.values_of("public_key")]
        given = [one[4:] for one in signatures.split(" ") if one.startswith("v1a,")]
        fits = any(ed25519.fits(signature, signed, key) for signature in given for key in keys)
        what = "No v1a entry of webhook-signature fits webhook-id, webhook-timestamp and the body."
        check_signed(time, now_us, what, fits=fits and id_ != "")

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook of type ``sms.received``; none for other types."""
        envelope = read_json(request.body, _Envelope, "The gateway")
        if envelope.type != "sms.received":
            return None
        data = read_json(bytes(envelope.data), _Data, "The gateway")
        flag = _FLAGS.get(data.flag)
        wordless = bool(data.media or flag)
        return InboundMessage(
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

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        envelope = read_json(request.body, _Envelope, "The gateway")
        if envelope.type not in self.delivery_statuses:
            return
        data = read_json(bytes(envelope.data), _Data, "The gateway")
        found = self.report(envelope.type, data.reason, data.id, data.to, data.number, data.service)
        yield from (replace(report, code=str(data.code)) for report in found)

    def answered(self, message: InboundMessage) -> str:
        """Say who answers this very message; a flag says that the gateway itself does."""
        if answered_by_network(message):
            return "network"
        return "provider" if message.flag is not None else ""

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        """Return the signed webhook by which a gateway would post ``message`` at its ``sent_us``.

        Raises ``AccountNotReady`` for scheme v1a without ``signing_key``.
        """
        at_us = message.sent_us or 0
        data = {
            "id": message.message_id,
            "from": message.number,
            "to": message.sender,
            "text": message.text,
            "received_at": iso_time(at_us),
            "channel": message.channel,
            "service": message.service,
            "flag": message.flag.value if message.flag else "",
            "media": message.media,
        }
        envelope = {"type": "sms.received", "timestamp": iso_time(at_us), "data": data}
        body = msgspec.json.encode(envelope)
        headers = sign(message.message_id, at_us // 1_000_000, body, account)
        return WebhookRequest("POST", url, {"content-type": "application/json", **headers}, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that hands ``reply`` to the gateway, from the number that was texted.

        The key is there for a gateway that knows it; that it does is not relied on.
        """
        key = idempotency_key(reply)
        data = {
            "id": key,
            "from": reply.sender,
            "to": reply.number,
            "text": reply.text,
            "channel": reply.channel,
            "service": reply.service,
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        for secret in account.secrets.get("api_key", ())[:1]:
            headers["Authorization"] = f"Bearer {secret.get_secret_value()}"
        body = msgspec.json.encode({"type": "sms.send", "data": data})
        return HttpCall("POST", send_url(account), headers, body)


def sign(id_: str, time_s: int, body: bytes, account: Account) -> dict[str, str]:
    """Return the headers by which the gateway would sign ``body``.

    Raises ``AccountNotReady`` for scheme v1a without ``signing_key``.
    """
    time = str(time_s)
    if account.options["scheme"] == "v1":
        secret = account.newest_secret("secret")
        return _headers(id_, time, standard_webhook_signature(id_, time, body, secret))
    keys = account.values_of("signing_key")
    if not keys:
        raise AccountNotReady("Only the owner of the private key can sign; set signing_key.")
    signature = ed25519.sign(as_bytes(f"{id_}.{time}.") + body, keys[0].removeprefix("whsk_"))
    return _headers(id_, time, f"v1a,{signature}")


def _headers(id_: str, time: str, signature: str) -> dict[str, str]:
    return {"webhook-id": id_, "webhook-timestamp": time, "webhook-signature": signature}
