"""Bandwidth, Messaging V2: webhooks with HTTP Basic in, messages out.

dev.bandwidth.com/docs/messaging (webhooks, createMessage, errors), dev.bandwidth.com/docs/account
(Credential Management, API User Migration); error numbers as in Bandwidth's api-docs. Read in
November 2026.

Bandwidth signs nothing. It sends the user and the password that its application was given, and
that password vouches for the whole request, the time of the text too. Because Bandwidth tries for
24 hours, arrival would let an old START undo a later STOP.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import HttpCall, InboundMessage, Reply, Verdict, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.domain.signing import same
from smsgate.providers.base import GivenText, Provider, Report, promised_text
from smsgate.providers.calls import basic_auth, json_call, token_call
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.reading import json_parts, read_json
from smsgate.settings import Account

_API = "https://messaging.bandwidth.com"
_TOKENS = "https://api.bandwidth.com"
_TAPPED = "suggestion-response"
_INBOUND = frozenset({"message-received", _TAPPED})
_TOKEN, _BASIC = ("auth", ""), ("auth", "basic")


class _Content(msgspec.Struct):
    """What a message on RCS has instead of ``text`` and ``media``."""

    text: GivenText = UNSET
    media: dict[str, object] | None = None


class _Tapped(msgspec.Struct, rename="camel"):
    """The reply that somebody chose from those that we had suggested: its label and our data."""

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


class Bandwidth(Provider):
    """Bandwidth; ``auth`` says whether an API credential sends, or an API user."""

    name = "bandwidth"
    label = "Bandwidth"
    needed = ("id", "from", "owner")
    refusal = "see dev.bandwidth.com, messaging errors"
    refusals = {401: (Verdict.REFUSED, "the API credential is wrong, or may not send")}
    batches = True
    fields = (
        Field("account_id", "the account's number, such as 9900000", r"[0-9]+"),
        Field("application_id", "the messaging application's id, a UUID", r"[0-9a-fA-F-]{36}"),
        Field("callback_user", "the user that the application's callbacks come with", r"[^:\s]+"),
        secret_field("callback_password", "the password of those callbacks"),
        Field("client_id", "the id of an API credential", only_with=_TOKEN),
        secret_field("client_secret", "its secret", only_with=_TOKEN),
        Field("auth", "basic, where an API user sends, or nothing", r"basic", required=False),
        Field("api_user", "the user name of an API user", only_with=_BASIC),
        secret_field("api_password", "its password", only_with=_BASIC),
    )
    delivery_statuses = {"message-delivered": "delivered", "message-failed": "undelivered"}
    # ``errorCode`` of message-failed.
    report_codes = {
        "4406": ("unreachable", "the number is not allocated"),
        "4475": ("opted_out", "the number has opted out"),
        "4482": ("unreachable", "the number is on Bandwidth's block list"),
        "4720": ("unreachable", "the number cannot get texts"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the request came with the callbacks' user and password; they have no time."""
        given = request.headers.get("authorization", "")
        user = account.options.get("callback_user", "")
        passwords = account.values_of("callback_password")
        if not any(same(given, basic_auth(user, password)) for password in passwords):
            raise SignatureRefused(
                "The request does not come with this account's callback_user and "
                "callback_password. They must be those of the application at Bandwidth."
            )

    def parts(self, request: WebhookRequest) -> list[bytes]:
        """The documentation shows a list, the OpenAPI file a single event: both are read."""
        return json_parts(request.body, "Bandwidth")

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text of an event; none for what became of texts of ours.

        In a group every number of ours gets a copy with an id of its own, which ``owner`` tells
        apart. What was tapped on RCS counts as texted.
        """
        event = _event(request.body)
        message = event.message or _Message()
        # Answering a message that goes out would make a loop.
        if event.type not in _INBOUND or message.direction == "out":
            return None
        content = message.content or _Content()
        file = (content.media or {}).get("fileUrl")
        media = tuple(message.media or ([file] if isinstance(file, str) else []))
        given = message.text or (message.text if content.text is UNSET else content.text)
        field = "text"
        if event.type == _TAPPED:
            # The label of what was tapped: the subscriber read that. Without one, our data.
            tapped, field = message.tapped or _Tapped(), "suggestionResponse.text"
            given = tapped.text or _unpacked(tapped.postback_data) or given or tapped.text
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

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        event = _event(request.body)
        message, code = event.message or _Message(), str(event.error_code or "")
        yield from self.report(event.type, code, message.id, event.to, message.owner)

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        content = {
            "id": message.message_id,
            "owner": message.sender,
            "applicationId": account.options["application_id"],
            "segmentCount": 1,
            "direction": "in",
            "to": [message.sender],
            "from": message.number,
            "text": message.text,
            **({"media": list(message.media)} if message.media else {}),
            **({} if message.sent_us is None else {"time": iso_time(message.sent_us)}),
        }
        event = {
            "type": "message-received",
            "description": "Incoming message received",
            "to": message.sender,
            "message": content,
        }
        password = account.newest_secret("callback_password")
        headers = {
            "authorization": basic_auth(account.options["callback_user"], password),
            "content-type": "application/json; charset=utf-8",
        }
        body = json.dumps([event], ensure_ascii=False).encode(errors="replace")
        return WebhookRequest("POST", url, headers, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply``. Bandwidth takes no key; ``tag`` comes back.

        API users (HTTP Basic) end on 2 December 2026; from then on only access tokens count.
        """
        options = account.options
        content = {
            "applicationId": options["application_id"],
            "to": [reply.number],
            "from": reply.sender,
            "text": reply.text,
            "tag": f"{reply.account}-{reply.id}",
        }
        url = f"{account.api_url or _API}/api/v2/users/{options['account_id']}/messages"
        if options.get("auth") == "basic":
            user = (options["api_user"], account.newest_secret("api_password"))
            return json_call(url, content, auth=user)
        token_url = f"{account.api_url or _TOKENS}/api/v1/oauth2/token"
        token = token_call(token_url, options["client_id"], account.newest_secret("client_secret"))
        return json_call(url, content, token_from=token)


def _event(part: bytes) -> _Event:
    return read_json(part, _Event, "Bandwidth")


def _unpacked(postback: str) -> str:
    """Decode Base64; return the postback as it is where it is something else."""
    try:
        return base64.b64decode(postback, validate=True).decode()
    except ValueError:
        return postback
