"""Azure Communication Services: SMS in through Event Grid, SMS out through its REST API.

learn.microsoft.com/azure/event-grid (Webhook event delivery, Endpoint validation with the
CloudEvents schema, Deliver events to Microsoft Entra protected endpoints, secure-webhook-delivery,
Delivery and retry, Azure Communication Services telephony and SMS events),
learn.microsoft.com/rest/api/communication (SMS), learn.microsoft.com/azure/communication-services
(SMS FAQ, Sign an HTTP request) and learn.microsoft.com/entra/identity-platform (Access tokens,
Access token claims reference). Read in November 2026.

Event Grid signs nothing. Either the URL ends with a secret of the account, or the request bears the
token that Microsoft Entra made for Event Grid, to our application. The token says who calls and not
what: it covers no text, so of a token that has ended nothing counts, not even an opt-out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET

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
from smsgate.domain.phone import is_toll_free, with_plus
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.providers.azure.entra import check_token, keys_call
from smsgate.providers.base import (
    GivenText,
    Handshake,
    Provider,
    Report,
    answer_text,
    answered_by_network,
    promised_text,
)
from smsgate.providers.calls import idempotency_text
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.path_secret import check_path
from smsgate.providers.reading import json_parts, read_json, readable
from smsgate.providers.tokens import from_base64
from smsgate.settings import Account

_SMS = "/sms?api-version=2021-03-07"
_NAMESPACE = uuid.UUID("6f1c1a52-3a0e-4d0b-9d55-0c8f6f3f9a11")
_HALF_LIFE_US = 150_000_000
_ORIGIN = re.compile(r"[A-Za-z0-9.-]{1,253}")
_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_RECEIVED = "Microsoft.Communication.SMSReceived"
_REPORTED = "Microsoft.Communication.SMSDeliveryReportReceived"
# What the opt-out management of US short codes answers; the toll-free network has its own.
_ANSWERED = frozenset({"STOP", "START", "HELP"})
_MAX_SHORT_CODE_DIGITS = 6


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


class Azure(Provider):
    """A resource of Azure Communication Services; ``scheme`` is ``entra`` where it sends tokens."""

    name = "azure"
    label = "Azure"
    needed = ("messageId", "from", "to")
    refusal = "the number, the sender or the text is not valid"
    refusals = {401: (Verdict.REFUSED, "access_key is wrong, or this host's clock")}
    sent_id_at = "value.0.messageId"
    idempotent = True
    batches = True
    fields = (
        Field("endpoint", "the resource's endpoint, https://NAME.…", r"https://[a-z0-9.-]+"),
        secret_field("access_key", "an access key of the resource", r"[A-Za-z0-9+/]+={0,2}"),
        secret_field(
            "webhook_secret",
            "a random text of letters, digits, -, _ and ~, the last part of the webhook's address",
            only_with=("scheme", ""),
            path_with=("scheme", ""),
        ),
        Field("scheme", "entra, where Event Grid sends Entra's tokens", r"entra", required=False),
        Field(
            "tenant", "the id of the Entra tenant", r"[0-9a-f-]{36}", only_with=("scheme", "entra")
        ),
        secret_field(
            "application",
            "the id or URI of the Entra application that the subscription names",
            only_with=("scheme", "entra"),
        ),
    )
    delivery_statuses = {"Delivered": "delivered", "Failed": "undelivered"}
    report_codes = {  # By the beginning of deliveryStatusDetails.
        "Sender blocked for given recipient": (
            "opted_out",
            "the number has sent STOP to the sender",
        ),
    }

    def certificate(self, request: WebhookRequest, account: Account) -> HttpCall | None:
        """Describe the call that gives the tenant's keys, where Entra's tokens are asked for."""
        if not _by_token(account):
            return None
        return keys_call(account)

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the request is Event Grid's by the account's ``scheme``."""
        if _by_token(account):
            check_token(request, account, now_us)
        else:
            check_path(request, account, "webhook_secret")

    def handshake(self, request: WebhookRequest, account: Account) -> Handshake | None:
        """Answer what Event Grid asks of a new subscription's endpoint, if the request is that.

        In Event Grid's schema an event with a code, in CloudEvents an OPTIONS with an origin.
        """
        if request.method == "OPTIONS":
            return Handshake(_allowed(request.headers.get("webhook-request-origin", "")))
        for event in readable(self.parts(request), _event):
            if event.kind == _VALIDATION:
                body = msgspec.json.encode({"validationResponse": _data(event).validation_code})
                return Handshake(HttpReply(200, "application/json", body))
        return None

    def parts(self, request: WebhookRequest) -> list[bytes]:
        """Event Grid posts a list, of one unless batches are on; a single CloudEvent has none."""
        return json_parts(request.body, "Event Grid")

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text of an event; none for other events.

        The secret in the URL vouches for their times too.
        """
        event = _event(request.body)
        if event.kind not in (_RECEIVED, _REPORTED):
            return None
        text = _data(event)
        if event.kind == _REPORTED:
            return None
        return InboundMessage(
            account=account.name,
            message_id=text.message_id,
            number=with_plus(text.sender),
            sender=with_plus(text.to),
            text=promised_text(text.message, "message", request),
            sent_us=instant_us(text.received_timestamp),
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        event = _event(request.body)
        if event.kind == _REPORTED:
            data = _data(event)
            details = data.delivery_status_details or ""
            code = next((known for known in self.report_codes if details.startswith(known)), "")
            status, id_ = data.delivery_status, data.message_id
            yield from self.report(status, code, id_, data.to, data.sender)

    def answered(self, message: InboundMessage) -> str:
        if is_toll_free(message.sender):
            return "network" if answered_by_network(message) else ""
        short = message.sender.isdigit() and len(message.sender) <= _MAX_SHORT_CODE_DIGITS
        return "provider" if short and message.text.strip().upper() in _ANSWERED else ""

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        """Return the webhook by which Event Grid would post ``message``; the URL gets the secret.

        Raises ``AccountNotReady`` for ``scheme = "entra"``: nobody but Entra can make its tokens.
        """
        if _by_token(account):
            return super().inbound(message, account, url)
        sent_us = message.sent_us
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
                **({} if sent_us is None else {"receivedTimestamp": iso_time(sent_us)}),
            },
        }
        headers = {"content-type": "application/json", "aeg-event-type": "Notification"}
        secret = account.newest_secret("webhook_secret")
        return WebhookRequest("POST", f"{url}/{secret}", headers, msgspec.json.encode([event]))

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` from the number that was texted.

        Azure sends nothing twice for one repeatabilityRequestId. The time that is signed is the
        middle of the five minutes before the reply's deadline, in which it leaves.
        """
        time = formatdate(max(reply.deadline_us - _HALF_LIFE_US, 0) // 1_000_000, usegmt=True)
        recipient = {
            "to": reply.number,
            "repeatabilityRequestId": str(uuid.uuid5(_NAMESPACE, idempotency_text(reply))),
            "repeatabilityFirstSent": time,
        }
        body = msgspec.json.encode(
            {"from": reply.sender, "smsRecipients": [recipient], "message": reply.text}
        )
        url = (account.api_url or account.options["endpoint"]) + _SMS
        key = account.newest_secret("access_key")
        headers = {"Content-Type": "application/json", **_authorization(url, body, key, time)}
        return HttpCall("POST", url, headers, body)

    def outcome(self, response: HttpReply, account: Account | None = None) -> Outcome:
        """Say what Azure's response to ``reply`` means: a refusal can come with 202."""
        status = answer_text(response, "value.0.httpStatusCode")
        if 200 <= response.status < 300 and status.isdecimal():
            response = replace(response, status=int(status))
        return super().outcome(response)


def _by_token(account: Account) -> bool:
    return account.options.get("scheme") == "entra"


# --- events ---------------------------------------------------------------------------------------


def _event(part: bytes) -> _Event:
    event = read_json(part, _Event, "Event Grid")
    if not event.kind:
        raise Unreadable("An event lacks eventType, or in CloudEvents type.")
    return event


def _data(event: _Event) -> _Data:
    return read_json(bytes(event.data), _Data, "Event Grid")


def _allowed(origin: str) -> HttpReply:
    """Allow an origin to post here (CloudEvents, HTTP 1.1 Web Hooks, 4) if it is a host's name."""
    if not _ORIGIN.fullmatch(origin):
        return HttpReply(405, "text/plain", headers={"Allow": "POST"})
    granted = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST"}
    return HttpReply(200, "text/plain", headers=granted)


# --- sending --------------------------------------------------------------------------------------


def _authorization(url: str, body: bytes, key: str, time: str) -> dict[str, str]:
    """Sign a call with an access key ("Sign an HTTP request")."""
    parts = urlsplit(url)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    signed = f"POST\n{parts.path}?{parts.query}\n{time};{parts.netloc};{digest}"
    # What is no base64 signs like nothing: Azure refuses that, and says so.
    code = base64.b64encode(hmac.digest(from_base64(key), signed.encode(), "sha256")).decode()
    names = "SignedHeaders=x-ms-date;host;x-ms-content-sha256"
    return {
        "x-ms-date": time,
        "x-ms-content-sha256": digest,
        "Authorization": f"HMAC-SHA256 {names}&Signature={code}",
    }
