"""Sinch, SMS REST API (XMS): webhooks in, batches out.

developers.sinch.com/docs/sms/api-reference (webhooks, delivery reports, batches, status codes) and
the events of Sinch's SDKs. Read in November 2026.

Webhooks are signed only where Sinch's account manager set that up; without, all that is left is a
secret in the URL, which vouches for the whole request, its time too. A 4xx makes Sinch drop a
webhook for good.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from smsgate.errors import SignatureRefused, Unreadable
from smsgate.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.phone import is_toll_free, with_plus
from smsgate.providers.contract import Field, Report, answer_json, read_json, retry_after_s
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.settings import Account
from smsgate.signing import check_sinch, instant_us, iso_time, path_secret, same, sinch_headers

__all__ = [
    "ACK",
    "BATCHES", "FIELDS", "IDEMPOTENT", "NAME", "answered", "certificate", "handshake", "inbound",
    "outcome", "parse", "reply", "reports", "verify",
]  # fmt: skip

NAME = "sinch"
IDEMPOTENT = False
BATCHES = False
ACK = HttpReply(200, "text/plain")
FIELDS: tuple[Field, ...] = (
    Field("service_plan_id", r"[0-9A-Za-z_-]+", "the service plan's id"),
    Field("api_token", r"[!-~]+", "the service plan's API token", secret=True),
    Field(
        "webhook_secret",
        r"[!-~]+",
        'the secret that webhooks are signed with, or with scheme = "path" a long secret of your '
        "own that ends the webhook's URL",
        secret=True,
    ),
    Field("scheme", r"hmac|path", "hmac or path", required=False),
    Field("region", r"us|eu|au|br|ca", "us, eu, au, br or ca", required=False),
)
# Sinch answers no keyword of its own here; on toll-free the network does.
_NETWORK_ANSWERED = frozenset({"STOP", "START", "UNSTOP"})
_ARRIVING = frozenset({"mo_text", "mo_binary", "mo_media"})
_GONE = "deleted"
"""The one final status that says something of the number (page Delivery reports)."""


class _Medium(msgspec.Struct):
    url: str | None = None


class _Media(msgspec.Struct):
    subject: str | None = None
    message: str | None = None
    media: list[_Medium] | None = None


class _Status(msgspec.Struct):
    code: int = 0
    status: str = ""
    recipients: list[str] | None = None


class _Event(msgspec.Struct, rename={"from_": "from"}):
    """An inbound message, or a delivery report on a batch or on one recipient."""

    type: str = ""
    id: str = ""
    from_: str = ""
    to: str = ""
    body: str | _Media | None = None
    received_at: str = ""
    batch_id: str = ""
    recipient: str = ""
    applied_originator: str | None = None
    code: int = 0
    status: str = ""
    statuses: list[_Status] | None = None


class _Answer(msgspec.Struct):
    id: str = ""


_EVENT = msgspec.json.Decoder(_Event)
_ANSWER = msgspec.json.Decoder(_Answer)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if the request is Sinch's by the account's ``scheme``.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    secrets = [one.value for one in account.secrets.get("webhook_secret", ()) if one.value]
    if _is_signed(account):
        check_sinch(request.headers, request.body, secrets, now_us)
    elif not any(same(path_secret(request.url), secret) for secret in secrets):
        raise SignatureRefused("The URL's path does not end with this account's secret.")


def _is_signed(account: Account) -> bool:
    return account.options.get("scheme") != "path"


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for a delivery report.

    What a binary message says is not guessed at. Raises ``Unreadable``.
    """
    event = read_json(request.body, _EVENT, "Sinch")
    if event.type not in _ARRIVING:
        return []
    needed = {"id": event.id, "from": event.from_, "to": event.to}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise Unreadable(f"The JSON lacks {', '.join(missing)}; an inbound message has them all.")
    text, media = _content(event)
    return [
        InboundMessage(
            account=account.name,
            message_id=event.id,
            number=with_plus(event.from_),
            sender=with_plus(event.to),
            text=text,
            channel="mms" if event.type == "mo_media" else "sms",
            sent_us=instant_us(event.received_at),
            media=media,
        )
    ]


def _content(event: _Event) -> tuple[str, tuple[str, ...]]:
    if isinstance(event.body, _Media):
        urls = tuple(medium.url for medium in event.body.media or () if medium.url)
        return event.body.message or event.body.subject or "", urls
    return "" if event.type == "mo_binary" else event.body or "", ()


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return the numbers that delivery reports tell are gone; opt-outs have no code."""
    event = read_json(request.body, _EVENT, "Sinch")
    note = "deleted by the network: an invalid number, or one that opted out"
    return [
        Report(
            message_id=event.batch_id,
            number=with_plus(number),
            sender=with_plus(event.applied_originator or ""),
            kind="unreachable",
            code=str(code),
            note=note,
        )
        for number, code, status in _fates(event)
        if status.lower() == _GONE
    ]


def _fates(event: _Event) -> Iterator[tuple[str, int, str]]:
    """Number, code and status of every recipient that a report names."""
    if event.recipient:
        yield event.recipient, event.code, event.status
    for status in event.statuses or ():
        for recipient in status.recipients or ():
            yield recipient, status.code, status.status


def answered(message: InboundMessage) -> str:
    """Say who answers this very message without us: ``network`` for toll-free, else nobody."""
    word = message.text.strip().upper()
    return "network" if word in _NETWORK_ANSWERED and is_toll_free(message.sender) else ""


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted. No repeat is safe."""
    body = {
        "from": reply.sender.removeprefix("+"),
        "to": [reply.number.removeprefix("+")],
        "body": reply.text,
        "type": "mt_text",
        "client_reference": f"{reply.account}-{reply.id}",
        "delivery_report": "per_recipient",
    }
    api = account.api_url or f"https://{account.options.get('region') or 'us'}.sms.api.sinch.com"
    return HttpCall(
        method="POST",
        url=f"{api}/xms/v1/{account.options['service_plan_id']}/batches",
        headers={
            "Accept": "application/json",
            "Authorization": f"Bearer {account.secrets['api_token'][0].value}",
            "Content-Type": "application/json",
        },
        body=json.dumps(body).encode("ascii"),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Sinch's response to ``reply`` means. Never raises; repeats no number."""
    if 200 <= response.status < 300:
        answer = answer_json(response, _ANSWER) or _Answer()
        return Outcome(Verdict.SENT, provider_id=answer.id)
    verdict, meaning = Verdict.REFUSED, "see developers.sinch.com, SMS status codes"
    if response.status >= 500:
        verdict, meaning = Verdict.UNKNOWN, "the text may have been sent"
    elif response.status == 429:
        verdict, meaning = Verdict.NOT_ACCEPTED, "too many requests"
    note = f"Sinch answered {response.status}: {meaning}"
    return Outcome(verdict, note=note, retry_after_s=retry_after_s(response))


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Sinch would post ``message``, as of ``message.sent_us``."""
    text = message.text.encode(errors="replace").decode()
    picture = {"message": text, "media": [{"url": url} for url in message.media]}
    event = {
        "type": "mo_media" if message.channel == "mms" else "mo_text",
        "id": message.message_id,
        "from": message.number.removeprefix("+"),
        "to": message.sender.removeprefix("+"),
        "body": picture if message.channel == "mms" else text,
    }
    secret, headers = account.secrets["webhook_secret"][0].value, {}
    if message.sent_us is not None:
        event["received_at"] = iso_time(message.sent_us)
    body = json.dumps(event, ensure_ascii=False).encode()
    if _is_signed(account):
        headers = sinch_headers(body, secret, message.message_id, message.sent_us or 0)
    else:
        url = f"{url}/{secret}"
    return WebhookRequest("POST", url, {"content-type": "application/json", **headers}, body)
