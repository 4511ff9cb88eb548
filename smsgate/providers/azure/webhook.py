"""What Event Grid posts: the validation of a new subscription, texts, delivery reports."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.errors import SignatureRefused, Unreadable
from smsgate.messages import HttpReply, InboundMessage, WebhookRequest
from smsgate.phone import is_toll_free, with_plus
from smsgate.providers.contract import Handshake, Report, read_json
from smsgate.settings import Account
from smsgate.signing import instant_us, iso_time, path_secret, same

_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_RECEIVED = "Microsoft.Communication.SMSReceived"
_DELIVERED = "Microsoft.Communication.SMSDeliveryReportReceived"
# What the opt-out management of US short codes answers; the toll-free network has its own.
_ANSWERED = frozenset({"STOP", "START", "HELP"})
_NETWORK_ANSWERED = frozenset({"STOP", "START", "UNSTOP"})
_LONGEST_SHORT_CODE = 6
_REPORTED: Mapping[str, tuple[str, str]] = {  # By the beginning of deliveryStatusDetails.
    "Sender blocked for given recipient": ("opted_out", "the number has sent STOP to the sender"),
}


class _Data(msgspec.Struct, rename="camel"):
    message_id: str = ""
    sender: str = msgspec.field(name="from", default="")
    to: str = ""
    message: str | None = None
    received_timestamp: str = ""
    validation_code: str = ""
    delivery_status_details: str | None = None


class _Event(msgspec.Struct, rename="camel"):
    event_type: str
    data: msgspec.Raw


_EVENTS = msgspec.json.Decoder(list[_Event] | _Event)
_DATA = msgspec.json.Decoder(_Data)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:  # noqa: ARG001
    """Return if the URL ends with a secret of the account: Event Grid signs nothing.

    Raises ``SignatureRefused``.
    """
    given = path_secret(request.url)
    if not any(same(given, one.value) for one in account.secrets.get("webhook_secret", ())):
        raise SignatureRefused(
            "The URL does not end with a `webhook_secret` of the account, as in "
            "/webhooks/ACCOUNT/SECRET."
        )


def handshake(request: WebhookRequest, account: Account) -> Handshake | None:  # noqa: ARG001
    """Answer the validation event of a new subscription with the code in it, if it is one."""
    for event in _events(request):
        if event.event_type == _VALIDATION:
            code = _data(event).validation_code
            body = msgspec.json.encode({"validationResponse": code})
            return Handshake(HttpReply(200, "application/json", body))
    return None


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the texts in a verified webhook; none for other events.

    The secret in the URL vouches for their times too. Raises ``Unreadable`` for what is not
    Event Grid's JSON, or where one of the texts lacks an id, a sender or a receiver.
    """
    texts = [_data(event) for event in _events(request) if event.event_type == _RECEIVED]
    if not all(text.message_id and text.sender and text.to for text in texts):
        raise Unreadable("An event lacks messageId, from or to; a text from Azure has them all.")
    return [
        InboundMessage(
            account=account.name,
            message_id=text.message_id,
            number=with_plus(text.sender),
            sender=with_plus(text.to),
            text=text.message or "",
            sent_us=instant_us(text.received_timestamp),
        )
        for text in texts
    ]


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what delivery reports say of numbers."""
    told = [_data(event) for event in _events(request) if event.event_type == _DELIVERED]
    return [
        Report(one.message_id, with_plus(one.to), with_plus(one.sender), kind, details, note)
        for one in told
        for details, (kind, note) in _REPORTED.items()
        if (one.delivery_status_details or "").startswith(details)
    ]


def answered(message: InboundMessage) -> str:
    """Say who answers this very message without us: ``provider``, ``network`` or ``""``."""
    word = message.text.strip().upper()
    if is_toll_free(message.sender):
        return "network" if word in _NETWORK_ANSWERED else ""
    short = message.sender.isdigit() and len(message.sender) <= _LONGEST_SHORT_CODE
    return "provider" if short and word in _ANSWERED else ""


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Event Grid would post ``message``; the URL gets the secret."""
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


def _events(request: WebhookRequest) -> list[_Event]:
    """Event Grid posts a list, of one unless batches are on."""
    events = read_json(request.body, _EVENTS, "Event Grid")
    return events if isinstance(events, list) else [events]


def _data(event: _Event) -> _Data:
    return read_json(bytes(event.data), _DATA, "Event Grid")
