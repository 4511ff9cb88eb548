"""What Bandwidth's webhooks say: texts to us, what became of ours. And the way back."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import basic_auth, instant_us, iso_time, same
from smsgate.providers.contract import (
    GivenText,
    Report,
    json_parts,
    known_of,
    promised_text,
    read_each,
    read_json,
    readable,
)
from smsgate.settings import Account

_TAPPED = "suggestion-response"
_TO_US = frozenset({"message-received", _TAPPED})
_FATES = {"message-delivered": "delivered", "message-failed": "undelivered"}
_REPORTED: Mapping[str, tuple[str, str]] = {
    "4406": ("unreachable", "the number is not allocated"),
    "4475": ("opted_out", "the number has opted out"),
    "4482": ("unreachable", "the number is on Bandwidth's block list"),
    "4720": ("unreachable", "the number cannot get texts"),
}
"""``errorCode`` of message-failed."""


class _Content(msgspec.Struct):
    """What stands in a message on RCS instead of ``text`` and ``media``."""

    text: GivenText = UNSET
    media: dict[str, object] | None = None


class _Tapped(msgspec.Struct, rename="camel"):
    """The reply that somebody chose from those that we had suggested: its label and our mark."""

    text: GivenText = UNSET
    postback_data: str = ""


class _Message(msgspec.Struct, rename={"from_": "from", "tapped": "suggestionResponse"}):
    id: str = ""
    owner: str = ""
    direction: str = ""
    from_: str = ""
    time: str = ""
    text: GivenText = UNSET
    media: list[str] | None = None
    channel: str = ""
    content: _Content | None = None
    tapped: _Tapped | None = None


class _Event(msgspec.Struct, rename={"error_code": "errorCode"}):
    """One event. ``to`` is the number of ours that it is about, of message-failed the other."""

    type: str = ""
    to: str = ""
    error_code: int | str | None = None
    message: _Message | None = None


_EVENT = msgspec.json.Decoder(_Event)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:  # noqa: ARG001
    """Return if the request came with the callbacks' user and password: they have no time limit."""
    given = request.headers.get("authorization", "")
    user = account.options.get("callback_user", "")
    passwords = account.values_of("callback_password")
    if not any(same(given, basic_auth(user, password)) for password in passwords):
        raise SignatureRefused(
            "The request does not come with this account's callback_user and callback_password. "
            "They must be those of the application at Bandwidth."
        )


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the texts in a verified webhook; none for what became of texts of ours.

    In a group every number of ours gets a copy with an id of its own, which ``owner`` tells apart.
    What was tapped on RCS counts as texted. Raises ``Unreadable`` for what is no JSON,
    ``PartUnreadable`` where one of the events is of another shape, or lacks id, from or owner,
    and ``TextMissing`` where a message without media lacks its text.
    """
    return read_each(_events(request), lambda part: _inbound(part, request, account))


def _inbound(part: bytes, request: WebhookRequest, account: Account) -> InboundMessage | None:
    event = _event(part)
    if event.type not in _TO_US or not _comes_in(event.message):
        return None
    message = event.message or _Message()
    if not (message.id and message.from_ and message.owner):
        raise Unreadable(f"A {event.type} lacks id, from or owner; a text has them all.")
    media = tuple(message.media or _file(message))
    given, field = _said(message), "text"
    if event.type == _TAPPED:
        given, field = _tapped(message), "suggestionResponse.text"
    return InboundMessage(
        account=account.name,
        message_id=message.id,
        number=with_plus(message.from_),
        sender=with_plus(message.owner),
        text=promised_text(given, field, request, optional=bool(media)),
        channel="rcs" if message.channel == "RBM" else "mms" if media else "sms",
        sent_us=instant_us(message.time),
        media=media,
    )


def _said(message: _Message) -> GivenText:
    """The words, of a message on RCS those of its content."""
    content = message.content or _Content()
    return message.text or (message.text if content.text is UNSET else content.text)


def _tapped(message: _Message) -> GivenText:
    """The label of what was tapped: the subscriber read that. Without one, our mark behind it."""
    tapped = message.tapped or _Tapped()
    return tapped.text or _unpacked(tapped.postback_data) or _said(message) or tapped.text


def _file(message: _Message) -> tuple[str, ...]:
    """The address of the file in a message on RCS."""
    url = ((message.content and message.content.media) or {}).get("fileUrl")
    return (url,) if isinstance(url, str) else ()


def _unpacked(postback: str) -> str:
    """What Base64 holds; the postback as it is where it is none."""
    try:
        return base64.b64decode(postback, validate=True).decode()
    except ValueError:
        return postback


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of texts of ours."""
    events = readable(_events(request), _event)
    return [_report(event) for event in events if event.type in _FATES]


def _report(event: _Event) -> Report:
    message, code = event.message or _Message(), str(event.error_code or "")
    kind, note = known_of(code, _REPORTED)
    number, sender = with_plus(event.to), with_plus(message.owner)
    return Report(message.id, number, sender, kind, code, note, fate=_FATES[event.type])


def _events(request: WebhookRequest) -> list[bytes]:
    """The documentation shows a list, the OpenAPI file a single event: both are read."""
    return json_parts(request.body, "Bandwidth")


def _event(part: bytes) -> _Event:
    return read_json(part, _EVENT, "Bandwidth")


def _comes_in(message: _Message | None) -> bool:
    """Whether a message is one to us; answering what goes out would make a loop."""
    return message is None or message.direction != "out"


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Bandwidth would post ``message``, as of ``message.sent_us``."""
    text = message.text.encode(errors="replace").decode()
    content = {
        "id": message.message_id,
        "owner": message.sender,
        "applicationId": account.options["application_id"],
        "segmentCount": 1,
        "direction": "in",
        "to": [message.sender],
        "from": message.number,
        "text": text,
        **({"media": list(message.media)} if message.media else {}),
        **({} if message.sent_us is None else {"time": iso_time(message.sent_us)}),
    }
    event = {
        "type": "message-received",
        "description": "Incoming message received",
        "to": message.sender,
        "message": content,
    }
    password = account.secrets["callback_password"][0].value
    headers = {
        "authorization": basic_auth(account.options["callback_user"], password),
        "content-type": "application/json; charset=utf-8",
    }
    return WebhookRequest("POST", url, headers, json.dumps([event], ensure_ascii=False).encode())
