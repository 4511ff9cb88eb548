"""Bird's API of 2026 (platform.bird.com): SMS in by Standard Webhooks, SMS out.

bird.com/docs (webhooks, SMS), and github.com/messagebird/bird-sdk-python, August 2026 (its models
of events and errors; webhooks.unwrap; idempotency keys of writes). Read in November 2026.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.signing import (
    check_standard_webhook,
    instant_us,
    iso_time,
    standard_webhook_signature,
)
from smsgate.providers.contract import (
    Field,
    Meaning,
    Report,
    answer_json,
    known_of,
    read_json,
    told,
)
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.settings import Account

__all__ = [
    "ACK",
    "BATCHES",
    "FIELDS",
    "IDEMPOTENT",
    "NAME",
    "answered",
    "certificate",
    "handshake",
    "inbound",
    "outcome",
    "parse",
    "reply",
    "reports",
    "verify",
]

NAME = "bird"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = True
BATCHES = False
FIELDS: tuple[Field, ...] = (
    Field("api_key", r"bk_[a-z0-9]+_[!-~]+", "an API key, bk_REGION_…", secret=True),
    Field(
        "webhook_secret",
        r"(whsec_)?[A-Za-z0-9+/]+={0,2}",
        "the webhook's signing secret, whsec_…",
        secret=True,
    ),
)
_NAMES: Mapping[str, tuple[Verdict, str]] = {
    "recipient_opted_out": (Verdict.OPTED_OUT, "the number is on the suppression list"),
    "insufficient_balance": (Verdict.REFUSED, "the account has no funds"),
    "invalid_destination": (Verdict.REFUSED, "the number cannot be texted"),
    "sender_unregistered": (Verdict.REFUSED, "the sender cannot be used so"),
}
_FATES = {
    "sms.delivered": "delivered",
    "sms.undelivered": "undelivered",
    "sms.failed": "failed",
    "sms.rejected": "failed",
}
_REPORTED: Mapping[str, tuple[str, str]] = {
    "recipient_opted_out": ("opted_out", "the number is on the suppression list"),
    "blocked_by_recipient": ("opted_out", "the subscriber blocks the sender"),
    "invalid_destination": ("unreachable", "no number that can be texted"),
    "landline_unreachable": ("unreachable", "a landline"),
    "unreachable": ("unreachable", "the network does not reach the number"),
}


class _Error(msgspec.Struct):
    code: str = ""
    name: str = ""


class _Data(msgspec.Struct):
    """Of a text – or, with a destination, of a suppression."""

    sms_id: str = ""
    sender: str = msgspec.field(name="from", default="")
    to: str = ""
    text: str | None = None
    error: _Error | None = None
    id: str = ""
    destination: str = ""
    originator: str | None = None


class _Event(msgspec.Struct):
    type: str
    data: msgspec.Raw
    timestamp: str = ""


class _Answer(msgspec.Struct):
    id: str = ""
    error: _Error = msgspec.field(default_factory=_Error)


_EVENT = msgspec.json.Decoder(_Event)
_DATA = msgspec.json.Decoder(_Data)
_ANSWER = msgspec.json.Decoder(_Answer)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if Bird signed id, time and body by Standard Webhooks, within 300 s.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    secrets = account.values_of("webhook_secret")
    check_standard_webhook(request.headers, request.body, secrets, now_us)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for other events.

    A text is not promised: Bird leaves it out where there are attachments alone, which its events
    do not name. Raises ``Unreadable`` for what is not Bird's JSON or lacks sms_id, from or to.
    """
    event = read_json(request.body, _EVENT, "Bird")
    if event.type != "sms.received":
        return []
    data = read_json(bytes(event.data), _DATA, "Bird")
    if not (data.sms_id and data.sender and data.to):
        raise Unreadable("The data lacks sms_id, from or to; a text from Bird has them all.")
    return [
        InboundMessage(
            account=account.name,
            message_id=data.sms_id,
            number=data.sender,
            sender=data.to,
            text=data.text or "",
            sent_us=instant_us(event.timestamp),
        )
    ]


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what a suppression says of a number, or what became of a text of ours."""
    event = read_json(request.body, _EVENT, "Bird")
    if not event.type.startswith("sms"):
        return []
    data = read_json(bytes(event.data), _DATA, "Bird")
    if event.type == "sms_suppression.created" and data.destination:
        kind, note = _REPORTED["recipient_opted_out"]
        return [Report(data.id, data.destination, data.originator or "", kind, event.type, note)]
    if event.type not in _FATES:
        return []
    code = data.error.code if data.error else ""
    kind, note = known_of(code, _REPORTED)
    return [Report(data.sms_id, data.to, data.sender, kind, code, note, fate=_FATES[event.type])]


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    The key of the API says which region to call. ``Idempotency-Key`` is the same for each try.
    """
    key = account.secrets["api_key"][0].value
    region = key.split("_")[1]
    text = {
        "to": reply.number,
        "from": reply.sender,
        "text": reply.text,
        "category": "transactional",
    }
    of = f"{reply.account} {reply.number} {reply.id} {reply.kind}"
    return HttpCall(
        method="POST",
        url=f"{account.api_url or f'https://{region}.platform.bird.com'}/v1/sms/messages",
        headers={
            "Accept": "application/json",
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Idempotency-Key": hashlib.sha256(of.encode()).hexdigest(),
        },
        body=msgspec.json.encode(text),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Bird's response to ``reply`` means. Never raises."""
    answer = answer_json(response, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT, provider_id=answer.id)
    return told("Bird", response, _meaning(response.status, answer.error.name))


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Bird would post ``message`` to ``url``, correctly signed."""
    sent_us = message.sent_us or 0
    data = {"sms_id": message.message_id, "from": message.number, "to": message.sender}
    if message.text:
        data["text"] = message.text
    event = {"type": "sms.received", "timestamp": iso_time(sent_us), "data": data}
    body, time = msgspec.json.encode(event), str(sent_us // 1_000_000)
    secret = account.secrets["webhook_secret"][0].value
    headers = {
        "content-type": "application/json",
        "webhook-id": f"msg_{message.message_id}",
        "webhook-timestamp": time,
    }
    signature = standard_webhook_signature(headers["webhook-id"], time, body, secret)
    return WebhookRequest("POST", url, {**headers, "webhook-signature": signature}, body)


def _meaning(status: int, name: str) -> Meaning:
    """What no success means; a repeated call sends nothing twice, so a 5xx may be tried again."""
    if status == 429:
        return Verdict.NOT_ACCEPTED, "too many requests"
    if status == 501:
        return Verdict.REFUSED, "there is no such call"
    if status >= 500:
        return Verdict.NOT_ACCEPTED, "to be tried again with the same key"
    if status == 409 and name not in _NAMES:
        return Verdict.UNKNOWN, "an earlier try may be under way"
    return _NAMES.get(name, (Verdict.REFUSED, "see the errors of Bird's API"))
