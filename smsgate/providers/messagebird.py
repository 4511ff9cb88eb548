"""MessageBird, the classic platform (rest.messagebird.com): SMS webhooks in, SMS API out.

developers.messagebird.com/api (webhook signatures, SMS messaging, received SMS), and
github.com/messagebird/python-rest-api 2.2 (request_validator.py, signed_request.py and their
tests). The names of the fields of a received SMS were not found on a page of MessageBird's that
is still there; those of a text to a short code are from the tests of a library that quotes it
(messagebird-async for Rust). Read in November 2026.

Signatures: ``jwt`` (the default): MessageBird-Signature-JWT holds hashes of the URL and of the
body, and is good for a minute. ``timestamp`` (deprecated by MessageBird): MessageBird-Signature is
an HMAC over the time, the sorted query and the hash of the body. A request is never tried by the
other one.

Webhooks are GET or POST; the fields stand in the query, in a form or in JSON. All of these are
signed. A text to a number has ``id``, ``recipient`` and ``body``; one to a short code has ``mid``,
``shortcode`` and ``message`` instead, and a time whose zone is not documented.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureExpired, SignatureRefused
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.phone import with_plus
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.domain.signing import as_bytes, same
from smsgate.providers.base import GivenText, Provider, Report, answer_text, promised_text
from smsgate.providers.calls import FORM, Meaning, json_call
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.forms import form_pairs, form_texts
from smsgate.providers.reading import read_json
from smsgate.providers.shared_schemes import check_messagebird, messagebird_headers
from smsgate.providers.tokens import hs256_token, jwt_claims
from smsgate.settings import Account

_API = "https://rest.messagebird.com"
_JWT = "messagebird-signature-jwt"
_ISSUER = "MessageBird"
_LEEWAY_S = 1
_GOOD_FOR_S = 60
_OPTED_OUT = "103"
# docs.bird.com, "SMS Platform Extended Error Codes": unknown subscriber, opted out.
_CODES: Mapping[str, str] = {
    "2": "access_key is wrong",
    "9": "a parameter is missing or wrong",
    "10": "a parameter is missing or wrong",
    "20": "there is no such thing",
    "21": "the request is wrong",
    "25": "the account has no funds",
}
# A plus before the offset that is not escaped is read as a blank in forms and queries.
_LOST_PLUS = re.compile(r"(T[0-9:.]+) ")


class _Claims(msgspec.Struct):
    iss: str
    nbf: int
    exp: int
    url_hash: str
    payload_hash: str = ""


class _Fields(msgspec.Struct):
    """A received SMS; with a status, a report on one that was sent."""

    id: str = ""
    originator: str | int = ""
    recipient: str | int = ""
    body: GivenText = UNSET
    mid: str | int = ""
    shortcode: str | int = ""
    message: GivenText = UNSET
    createdDatetime: str = ""  # noqa: N815
    status: str = ""
    statusErrorCode: str | int | None = None  # noqa: N815


class MessageBird(Provider):
    """MessageBird; that a number opted out comes with the status report, if at all."""

    name = "messagebird"
    label = "MessageBird"
    title = "MessageBird (classic)"
    needed = ("id or mid", "originator", "recipient or shortcode")
    refusal = "see the API errors of MessageBird's documentation"
    fields = (
        secret_field("access_key", "a live access key of the REST API"),
        secret_field("signing_key", "the signing key of the dashboard, not an access key"),
        Field("scheme", "jwt or timestamp", r"jwt|timestamp", required=False),
    )
    delivery_statuses = {
        "delivered": "delivered",
        "delivery_failed": "undelivered",
        "expired": "undelivered",
    }
    report_codes = {
        "1": ("unreachable", "no network has such a subscriber"),
        "5": ("unreachable", "the subscriber cannot be identified"),
        "9": ("unreachable", "the network bars the subscriber"),
        "11": ("unreachable", "the subscriber has no SMS"),
        _OPTED_OUT: ("opted_out", "the number has opted out at MessageBird"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if MessageBird signed URL and body with a key of this account, lately."""
        keys = account.values_of("signing_key")
        if account.options.get("scheme") == "timestamp":
            check_messagebird(
                request.headers, _sorted_query(request.url), request.body, keys, now_us
            )
        else:
            _verify_jwt(request, keys, now_us)

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for a status report."""
        fields = _fields(request)
        text = fields.body or fields.message
        text = fields.body if text is UNSET else text
        if fields.status and not isinstance(text, str):
            return None
        id_, recipient = fields.id or fields.mid, fields.recipient or fields.shortcode
        return InboundMessage(
            account=account.name,
            message_id=str(id_),
            number=with_plus(str(fields.originator)),
            sender=with_plus(str(recipient)),
            text=promised_text(text, "body or message", request),
            sent_us=instant_us(_LOST_PLUS.sub(r"\1+", fields.createdDatetime)),
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        fields = _fields(request)
        status, code = fields.status, str(fields.statusErrorCode or "")
        if status and status not in self.delivery_statuses and code == _OPTED_OUT:
            status = "delivery_failed"
        number, sender = str(fields.recipient), str(fields.originator)
        yield from self.report(status, code, fields.id, number, sender)

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        sent_us = message.sent_us or 0
        form = {
            "id": message.message_id,
            "originator": message.number.removeprefix("+"),
            "recipient": message.sender.removeprefix("+"),
            "body": message.text,
            "createdDatetime": iso_time(sent_us),
        }
        body = urlencode(form, errors="replace").encode("ascii")
        headers = {"content-type": FORM, **_sign(url, body, account, sent_us // 1_000_000)}
        return WebhookRequest("POST", url, headers, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply``. MessageBird takes no idempotency key for it."""
        text = {
            "originator": reply.sender.removeprefix("+"),
            "recipients": [reply.number.removeprefix("+")],
            "body": reply.text,
            "datacoding": "auto",
        }
        headers = {"Authorization": f"AccessKey {account.newest_secret('access_key')}"}
        return json_call(f"{account.api_url or _API}/messages", text, headers=headers)

    def error(self, response: HttpReply) -> Meaning | None:
        words = _CODES.get(answer_text(response, "errors.0.code"))
        return (Verdict.REFUSED, words) if words else None


# --- signature ------------------------------------------------------------------------------------


def _sign(url: str, body: bytes, account: Account, at_s: int) -> dict[str, str]:
    """The headers by which MessageBird would sign a request with the newest key."""
    key = account.newest_secret("signing_key")
    if account.options.get("scheme") == "timestamp":
        return messagebird_headers(_sorted_query(url), body, key, at_s * 1_000_000)
    claims = _Claims(_ISSUER, at_s, at_s + _GOOD_FOR_S, _digest(as_bytes(url)), _payload(body))
    return {_JWT: hs256_token(msgspec.json.encode(claims), key)}


def _verify_jwt(request: WebhookRequest, keys: list[str], now_us: int) -> None:
    claims = jwt_claims(request.headers.get(_JWT, ""), keys, _Claims)
    if claims is None:
        raise SignatureRefused(
            "No key of the account signed MessageBird-Signature-JWT; `signing_key` must be the "
            "signing key of the dashboard, not an access key."
        )
    if not same(claims.url_hash, _digest(as_bytes(request.url))):
        raise SignatureRefused("MessageBird signed another URL than the public one of ours.")
    if claims.iss != _ISSUER or claims.payload_hash != _payload(request.body):
        raise SignatureRefused("MessageBird signed another body.")
    now_s = now_us // 1_000_000
    if not claims.nbf - _LEEWAY_S <= now_s <= claims.exp + _LEEWAY_S:
        raise SignatureExpired(
            "The signature is right, but it was good at another time; check this host's clock."
        )


def _sorted_query(url: str) -> str:
    """The query in the order of its names, escaped in the one usual way."""
    pairs = sorted(parse_qsl(url.partition("?")[2], keep_blank_values=True))
    return urlencode(pairs, errors="replace")


def _payload(body: bytes) -> str:
    """The hash of a body; of none, nothing."""
    return _digest(body) if body else ""


def _digest(signed: bytes) -> str:
    return hashlib.sha256(signed).hexdigest()


def _fields(request: WebhookRequest) -> _Fields:
    if "json" in request.headers.get("content-type", "").lower():
        return read_json(request.body, _Fields, "MessageBird")
    raw = request.body or as_bytes(request.query)
    return msgspec.convert(form_texts(form_pairs(raw), _Fields.__struct_fields__), _Fields)
