"""Bandwidth, Messaging V2: webhooks with HTTP Basic in, messages out.

dev.bandwidth.com/docs/messaging (webhooks, createMessage, errors), dev.bandwidth.com/docs/account
(Credential Management, API User Migration); error numbers as in Bandwidth's api-docs. Read in
November 2026.

Bandwidth signs nothing. It sends the user and the password that its application was given, and
that password vouches for the whole request, the time of the text too. Because Bandwidth tries for
24 hours, arrival would let an old START undo a later STOP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
from msgspec import UNSET

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
from smsgate.phone import with_plus
from smsgate.providers.contract import (
    Field,
    GivenText,
    Meaning,
    Report,
    answer_json,
    failed,
    known_of,
    promised_text,
    read_each,
    read_json,
    token_call,
)
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.settings import Account
from smsgate.signing import basic_auth, instant_us, iso_time, same

__all__ = [
    "ACK",
    "BATCHES", "FIELDS", "IDEMPOTENT", "NAME", "answered", "certificate", "handshake", "inbound",
    "outcome", "parse", "reply", "reports", "verify",
]  # fmt: skip

NAME = "bandwidth"
IDEMPOTENT = False
BATCHES = True
ACK = HttpReply(200, "text/plain")
_TOKEN, _BASIC = ("auth", ""), ("auth", "basic")
FIELDS: tuple[Field, ...] = (
    Field("account_id", r"[0-9]+", "the account's number, such as 9900000"),
    Field("application_id", r"[0-9a-fA-F-]{36}", "the messaging application's id, a UUID"),
    Field("callback_user", r"[^:\s]+", "the user that the application's callbacks come with"),
    Field("callback_password", r"[!-~]+", "the password of those callbacks", secret=True),
    Field("client_id", r"[!-~]+", "the id of an API credential", only_with=_TOKEN),
    Field("client_secret", r"[!-~]+", "its secret", secret=True, only_with=_TOKEN),
    Field("auth", r"basic", "basic, where an API user sends, or nothing", required=False),
    Field("api_user", r"[!-~]+", "the user name of an API user", only_with=_BASIC),
    Field("api_password", r"[!-~]+", "its password", secret=True, only_with=_BASIC),
)
_API = "https://messaging.bandwidth.com"
_TOKENS = "https://api.bandwidth.com"
_FATES = {"message-delivered": "delivered", "message-failed": "undelivered"}
_REPORTED: Mapping[str, tuple[str, str]] = {
    "4406": ("unreachable", "the number is not allocated"),
    "4475": ("opted_out", "the number has opted out"),
    "4482": ("unreachable", "the number is on Bandwidth's block list"),
    "4720": ("unreachable", "the number cannot get texts"),
}
"""``errorCode`` of message-failed."""


class _Message(msgspec.Struct, rename={"from_": "from"}):
    id: str = ""
    owner: str = ""
    direction: str = ""
    from_: str = ""
    time: str = ""
    text: GivenText = UNSET
    media: list[str] | None = None


class _Event(msgspec.Struct, rename={"error_code": "errorCode"}):
    """One event. ``to`` is the number of ours that it is about, of message-failed the other."""

    type: str = ""
    to: str = ""
    error_code: int | str | None = None
    message: _Message | None = None


class _Answer(msgspec.Struct):
    id: str = ""
    type: str = ""


_EVENTS: msgspec.json.Decoder[list[_Event] | _Event] = msgspec.json.Decoder(list[_Event] | _Event)
_ANSWER = msgspec.json.Decoder(_Answer)


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
    Raises ``Unreadable`` for what is no JSON of that shape, or lacks id, from or owner, and
    ``TextMissing`` where a message without media lacks its text.
    """
    messages = [
        event.message or _Message()
        for event in _events(request)
        if event.type == "message-received" and _comes_in(event.message)
    ]
    if any(not (message.id and message.from_ and message.owner) for message in messages):
        raise Unreadable("A message-received lacks id, from or owner; a text has them all.")
    return read_each(messages, lambda message: _inbound(message, request, account))


def _inbound(message: _Message, request: WebhookRequest, account: Account) -> InboundMessage:
    media = tuple(message.media or ())
    return InboundMessage(
        account=account.name,
        message_id=message.id,
        number=with_plus(message.from_),
        sender=with_plus(message.owner),
        text=promised_text(message.text, "text", request, optional=bool(media)),
        channel="mms" if media else "sms",
        sent_us=instant_us(message.time),
        media=media,
    )


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of texts of ours."""
    return [_report(event) for event in _events(request) if event.type in _FATES]


def _report(event: _Event) -> Report:
    message, code = event.message or _Message(), str(event.error_code or "")
    kind, note = known_of(code, _REPORTED)
    number, sender = with_plus(event.to), with_plus(message.owner)
    return Report(message.id, number, sender, kind, code, note, fate=_FATES[event.type])


def _events(request: WebhookRequest) -> list[_Event]:
    """The documentation shows a list, the OpenAPI file a single event: both are read."""
    events = read_json(request.body, _EVENTS, "Bandwidth")
    return events if isinstance(events, list) else [events]


def _comes_in(message: _Message | None) -> bool:
    """Whether a message is one to us; answering what goes out would make a loop."""
    return message is None or message.direction != "out"


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply``. Bandwidth takes no key; ``tag`` comes back.

    API users (HTTP Basic) end on 2 December 2026; from then on only access tokens count.
    """
    body = {
        "applicationId": account.options["application_id"],
        "to": [reply.number],
        "from": reply.sender,
        "text": reply.text,
        "tag": f"{reply.account}-{reply.id}",
    }
    basic = account.options.get("auth") == "basic"
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/api/v2/users/{account.options['account_id']}/messages",
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=json.dumps(body).encode("ascii"),
        auth=_api_user(account) if basic else None,
        token_from=None if basic else _credential(account),
    )


def _api_user(account: Account) -> tuple[str, str]:
    return account.options["api_user"], account.secrets["api_password"][0].value


def _credential(account: Account) -> HttpCall:
    """Where an API credential gets its access token (page Credential Management)."""
    url = f"{account.api_url or _TOKENS}/api/v1/oauth2/token"
    secret = account.secrets["client_secret"][0].value
    return token_call(url, account.options["client_id"], secret)


def outcome(response: HttpReply) -> Outcome:
    """Say what Bandwidth's response means; most failures are only told later, by a webhook."""
    answer = answer_json(response, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT, provider_id=answer.id)
    known: Meaning | None = None
    if response.status == 401:
        known = (Verdict.REFUSED, "the API credential is wrong, or may not send")
    return failed("Bandwidth", response, known, "see dev.bandwidth.com, messaging errors")


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
