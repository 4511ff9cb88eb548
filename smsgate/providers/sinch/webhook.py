"""What Sinch's webhook says, once it is proved Sinch's: a text, or what became of one of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
from msgspec import UNSET, UnsetType

from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import check_sinch, instant_us, iso_time, sinch_headers
from smsgate.providers.contract import (
    GivenText,
    Report,
    check_path,
    check_present,
    known_of,
    promised_text,
    read_json,
)
from smsgate.settings import Account

_ARRIVING = frozenset({"mo_text", "mo_binary", "mo_media"})
_REPORTED = {
    "deleted": (
        "unreachable",
        "deleted by the network: an invalid number, or one that opted out",
    ),
}
"""The one final status that says something of the number (page Delivery reports)."""
_FATES = {
    "delivered": "delivered",
    "deleted": "undelivered",
    "expired": "undelivered",
    "failed": "undelivered",
    "aborted": "failed",
    "cancelled": "failed",
    "rejected": "failed",
}


class _Medium(msgspec.Struct):
    url: str | None = None


class _Media(msgspec.Struct):
    subject: GivenText = UNSET
    message: GivenText = UNSET
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
    body: str | _Media | UnsetType | None = UNSET
    received_at: str = ""
    batch_id: str = ""
    recipient: str = ""
    applied_originator: str | None = None
    code: int = 0
    status: str = ""
    statuses: list[_Status] | None = None


_EVENT = msgspec.json.Decoder(_Event)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if the request is Sinch's by the account's ``scheme``.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    if _is_signed(account):
        secrets = account.values_of("webhook_secret")
        check_sinch(request.headers, request.body, secrets, now_us)
    else:
        check_path(request, account, "webhook_secret")


def _is_signed(account: Account) -> bool:
    return account.options.get("scheme") != "path"


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for a delivery report.

    What a binary message says is not guessed at. Raises ``Unreadable``, and ``TextMissing`` for
    what is neither binary nor media alone and lacks its body.
    """
    event = read_json(request.body, _EVENT, "Sinch")
    if event.type not in _ARRIVING:
        return []
    needed = {"id": event.id, "from": event.from_, "to": event.to}
    check_present("The JSON", needed, needed, "an inbound message")
    given, media = _content(event)
    wordless = event.type == "mo_binary" or bool(media)
    return [
        InboundMessage(
            account=account.name,
            message_id=event.id,
            number=with_plus(event.from_),
            sender=with_plus(event.to),
            text=promised_text(given, "body", request, optional=wordless),
            channel="mms" if event.type == "mo_media" else "sms",
            sent_us=instant_us(event.received_at),
            media=media,
        )
    ]


def _content(event: _Event) -> tuple[GivenText, tuple[str, ...]]:
    """Words and pictures; the subject of an MMS where it says nothing else."""
    if isinstance(event.body, _Media):
        urls = tuple(medium.url for medium in event.body.media or () if medium.url)
        words = event.body.message or event.body.subject
        return (event.body.message if words is UNSET else words), urls
    return UNSET if event.type == "mo_binary" else event.body, ()


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of texts of ours; opt-outs have no code."""
    event = read_json(request.body, _EVENT, "Sinch")
    sender = with_plus(event.applied_originator or "")
    found = []
    for number, code, status in _fates(event):
        told = status.lower()
        kind, note = known_of(told, _REPORTED)
        if fate := _FATES.get(told, ""):
            shown = str(code or "")
            about = with_plus(number)
            found.append(Report(event.batch_id, about, sender, kind, shown, note, fate=fate))
    return found


def _fates(event: _Event) -> Iterator[tuple[str, int, str]]:
    """Number, code and status of every recipient that a report names."""
    if event.recipient:
        yield event.recipient, event.code, event.status
    for status in event.statuses or ():
        for recipient in status.recipients or ():
            yield recipient, status.code, status.status


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
