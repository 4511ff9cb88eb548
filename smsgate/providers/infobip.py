"""Infobip SMS: inbound messages (MO_JSON_2) and delivery reports in, SMS API v3 out.

infobip.com/docs/api/channels/sms (Receive inbound SMS messages, Send SMS messages v3),
…/channels/mms (Receive inbound MMS messages), infobip.com/docs/essentials (Subscriptions
management; status and error codes). How webhooks are signed is set in the account's notification
profile; those details were read second hand. Read in November 2026.

Infobip answers no keyword unless an account has it set up; then ``confirm`` must say so.

SMS come as MO_JSON_2, with ``text``; MMS as MO_MMS_2, with ``message``: a list of segments, words
in ``value`` and pictures in ``url``.

With the scheme ``exchange`` time and body are joined without anything between, so that a body which
begins with the digits of a time would fit ``hmac``, too. Hence the account names one scheme, and a
request is never tried by another.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.phone import with_plus
from smsgate.domain.signed_times import check_time, instant_us, iso_time
from smsgate.domain.signing import as_bytes, same
from smsgate.providers.base import GivenText, Provider, Report, answer_text, promised_text
from smsgate.providers.calls import Meaning, basic_auth, idempotency_key, json_call, not_sent
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.reading import parts_of, read_json
from smsgate.settings import Account

_SIGNATURE = "x-ib-exchange-req-signature"
_TIME = "x-ib-exchange-req-timestamp"
_PREFIX = "SHA256="
_STATUS, _REJECTED = "messages.0.status", "5"
_REJECTIONS: Mapping[str, Meaning] = {
    "REJECTED_DESTINATION_BLOCKLISTED": (Verdict.OPTED_OUT, "the number is on a blocklist"),  # 14
    "REJECTED_NOT_ENOUGH_CREDITS": (Verdict.REFUSED, "the account has no funds"),  # 12
    "REJECTED_SENDER": (Verdict.REFUSED, "the sender is on a blocklist"),  # 13
    "REJECTED_SOURCE": (Verdict.REFUSED, "the sender does not belong to the account"),  # 11
    "REJECTED_DESTINATION": (Verdict.REFUSED, "the number cannot be texted"),  # 52
}


class _Status(msgspec.Struct, rename="camel"):
    """A status or an error of Infobip, by its name."""

    group_id: int = 0
    name: str = ""


class _Segment(msgspec.Struct, rename="camel"):
    """A part of an MMS: words, or a picture."""

    content_type: str | None = None
    value: GivenText = UNSET
    url: str | None = None


class _Result(msgspec.Struct, rename="camel"):
    """A text to us, or, with a status, a delivery report; ``sender`` is ``from`` in both."""

    message_id: str = ""
    sender: str | None = msgspec.field(name="from", default=None)
    to: str = ""
    text: GivenText = UNSET
    message: list[_Segment] | None = None
    received_at: str = ""
    status: _Status | None = None
    error: _Status | None = None


class _Results(msgspec.Struct):
    results: list[msgspec.Raw]


class Infobip(Provider):
    """Infobip; ``scheme`` says how its notification profile signs webhooks."""

    name = "infobip"
    label = "Infobip"
    needed = ("messageId", "from", "to")
    refusal = "see the HTTP status codes of Infobip's API"
    sent_id_at = "messages.0.messageId"
    batches = True
    fields = (
        Field("host", "your base URL's host", r"[a-z0-9-]+\.api(-[a-z0-9]+)?\.infobip\.com"),
        secret_field("api_key", "an API key that may send SMS"),
        Field("scheme", "hmac, exchange or basic", r"hmac|exchange|basic"),
        secret_field(
            "webhook_secret",
            "the signing key of the notification profile; for basic the user, a colon, the "
            "password",
            r"[ -~]+",
        ),
        Field(
            "signature_header",
            "the header that the notification profile puts the signature in",
            r"[A-Za-z0-9-]+",
            only_with=("scheme", "hmac"),
        ),
    )
    # By group of status: undeliverable, delivered, expired, rejected. The first one is pending.
    delivery_statuses = {"2": "undelivered", "3": "delivered", "4": "undelivered", "5": "failed"}
    report_codes = {
        "REJECTED_DESTINATION_BLOCKLISTED": ("opted_out", "the number is on a blocklist"),
        "EC_UNKNOWN_SUBSCRIBER": ("unreachable", "no network has such a subscriber"),
        "EC_ILLEGAL_SUBSCRIBER": ("unreachable", "the network bars the subscriber"),
        "EC_TELESERVICE_NOT_PROVISIONED": ("unreachable", "the subscriber has no SMS"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the request bears what the account's ``scheme`` asks for, and no other."""
        given, scheme = request.headers.get(_header(account), ""), _scheme(account)
        if scheme == "hmac":
            given = given.removeprefix(_PREFIX)
        time = request.headers.get(_TIME, "")
        secrets = account.values_of("webhook_secret")
        if not any(same(given, one) for one in _expected(request.body, account, time, secrets)):
            raise SignatureRefused(
                f"The request does not bear in {_header(account)} what the account's `scheme` asks "
                "for; see the notification profile of the subscription."
            )
        if scheme == "exchange":
            if not (time.isascii() and time.isdigit()):
                raise SignatureRefused(f"{_TIME} is no time in milliseconds.")
            check_time(int(time[:18]) * 1000, now_us)

    def parts(self, request: WebhookRequest) -> list[bytes]:
        return parts_of(read_json(request.body, _Results, "Infobip").results, "Infobip")

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text of a result; none for a delivery report.

        Whatever verifies vouches for the whole request, ``basic`` too, and so for the times in it.
        """
        text = _result(request.body)
        if text.status is not None:
            return None
        segments = text.message or []
        media = tuple(segment.url for segment in segments if segment.url)
        # The words of an MMS are those of its text segments, a line each.
        words = [
            segment.value or ""
            for segment in segments
            if segment.value is not UNSET
            and (segment.content_type or "text/").lower().startswith("text/")
        ]
        given = "\n".join(words) if words and text.text is UNSET else text.text
        return InboundMessage(
            account=account.name,
            message_id=text.message_id,
            number=with_plus(text.sender or ""),
            sender=with_plus(text.to),
            text=promised_text(given, "text or message[].value", request, optional=bool(media)),
            channel="mms" if text.message else "sms",
            sent_us=instant_us(text.received_at),
            media=media,
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        result = _result(request.body)
        if result.status is not None:
            names = [one.name for one in (result.status, result.error) if one is not None]
            code = next((name for name in names if name in self.report_codes), names[-1])
            status, sender = str(result.status.group_id), result.sender or ""
            yield from self.report(status, code, result.message_id, result.to, sender)

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        sent_us = message.sent_us or 0
        text = {
            "messageId": message.message_id,
            "from": message.number.removeprefix("+"),
            "to": message.sender.removeprefix("+"),
            "text": message.text,
            "cleanText": message.text,
            "keyword": None,
            "receivedAt": iso_time(sent_us).replace("Z", "+0000"),
            "smsCount": 1,
            "callbackData": None,
        }
        body = msgspec.json.encode({"results": [text], "messageCount": 1, "pendingMessageCount": 0})
        headers = {"content-type": "application/json", **sign(body, account, sent_us)}
        return WebhookRequest("POST", url, headers, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` from the number that was texted.

        The message id is ours, so that logs can be compared; it is no idempotency key.
        """
        to = {"to": reply.number.removeprefix("+"), "messageId": idempotency_key(reply)[:36]}
        text = {
            "sender": reply.sender.removeprefix("+"),
            "destinations": [to],
            "content": {"text": reply.text},
        }
        return json_call(
            f"{account.api_url or 'https://' + account.options['host']}/sms/3/messages",
            {"messages": [text]},
            headers={"Authorization": f"App {account.newest_secret('api_key')}"},
        )

    def outcome(self, response: HttpReply, account: Account | None = None) -> Outcome:
        """Say what Infobip's response to ``reply`` means: a rejection comes with 200."""
        if 200 <= response.status < 300:
            group, name = (answer_text(response, f"{_STATUS}.{one}") for one in ("groupId", "name"))
            if group == _REJECTED:
                other = (Verdict.REFUSED, "see Infobip's status codes")
                return not_sent(self.label, response, _REJECTIONS.get(name, other))
        return super().outcome(response)


# --- signature ------------------------------------------------------------------------------------


def sign(body: bytes, account: Account, at_us: int) -> dict[str, str]:
    """Return the headers by which Infobip would sign ``body`` with the account's newest secret."""
    time = str(at_us // 1000)
    secret = account.newest_secret("webhook_secret")
    headers = {_header(account): next(iter(_expected(body, account, time, [secret])))}
    return headers | ({_TIME: time} if _scheme(account) == "exchange" else {})


def _expected(body: bytes, account: Account, time: str, secrets: Iterable[str]) -> Iterable[str]:
    """Every signature, or ``Authorization``, that would do."""
    if _scheme(account) == "basic":
        return [basic_auth(*secret.partition(":")[::2]) for secret in secrets]
    signed = as_bytes(time) + body if _scheme(account) == "exchange" else body
    return [hmac.digest(as_bytes(secret), signed, "sha256").hex() for secret in secrets]


def _scheme(account: Account) -> str:
    return account.options.get("scheme", "")


def _header(account: Account) -> str:
    """The header that the scheme uses; for ``hmac`` the one that the profile names."""
    names = {"exchange": _SIGNATURE, "basic": "authorization"}
    return names.get(_scheme(account)) or account.options.get("signature_header", "").lower()


# --- webhooks -------------------------------------------------------------------------------------


def _result(part: bytes) -> _Result:
    return read_json(part, _Result, "Infobip")
