"""Telnyx Messaging (API v2): webhooks in, messages out.

developers.telnyx.com/docs/messaging/messages/receiving-webhooks, …/advanced-opt-in-out,
…/error-codes, developers.telnyx.com/api/messaging/list-opt-outs,
developers.telnyx.com/development/api-fundamentals/webhooks (signatures), and
telnyx-python 4.189 (webhook_verification.py, idempotency). Read in November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import AccountNotReady
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Intent,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.domain.signing import as_bytes
from smsgate.providers import ed25519
from smsgate.providers.base import GivenText, Report, answered_by_network, promised_text
from smsgate.providers.calls import idempotency_key, json_call
from smsgate.providers.fields import secret_field
from smsgate.providers.opt_out_lists import (
    ListedOptOut,
    OptOutListAccess,
    OptOutListPage,
    OptOutListProvider,
)
from smsgate.providers.reading import read_json
from smsgate.providers.shared_schemes import check_signed
from smsgate.settings import Account

_API = "https://api.telnyx.com"
_SIGNATURE = "telnyx-signature-ed25519"
_TIME = "telnyx-timestamp"
_PAGE_SIZE = 100
"""Opt-outs on a page of the list. Telnyx gives 250 at most, which may pass the 64 KiB of an answer
that are read."""
_KEY = r"[A-Za-z0-9+/]{43}="
_FLAGS = {"STOP": Intent.OPT_OUT, "START": Intent.OPT_IN, "HELP": Intent.HELP}
_FLAG_NAMES = {intent: name for name, intent in _FLAGS.items()}
# What a messaging profile without rules of its own answers; the whole text, ignoring case. That
# blanks around it do not matter is not documented: one confirmation too many is refused (40300).
_ANSWERED = frozenset(
    {"STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "START", "UNSTOP"}
)


class _Party(msgspec.Struct):
    phone_number: str = ""
    status: str = ""


class _ListedOptOut(msgspec.Struct):
    to: str = ""
    sender: str = msgspec.field(name="from", default="")
    messaging_profile_id: str | None = None
    created_at: str = ""


class _ListMeta(msgspec.Struct):
    total_pages: int = 1
    page_number: int = 1


class _List(msgspec.Struct):
    data: list[_ListedOptOut]
    meta: _ListMeta = msgspec.field(default_factory=_ListMeta)


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


class Telnyx(OptOutListProvider):
    """Telnyx; for 24 hours it answers a repeated ``Idempotency-Key`` as it did the first time."""

    name = "telnyx"
    label = "Telnyx"
    refusal = "see developers.telnyx.com, Messaging Error Codes"
    # The first call with this key is still under way.
    refusals = {409: (Verdict.NOT_ACCEPTED, "the same request is under way")}
    errors = {
        "10009": (Verdict.REFUSED, "api_key is wrong"),
        "10011": (Verdict.NOT_ACCEPTED, "too many requests"),
        "20002": (Verdict.REFUSED, "api_key was revoked"),
        "20100": (Verdict.REFUSED, "the account has no funds"),
        "40300": (Verdict.OPTED_OUT, "the number has sent STOP to this messaging profile"),
        "40305": (Verdict.REFUSED, "the sender does not belong to this account or profile"),
        "40310": (Verdict.REFUSED, "the number cannot be texted"),
        "40318": (Verdict.NOT_ACCEPTED, "the queue is full"),
        "40320": (Verdict.NOT_ACCEPTED, "the sender cannot be used yet"),
    }
    error_at = "errors.0.code"
    sent_id_at = "data.id"
    idempotent = True
    opt_out_list = OptOutListAccess(is_readable=True, holds_for="")
    fields = (
        secret_field("api_key", "an API key (v2) of Mission Control"),
        secret_field("public_key", "the account's public key, 44 characters of base64", _KEY),
        secret_field(
            "signing_key",
            "the private half of a key pair of your own, to try the account out with",
            _KEY,
            required=False,
        ),
    )
    code_is_final = True
    delivery_statuses = {
        "delivered": "delivered",
        "delivery_failed": "undelivered",
        "sending_failed": "failed",
    }
    report_codes = {
        "40001": ("unreachable", "a landline, or not routable"),
        "40012": ("unreachable", "the carrier does not know the number or it is out of service"),
        "40300": ("opted_out", "the number has sent STOP to this messaging profile"),
        "40310": ("unreachable", "no number that can be texted"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if Telnyx signed time and body, with a key of this account, within 300 s."""
        signature, time = request.headers.get(_SIGNATURE, ""), request.headers.get(_TIME, "")
        signed = as_bytes(f"{time}|") + request.body
        keys = account.values_of("public_key")
        what = (
            f"The {_SIGNATURE} does not fit {_TIME} and the body; public_key must be the one that "
            "Mission Control shows for the account that the number belongs to."
        )
        fits = any(ed25519.fits(signature, signed, key) for key in keys)
        check_signed(time, now_us, what, fits=fits)

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for the delivery status of a text of ours."""
        event = read_json(request.body, _Envelope, "Telnyx").data
        if event.event_type != "message.received":
            return None
        text = read_json(bytes(event.payload), _Text, "Telnyx")
        # In a group, the number of ours is the one that the webhook is about.
        delivered = [party for party in text.to if party.status == "webhook_delivered"]
        sender = next((party.phone_number for party in delivered or text.to), "")
        number = text.sender.phone_number
        media = tuple(one.url for one in text.media or () if one.url)
        flag = _FLAGS.get((text.autoresponse_type or "").upper())
        return InboundMessage(
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

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        event = read_json(request.body, _Envelope, "Telnyx").data
        if event.event_type != "message.finalized":
            return
        text = read_json(bytes(event.payload), _Text, "Telnyx")
        codes = [str(error.code) for error in text.errors or ()]
        code = next((one for one in codes if one in self.report_codes), codes[0] if codes else "")
        sender, profile = text.sender.phone_number, text.messaging_profile_id or ""
        for to in text.to:
            yield from self.report(to.status, code, text.id, to.phone_number, sender, profile)

    def answered(self, message: InboundMessage) -> str:
        if answered_by_network(message):
            return "network"
        exact = message.text.upper() in _ANSWERED
        return "provider" if message.flag is not None or exact else ""

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        """Return the webhook by which Telnyx would post ``message``, made with the ``signing_key``.

        Raises ``AccountNotReady`` where the account has none: Telnyx's own never leaves Telnyx.
        """
        keys = account.values_of("signing_key")
        if not keys:
            raise AccountNotReady(
                "Only Telnyx can sign for this account; to try it out, give it a public_key of "
                "your own and the private half as signing_key."
            )
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
        event = {
            "event_type": "message.received",
            "occurred_at": iso_time(sent_us),
            "payload": payload,
        }
        body, time = msgspec.json.encode({"data": event}), str(sent_us // 1_000_000)
        signature = ed25519.sign(as_bytes(f"{time}|") + body, keys[0])
        headers = {"content-type": "application/json", _SIGNATURE: signature, _TIME: time}
        return WebhookRequest("POST", url, headers, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        text = {"from": reply.sender, "to": reply.number, "text": reply.text, "type": "SMS"}
        if reply.service:
            text["messaging_profile_id"] = reply.service
        headers = {
            "Authorization": f"Bearer {account.newest_secret('api_key')}",
            "Idempotency-Key": idempotency_key(reply),
        }
        return json_call(f"{account.api_url or _API}/v2/messages", text, headers=headers)

    def opt_out_list_call(self, account: Account, page: str, now_us: int) -> HttpCall:
        query = urlencode({"page[number]": page or "1", "page[size]": str(_PAGE_SIZE)})
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {account.newest_secret('api_key')}",
        }
        return HttpCall("GET", f"{account.api_url or _API}/v2/messaging_optouts?{query}", headers)

    def opt_out_list_page(self, response: HttpReply, account: Account) -> OptOutListPage:
        found = read_json(response.body, _List, self.label)
        opt_outs = tuple(
            ListedOptOut(
                number=one.to,
                sender=one.sender,
                service=one.messaging_profile_id or "",
                at_us=instant_us(one.created_at) or 0,
            )
            for one in found.data
        )
        number = found.meta.page_number
        is_last = not opt_outs or number >= found.meta.total_pages
        return OptOutListPage(opt_outs, "" if is_last else str(number + 1))
