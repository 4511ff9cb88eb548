"""Vonage, the older SMS API: webhooks with a ``sig`` parameter in, messages out.

developer.vonage.com/en/messaging/sms (inbound SMS, delivery receipts, troubleshooting),
/en/getting-started/concepts/signing-messages, and the signing code of Vonage's Java, Node and
Python libraries. Read in November 2026.

Signed is ``&name=value`` for all parameters but ``sig`` in the order of their names, with ``&`` and
``=`` in values as ``_``: by MD5 with the secret behind it (``md5hash``), or by an HMAC. Vonage
signs only where its support turned that on; without, a secret in the URL is all there is.

A long text comes in parts, each a webhook with an id of its own, and nothing here could join
them. A part is handed on as what it is, ``[part 2 of 3] …``: so its words can still ask for an end
or for a person's eye, but a part that happens to be the one word START opts nobody in.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.gsm import fits_gsm
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
from smsgate.domain.signed_times import check_time, instant_us, iso_time, seconds_us
from smsgate.domain.signing import as_bytes, same
from smsgate.providers.base import Provider, Report, promised_text
from smsgate.providers.calls import FORM, Meaning, not_sent
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.forms import Pair, form_call, form_pairs, form_texts
from smsgate.providers.path_secret import check_path
from smsgate.providers.reading import read_answer
from smsgate.settings import Account

_API = "https://rest.nexmo.com"
_DEFAULT_SCHEME = "sha256"
_MAX_FIELDS = 100
_JSON = "application/json"
_READ_ONCE = frozenset(
    {"messageId", "msisdn", "to", "text", "type", "message-timestamp", "status", "err-code"}
)
_ACCEPTED = "0"
_CODES: Mapping[str, Meaning] = {
    "1": (Verdict.NOT_ACCEPTED, "too many requests"),
    "2": (Verdict.REFUSED, "a parameter is missing"),
    "3": (Verdict.REFUSED, "a parameter is wrong"),
    "4": (Verdict.REFUSED, "api_key or api_secret is wrong"),
    "5": (Verdict.UNKNOWN, "an error inside Vonage"),
    "6": (Verdict.REFUSED, "the number has an unknown prefix"),
    "7": (Verdict.REFUSED, "the number is barred"),
    "8": (Verdict.REFUSED, "the account is barred"),
    "9": (Verdict.REFUSED, "the account has no credit"),
    "10": (Verdict.NOT_ACCEPTED, "too many connections"),
    "12": (Verdict.REFUSED, "the text is too long"),
    "14": (Verdict.REFUSED, "the account wants signed calls"),
    "15": (Verdict.REFUSED, "the sender is not allowed there"),
    "29": (Verdict.REFUSED, "a trial account may only text its own numbers"),
    "33": (Verdict.REFUSED, "the number is no longer in use"),
}
"""``status`` of each message in the response, whose HTTP status is 200 whatever happened."""


class _Message(msgspec.Struct):
    status: str | int = ""


class _Answer(msgspec.Struct):
    messages: list[_Message] = []


class VonageSms(Provider):
    """Vonage's SMS API; ``scheme`` says how its webhooks are signed, ``path`` that they are not."""

    name = "vonage_sms"
    label = "Vonage"
    title = "Vonage (older SMS API)"
    needed = ("messageId", "msisdn", "to")
    refusal = "the call was refused"
    sent_id_at = "messages.0.message-id"
    fields = (
        Field("api_key", "the account's API key, such as a1b2c3d4", r"[0-9A-Za-z]+"),
        secret_field("api_secret", "the account's API secret, for sending"),
        secret_field(
            "webhook_secret",
            'the account\'s signature secret, or with scheme = "path" a long secret of your own '
            "that ends the webhook's URL",
            path_with=("scheme", "path"),
        ),
        Field(
            "scheme",
            "md5hash, md5, sha1, sha256 or sha512, as the account signs, or path",
            r"md5hash|md5|sha1|sha256|sha512|path",
            required=False,
        ),
    )
    code_is_final = True
    delivery_statuses = {
        "delivered": "delivered",
        "expired": "undelivered",
        "failed": "undelivered",
        "rejected": "failed",
    }
    # ``err-code`` of delivery receipts.
    report_codes = {
        "3": ("unreachable", "the number is no longer in use"),
        "4": ("unreachable", "the subscriber has all texts barred"),
        "9": ("opted_out", "the number has opted out of texts from this sender"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the request is Vonage's by the account's ``scheme``."""
        scheme = _scheme(account)
        if scheme == "path":
            check_path(request, account, "webhook_secret")
            return
        parameters = _unambiguous(request)
        given = parameters.pop(b"sig", b"").lower()
        expected = _expected(parameters, account.values_of("webhook_secret"), scheme)
        if not any(same(given, fit) for fit in expected):
            raise SignatureRefused(
                f"The sig is missing or does not fit. It must be made by {scheme} with the "
                "account's signature secret over all parameters."
            )
        ours = as_bytes(account.options.get("api_key", ""))
        if parameters.get(b"api-key", b"") not in (b"", ours):
            raise SignatureRefused("The api-key is not that of the account in the URL.")
        time = parameters.get(b"timestamp", b"").decode("latin-1")
        check_time(seconds_us(time) or 0, now_us)

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text, or the part of one, in a verified webhook; none for a delivery receipt.

        Whatever verifies vouches for the whole request, a secret in the path too, and so for the
        time of the text.
        """
        fields = form_texts(_parameters(request), _READ_ONCE)
        if _is_receipt(fields):
            return None
        binary = fields.get("type", "").lower() == "binary"
        text = promised_text(fields.get("text", UNSET), "text", request, optional=binary)
        if fields.get("concat", "").lower() == "true":
            part, total = fields.get("concat-part", ""), fields.get("concat-total", "")
            text = f"[part {part[:3]} of {total[:3]}] {text}"
        return InboundMessage(
            account=account.name,
            message_id=fields.get("messageId", ""),
            number=with_plus(fields.get("msisdn", "")),
            sender=with_plus(fields.get("to", "")),
            text=text,
            sent_us=instant_us(fields.get("message-timestamp", "")),
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        fields = form_texts(_parameters(request), _READ_ONCE)
        if _is_receipt(fields):
            names = ("status", "err-code", "messageId", "msisdn", "to")
            yield from self.report(*(fields.get(name, "") for name in names))

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        sent_us = message.sent_us or 0
        form = {
            "api-key": account.options["api_key"],
            "messageId": message.message_id,
            "msisdn": message.number.removeprefix("+"),
            "text": message.text.encode(errors="replace").decode(),
            "to": message.sender.removeprefix("+"),
            "type": "text" if message.text.isascii() else "unicode",
            "message-timestamp": iso_time(sent_us)[:19].replace("T", " "),
        }
        scheme, secret = _scheme(account), account.newest_secret("webhook_secret")
        if scheme == "path":
            url = f"{url}/{secret}"
        else:
            form["timestamp"] = str(sent_us // 1_000_000)
            pairs = [(as_bytes(name), as_bytes(value)) for name, value in form.items()]
            form["sig"] = _signature(pairs, secret, scheme)
        return WebhookRequest("POST", url, {"content-type": FORM}, urlencode(form).encode("ascii"))

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply``. No repeat is safe."""
        form = {
            "from": reply.sender.removeprefix("+"),
            "to": reply.number.removeprefix("+"),
            "text": reply.text,
            "type": "text" if fits_gsm(reply.text) else "unicode",
            "client-ref": f"{reply.account}-{reply.id}"[:40],
        }
        return form_call(
            f"{account.api_url or _API}/sms/json",
            form,
            headers={"Accept": "application/json"},
            auth=(account.options["api_key"], account.newest_secret("api_secret")),
        )

    def outcome(self, response: HttpReply, account: Account | None = None) -> Outcome:
        """Say what Vonage's response to ``reply`` means. Never raises; repeats no number.

        A number that opted out is accepted here; a delivery receipt reports it later.
        """
        messages = read_answer(response, _Answer).messages
        statuses = [str(message.status) for message in messages]
        if not 200 <= response.status < 300 or {*statuses} <= {_ACCEPTED}:
            return super().outcome(response)
        if _ACCEPTED in statuses:
            meaning = (Verdict.UNKNOWN, "only some parts of the text were accepted")
        else:
            verdict, words = _CODES.get(statuses[0], (Verdict.UNKNOWN, "not known"))
            meaning = (verdict, f"status {statuses[0][:3]}, {words}")
        return not_sent("Vonage", response, meaning)


def _scheme(account: Account) -> str:
    return account.options.get("scheme") or _DEFAULT_SCHEME


def _parameters(request: WebhookRequest) -> tuple[Pair, ...]:
    """Names and values: of the query of a GET, of a JSON object, or of a form.

    Raises ``Unreadable`` for JSON of another shape.
    """
    if request.method == "GET":
        return form_pairs(as_bytes(request.query))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        return form_pairs(request.body)
    try:
        values = msgspec.json.decode(request.body, type=dict[str, str | int])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Unreadable("Vonage posts a JSON object of texts and whole numbers.") from None
    return tuple((as_bytes(name), as_bytes(str(value))) for name, value in values.items())


def _unambiguous(request: WebhookRequest) -> dict[bytes, bytes]:
    """The parameters, if what is signed can be read in no other way. Raises ``SignatureRefused``.

    Names are signed as they are: one with ``&`` or ``=`` in it could hide others.
    """
    if max(request.body.count(b"&"), request.url.count("&")) >= _MAX_FIELDS:
        raise SignatureRefused(f"There are over {_MAX_FIELDS} parameters; Vonage sends dozens.")
    try:
        pairs = _parameters(request)
    except Unreadable as error:
        raise SignatureRefused(str(error)) from None
    parameters = dict(pairs)
    if len(parameters) < len(pairs) or any(b"&" in name or b"=" in name for name in parameters):
        raise SignatureRefused("A parameter is repeated, or has & or = in its name.")
    return parameters


def _expected(parameters: dict[bytes, bytes], secrets: list[str], scheme: str) -> Iterator[str]:
    """Every signature that would do. Vonage's libraries disagree whether blank values count."""
    filled = {name: value for name, value in parameters.items() if value.strip()}
    spellings = [parameters] if len(filled) == len(parameters) else [parameters, filled]
    for secret in secrets:
        for spelling in spellings:
            yield _signature(spelling.items(), secret, scheme)


def _signature(pairs: Iterable[Pair], secret: str, scheme: str) -> str:
    plain = ((name, value.replace(b"&", b"_").replace(b"=", b"_")) for name, value in sorted(pairs))
    text = b"".join(b"&%b=%b" % pair for pair in plain)
    key = as_bytes(secret)
    if scheme == "md5hash":
        return hashlib.md5(text + key, usedforsecurity=False).hexdigest()
    return hmac.digest(key, text, scheme).hex()


def _is_receipt(fields: Mapping[str, str]) -> bool:
    """Whether this is about a text of ours. In doubt it is one to us, which must not be lost."""
    return "text" not in fields and ("err-code" in fields or "status" in fields)
