"""What Event Grid posts: the validation of a new subscription, texts, delivery reports."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import AccountNotReady, Unreadable
from smsgate.domain.messages import HttpCall, HttpReply, InboundMessage, WebhookRequest
from smsgate.domain.phone import is_toll_free, with_plus
from smsgate.domain.signing import instant_us, iso_time
from smsgate.providers.azure.entra import check_token, keys_call
from smsgate.providers.contract import (
    GivenText,
    Handshake,
    Report,
    answered_by_network,
    check_path,
    json_parts,
    known_of,
    promised_text,
    read_each,
    read_json,
    readable,
)
from smsgate.settings import Account

_ORIGIN = re.compile(r"[A-Za-z0-9.-]{1,253}")
_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_RECEIVED = "Microsoft.Communication.SMSReceived"
_DELIVERED = "Microsoft.Communication.SMSDeliveryReportReceived"
# What the opt-out management of US short codes answers; the toll-free network has its own.
_ANSWERED = frozenset({"STOP", "START", "HELP"})
_LONGEST_SHORT_CODE = 6
_FATES = {"Delivered": "delivered", "Failed": "undelivered"}
_REPORTED: Mapping[str, tuple[str, str]] = {  # By the beginning of deliveryStatusDetails.
    "Sender blocked for given recipient": ("opted_out", "the number has sent STOP to the sender"),
}


class _Data(msgspec.Struct, rename="camel"):
    message_id: str = ""
    sender: str = msgspec.field(name="from", default="")
    to: str = ""
    message: GivenText = UNSET
    received_timestamp: str = ""
    validation_code: str = ""
    delivery_status: str = ""
    delivery_status_details: str | None = None


class _Event(msgspec.Struct, rename="camel"):
    """An event in either schema: Event Grid's has ``eventType``, CloudEvents 1.0 ``type``."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    event_type: str = ""
    type: str = ""

    @property
    def kind(self) -> str:
        return self.event_type or self.type


_EVENT = msgspec.json.Decoder(_Event)
_DATA = msgspec.json.Decoder(_Data)


def certificate(request: WebhookRequest, account: Account) -> HttpCall | None:  # noqa: ARG001
    """Describe the call that gives Entra's keys, where the account asks for Entra's tokens."""
    return keys_call(account) if _by_token(account) else None


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if the request is Event Grid's by the account's ``scheme``: it signs nothing.

    Either the URL ends with a secret of the account, or there is a token of Entra's. Raises
    ``SignatureRefused``.
    """
    if _by_token(account):
        check_token(request, account, now_us)
    else:
        check_path(request, account, "webhook_secret")


def _by_token(account: Account) -> bool:
    return account.options.get("scheme") == "entra"


def handshake(request: WebhookRequest, account: Account) -> Handshake | None:  # noqa: ARG001
    """Answer what Event Grid asks of a new subscription's endpoint, if the request is that.

    In Event Grid's schema an event with a code, in CloudEvents an OPTIONS with an origin.
    """
    if request.method == "OPTIONS":
        return Handshake(_allowed(request.headers.get("webhook-request-origin", "")))
    for event in readable(_events(request), _event):
        if event.kind == _VALIDATION:
            code = _data(event).validation_code
            body = msgspec.json.encode({"validationResponse": code})
            return Handshake(HttpReply(200, "application/json", body))
    return None


def _allowed(origin: str) -> HttpReply:
    """Let an origin post here (CloudEvents, HTTP 1.1 Web Hooks, 4); no name of a host is none."""
    if not _ORIGIN.fullmatch(origin):
        return HttpReply(405, "text/plain", headers={"Allow": "POST"})
    granted = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST"}
    return HttpReply(200, "text/plain", headers=granted)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the texts in a verified webhook; none for other events.

    The secret in the URL vouches for their times too. Raises ``Unreadable`` for what is not
    Event Grid's JSON, ``PartUnreadable`` where one of the events is none, or one of the texts
    lacks an id, a sender or a receiver, and ``TextMissing`` where one lacks its words.
    """
    return read_each(_events(request), lambda part: _inbound(part, request, account))


def _inbound(part: bytes, request: WebhookRequest, account: Account) -> InboundMessage | None:
    event = _event(part)
    if event.kind not in (_RECEIVED, _DELIVERED):
        return None
    text = _data(event)
    if event.kind == _DELIVERED:
        return None
    if not (text.message_id and text.sender and text.to):
        raise Unreadable("An event lacks messageId, from or to; a text from Azure has them all.")
    return InboundMessage(
        account=account.name,
        message_id=text.message_id,
        number=with_plus(text.sender),
        sender=with_plus(text.to),
        text=promised_text(text.message, "message", request),
        sent_us=instant_us(text.received_timestamp),
    )


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of texts of ours."""
    events = readable(_events(request), _event)
    told = readable((event for event in events if event.kind == _DELIVERED), _data)
    return [_report(one) for one in told if one.delivery_status in _FATES]


def _report(told: _Data) -> Report:
    details = told.delivery_status_details or ""
    code = next((known for known in _REPORTED if details.startswith(known)), "")
    kind, note = known_of(code, _REPORTED)
    number, sender = with_plus(told.to), with_plus(told.sender)
    fate = _FATES[told.delivery_status]
    return Report(told.message_id, number, sender, kind, code, note, fate=fate)


def answered(message: InboundMessage) -> str:
    """Say who answers this very message without us: ``provider``, ``network`` or ``""``."""
    if is_toll_free(message.sender):
        return "network" if answered_by_network(message) else ""
    short = message.sender.isdigit() and len(message.sender) <= _LONGEST_SHORT_CODE
    return "provider" if short and message.text.strip().upper() in _ANSWERED else ""


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Event Grid would post ``message``; the URL gets the secret.

    Raises ``AccountNotReady`` for ``scheme = "entra"``: nobody but Entra can make its tokens.
    """
    if _by_token(account):
        raise AccountNotReady(
            f"Tokens for account {account.name!r} are made by Entra alone, so no webhook can be "
            "made here; text the number itself."
        )
    event = {
        "id": message.message_id,
        "subject": f"/phonenumber/{message.sender.removeprefix('+')}",
        "eventType": _RECEIVED,
        "dataVersion": "1.0",
        "data": {
            "messageId": message.message_id,
            "from": message.number.removeprefix("+"),
            "to": message.sender.removeprefix("+"),
            "message": message.text,
            **({} if message.sent_us is None else {"receivedTimestamp": iso_time(message.sent_us)}),
        },
    }
    headers = {"content-type": "application/json", "aeg-event-type": "Notification"}
    secret = account.secrets["webhook_secret"][0].value
    return WebhookRequest("POST", f"{url}/{secret}", headers, msgspec.json.encode([event]))


def _events(request: WebhookRequest) -> list[bytes]:
    """Event Grid posts a list, of one unless batches are on; a single CloudEvent stands alone."""
    return json_parts(request.body, "Event Grid")


def _event(part: bytes) -> _Event:
    event = read_json(part, _EVENT, "Event Grid")
    if not event.kind:
        raise Unreadable("An event lacks eventType, or in CloudEvents type.")
    return event


def _data(event: _Event) -> _Data:
    return read_json(bytes(event.data), _DATA, "Event Grid")
