"""Webhooks as forms that are signed together with their URL.

What is signed are the bytes that the form spells once its escapes are undone. For UTF-8 those are
the bytes that Twilio's libraries sign; for anything else the libraries would replace what they
cannot read, and one signature would fit many bodies.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import count, product, takewhile
from typing import ClassVar
from urllib.parse import unquote_to_bytes, urlencode

from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.signing import Algorithm, as_bytes, hmac_base64, is_form, same
from smsgate.providers.base import GivenText, Report, answer_text, decoded_body, promised_text
from smsgate.providers.calls import FORM, coded, failed
from smsgate.providers.signed_url import check_body_hash, url_spellings
from smsgate.providers.twilio_requests import FLAGS, PREFIXED, TwilioRequests
from smsgate.settings import Account

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
"""The form of a UUID (RFC 9562, 4)."""
_MAX_FIELDS = 500
_ADDRESS = re.compile(r"[a-z]{2,20}:|\+?[0-9]{3}", re.ASCII)
"""How the address of somebody who texts begins: with its channel (``whatsapp:``), or a number."""
Pair = tuple[bytes, bytes]


@lru_cache(maxsize=32)
def form_pairs(raw: bytes) -> tuple[Pair, ...]:
    """Split ``application/x-www-form-urlencoded`` bytes into decoded names and values, in order.

    The rules are those of the URL standard (url.spec.whatwg.org, urlencoded parsing): ``&``
    separates, blank values stay, a name without ``=`` has a blank value, an escape that is none
    stays as it is. The values stay bytes: a signature covers bytes, whatever they spell.
    Verifying and reading ask for the same bytes one after the other, so the last are remembered.
    """
    pairs = []
    for piece in raw.replace(b"+", b" ").split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            if b"%" in piece:
                name = unquote_to_bytes(name) if b"%" in name else name
                value = unquote_to_bytes(value) if b"%" in value else value
            pairs.append((name, value))
    return tuple(pairs)


def form_texts(pairs: Sequence[Pair], once: Container[str]) -> dict[str, str]:
    """Return the form as texts, the first value of each name. Raises ``Unreadable``.

    A name in ``once`` must not have two values: where a signature covers repeated values sorted,
    which of them came first proves nothing.
    """
    try:
        fields = {name.decode(): value.decode() for name, value in pairs}
        if len(fields) < len(pairs):
            return _first_of_each(pairs, once)
    except UnicodeDecodeError:
        raise Unreadable("The form has bytes that are no UTF-8.") from None
    return fields


def _first_of_each(pairs: Sequence[Pair], once: Container[str]) -> dict[str, str]:
    """Like ``form_texts``, for forms that repeat a name."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode(), value.decode()
        if fields.setdefault(key, text) != text and key in once:
            raise Unreadable(f"The form has {key} more than once, with different values.")
    return fields


@lru_cache(maxsize=32)
def sorted_form(pairs: tuple[Pair, ...]) -> bytes:
    """Return the part of a form that Twilio's scheme signs.

    Every name and value without separators, names in byte order, repeated values sorted and
    only once (twilio.com/docs/usage/security). The order of UTF-8 bytes is that of code points,
    so that sorting bytes gives what Twilio's libraries get from sorting text. Remembered as
    ``form_pairs`` is.
    """
    return b"".join([name + value for name, value in sorted(dict.fromkeys(pairs))])


def twilio_signature(url: str, form: bytes, secret: str, algorithm: Algorithm) -> str:
    """Return the value of ``X-Twilio-Signature`` for a URL and what ``sorted_form`` made of a form.

    ``form`` is empty for GET, where the URL has it all, and for bodies that are no form.
    """
    return hmac_base64(secret, as_bytes(url) + form, algorithm)


def form_call(
    url: str,
    form: Mapping[str, str],
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> HttpCall:
    """Describe a POST of a form."""
    body = urlencode(form, errors="replace").encode("ascii")
    return HttpCall("POST", url, {"Content-Type": FORM, **(headers or {})}, body, auth)


def has_form(request: WebhookRequest) -> bool:
    """Whether the request carries a form: in the query of a GET, or as the body's type says."""
    return request.method == "GET" or is_form(request.headers.get("content-type", ""))


def form_of(request: WebhookRequest) -> tuple[Pair, ...]:
    """Return names and values of the form; nothing without a form."""
    if request.method == "GET":
        return form_pairs(as_bytes(request.query))
    return form_pairs(request.body) if has_form(request) else ()


def check_size(request: WebhookRequest, who: str) -> None:
    """Raise ``SignatureRefused`` for forms of hundreds of fields.

    Reading 64 KiB of tiny fields takes 30 ms; nobody unknown may have that for the asking.
    """
    in_body = request.body.count(b"&") if has_form(request) else 0
    if max(in_body, request.url.count("&")) >= _MAX_FIELDS:
        raise SignatureRefused(f"The form has over {_MAX_FIELDS} fields; {who}'s have dozens.")


def signed_part(request: WebhookRequest) -> bytes:
    """Return what Twilio's scheme signs of a request: the URL, and the form where it was posted.

    The URL of a GET without its escapes, as its form is read: an escaped name is one, too.
    """
    if request.method == "GET":
        return unquote_to_bytes(as_bytes(request.url).replace(b"+", b" "))
    return as_bytes(request.url) + sorted_form(form_of(request))


def id_doubt(
    id_: str,
    published: re.Pattern[str],
    signed: bytes,
    pairs: Iterable[Pair],
    names: Sequence[bytes],
) -> str:
    """Return why a message may not be the one that the provider signed; empty where it is.

    In ``signed``, the URL and the form as they are signed, no separator divides a name from its
    value or one field from the next. So somebody who has one request can move these boundaries and
    keep its signature: the id then ends later (``SM…NumMedia0``), or begins at another place that
    spells its name, and the message looks new; or the sender is a number that somebody texted.
    Wherever it is cut, the id and the sender that the provider gave remain in ``signed``: so there
    must be as many of them as there are fields. ``published`` is the form of the provider's ids,
    all of one length; ``names`` are the fields with ids, that of the message first, whose name
    ends all others.
    """
    first = names[0].decode()
    if not published.fullmatch(id_):
        return f"{first} is not of the form that the provider gives it"
    spelled, given = signed.decode("latin-1"), dict.fromkeys(pairs)
    ids = [value for name, value in given if name in names]
    if _count(first, published, spelled) != _begin(ids, published):
        return f"{first} also stands in another place than the names of fields"
    senders = [value for name, value in given if name == b"From"]
    if _count("From", _ADDRESS, spelled) != _begin(senders, _ADDRESS):
        return "From also stands in another place than the names of fields"
    return ""


def _count(name: str, value: re.Pattern[str], text: str) -> int:
    """How often a text has the name of a field and behind it what may be its value."""
    return len(_field(name, value).findall(text))


@lru_cache(maxsize=32)
def _field(name: str, value: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(f"{name}=?(?:{value.pattern})")


def _begin(values: Iterable[bytes], pattern: re.Pattern[str]) -> int:
    return sum(1 for value in values if pattern.match(value.decode("latin-1")))


# --- Twilio's API, and those that are compatible with it ------------------------------------------


_WORDLESS = frozenset(
    {"audio", "contacts", "document", "image", "location", "reaction", "sticker", "video"}
)
"""``MessageType`` of messages on WhatsApp that may come without words."""
_ID_NAMES = (b"MessageSid", b"SmsMessageSid", b"OriginalRepliedMessageSid")
_CODE = re.compile("[1-9][0-9]{0,5}")
_ARRIVING = frozenset({"", "received", "receiving"})
_NOT_SENT = ("failed", "undelivered")
"""The statuses of a message that was made and will not arrive."""


class TwilioCompatible(TwilioRequests):
    """A provider whose webhooks, signature, calls and responses have Twilio's shape."""

    ack = HttpReply(200, "text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
    needed = ("MessageSid", "From", "To")
    delivery_statuses = {status: status for status in ("delivered", "undelivered", "failed")}
    code_is_final = True
    code_pages: ClassVar[str] = ""
    """Where the other codes are explained."""
    sends_with: ClassVar[str]
    """The key of the account whose newest value is the password of calls."""
    signature_header: ClassVar[str]
    published_id: ClassVar[re.Pattern[str]]
    """The form of the ids of messages."""
    has_services: ClassVar[bool] = False
    """Whether a call may name the messaging service beside the sender."""
    read_once = frozenset(
        {*needed, "AccountSid", "Body", "MessagingServiceSid", "OptOutType", "ErrorCode"}
        | {"MessageStatus", "ButtonText", "Latitude", "MessageType"}
    )
    """Names that must not have two values: those are signed sorted, so which came first proves
    nothing."""

    @abstractmethod
    def expected(self, request: WebhookRequest, account: Account) -> Iterator[str]:
        """Yield every signature that would do."""

    @abstractmethod
    def messages_url(self, account: Account) -> str:
        """Return the address at which the account's messages are made."""

    def accounts(self, request: WebhookRequest) -> set[bytes]:
        """Return the accounts that a request says it is about: one token may sign for several."""
        return {value for name, value in form_of(request) if name == b"AccountSid"}

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the provider signed the request, whole, for this account. No time is signed.

        Raises ``Unreadable`` where the URL is signed but nothing vouches for the body.
        """
        given = request.headers.get(self.signature_header, "")
        check_size(request, self.label)
        if not given or not any(same(given, one) for one in self.expected(request, account)):
            raise SignatureRefused(
                f"The {self.signature_header.title()} is missing or does not fit: the account's "
                "secret makes it over the public URL, exactly as it was given, and the form."
            )
        if not has_form(request):
            check_body_hash(request)
        ours = as_bytes(account.options.get(self.account_key, "").lower())
        if any(one.lower() != ours for one in self.accounts(request)):
            raise SignatureRefused("The AccountSid is not that of the account in the URL.")

    def form_fields(self, request: WebhookRequest) -> dict[str, str]:
        """Read the form of a request. Raises ``Unreadable``."""
        pairs = form_of(request)
        if not pairs and not has_form(request):
            raise Unreadable(f"The body is not form data; {self.label} posts {FORM}.")
        return form_texts(pairs, self.read_once)

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for a status callback.

        What was chosen from buttons on WhatsApp is in ButtonText.
        """
        fields = self.form_fields(request)
        if is_status_form(fields):
            return None
        id_, media = fields.get("MessageSid", ""), tuple(media_urls(fields))
        their_channel, number = address(fields.get("From", ""))
        our_channel, sender = address(fields.get("To", ""))
        flag = FLAGS.get(fields.get("OptOutType", "").upper())
        given: GivenText = fields.get("Body") or fields.get("ButtonText", fields.get("Body", UNSET))
        kind = fields.get("MessageType", "").lower()
        wordless = bool(media or flag) or "Latitude" in fields or kind in _WORDLESS
        text, doubt = decoded_body(promised_text(given, "Body", request, optional=wordless))
        return InboundMessage(
            account=account.name,
            message_id=id_,
            number=number,
            sender=sender,
            text=text,
            channel=their_channel or our_channel or ("mms" if media else "sms"),
            service=fields.get("MessagingServiceSid", ""),
            flag=flag,
            media=media,
            doubt=self.doubt(id_, request) or doubt,
        )

    def doubt(self, id_: str, request: WebhookRequest) -> str:
        """Return why a message may not be the one that was signed; empty where it is."""
        signed, pairs = signed_part(request), form_of(request)
        return id_doubt(id_, self.published_id, signed, pairs, _ID_NAMES)

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        fields = self.form_fields(request)
        if is_status_form(fields):
            names = ("MessageStatus", "ErrorCode", "MessageSid", "To", "From")
            status, code, id_, to, sender = (fields.get(name, "") for name in names)
            service, number = fields.get("MessagingServiceSid", ""), address(to)[1]
            yield from self.report(status, code, id_, number, address(sender)[1], service)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply``. No idempotency key is taken.

        With a messaging service beside ``From``, that very sender of its pool is used.
        """
        prefix = f"{reply.channel}:" if reply.channel in PREFIXED else ""
        form = {"To": prefix + reply.number, "From": prefix + reply.sender, "Body": reply.text}
        if reply.service and self.has_services:
            form["MessagingServiceSid"] = reply.service
        url = account.public_url
        # Not on plain http: an address that Twilio cannot use costs the text.
        if account.simulated or url.startswith("https://"):
            form["StatusCallback"] = f"{url}/webhooks/{account.name}/status"
        auth = (account.options[self.account_key], account.newest_secret(self.sends_with))
        headers = {"Accept": "application/json"}
        return form_call(self.messages_url(account), form, headers=headers, auth=auth)

    def outcome(self, response: HttpReply, account: Account | None = None) -> Outcome:
        """Say what a response means. Never raises.

        A message that is made (201) may have failed already, as ``status`` and ``error_code`` say.
        The note does not repeat the provider's own sentence, because that names phone numbers.
        """
        made = 200 <= response.status < 300
        outcome = Outcome(Verdict.SENT)
        if not made or answer_text(response, "status") in _NOT_SENT:
            code = answer_text(response, "error_code" if made else "code")
            other = f"{code}{self.code_pages}" if _CODE.fullmatch(code) else "no code"
            outcome = failed(self.label, response, coded(code, self.errors), other)
        return replace(outcome, provider_id=answer_text(response, "sid") if made else "")


def every_signature(
    request: WebhookRequest, forms: Collection[bytes], secrets: Iterable[str], algorithm: Algorithm
) -> Iterator[str]:
    """Yield the signature by each secret: over the URL as it is, then as it may be spelled."""
    for secret in secrets:
        for form in forms:
            yield twilio_signature(request.url, form, secret, algorithm)
        for url, form in product(url_spellings(request.url)[1:], forms):
            yield twilio_signature(url, form, secret, algorithm)


def address(written: str) -> tuple[str, str]:
    """Return ``whatsapp:+1415…`` as channel and what follows; any other as ``""`` and itself."""
    prefix, _, bare = written.partition(":")
    return (prefix, bare) if bare and prefix in PREFIXED else ("", written)


def is_status_form(fields: Mapping[str, str]) -> bool:
    """Whether a form of Twilio's shape is about a text of ours.

    In doubt it is one to us, which must not be lost.
    """
    if fields.get("SmsStatus", "") not in _ARRIVING:
        return True
    return fields.get("MessageStatus", "") not in _ARRIVING and "Body" not in fields


def media_urls(fields: Mapping[str, str]) -> Iterator[str]:
    """Return ``MediaUrl0``, ``MediaUrl1`` … of a form of Twilio's shape, up to the first gap."""
    names = (f"MediaUrl{position}" for position in count())
    return map(fields.__getitem__, takewhile(fields.__contains__, names))
