"""Webhooks as forms that are signed together with their URL, and Twilio's API, which others share.

What is signed are the bytes that the form spells once its escapes are undone. For UTF-8 those are
the bytes that Twilio's libraries sign; for anything else the libraries would replace what they
cannot read, and one signature would fit many bodies.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar
from urllib.parse import unquote_to_bytes, urlencode

import msgspec

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    OriginalRequest,
    Outcome,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.signing import (
    Pair,
    as_bytes,
    body_hash_fits,
    form_pairs,
    form_texts,
    is_form,
    sorted_form,
)
from smsgate.providers.base import FORM, Meaning, Provider, coded, failed
from smsgate.providers.reading import read_answer
from smsgate.settings import Account, Secret

IDEMPOTENCY = "I-Twilio-Idempotency-Token"
"""The header by which Twilio lets an application tell repeated webhooks apart
(twilio.com/docs/usage/webhooks/webhooks-connection-overrides)."""
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
"""The form of a UUID (RFC 9562, 4)."""
_MAX_FIELDS = 500
_ADDRESS = re.compile(r"[a-z]{2,20}:|\+?[0-9]{3}", re.ASCII)
"""How the address of somebody who texts begins: with its channel (``whatsapp:``), or a number."""
_ARRIVING = frozenset({"", "received", "receiving"})
_NOT_SENT = ("failed", "undelivered")
"""The statuses of a message that was made and will not arrive."""


def has_form(request: WebhookRequest) -> bool:
    """Whether the request carries a form: in the query of a GET, or as the body's type says."""
    return request.method == "GET" or is_form(request.headers.get("content-type", ""))


def form_of(request: WebhookRequest) -> tuple[Pair, ...]:
    """Return names and values of the form; nothing without a form."""
    if request.method == "GET":
        return form_pairs(as_bytes(request.query))
    return form_pairs(request.body) if has_form(request) else ()


def check_size(request: WebhookRequest, who: str, *, is_form: bool = True) -> None:
    """Raise ``SignatureRefused`` for forms of hundreds of fields.

    Reading 64 KiB of tiny fields takes 30 ms; nobody unknown may have that for the asking.
    ``is_form`` says whether the body is one.
    """
    in_body = request.body.count(b"&") if is_form else 0
    if max(in_body, request.url.count("&")) >= _MAX_FIELDS:
        raise SignatureRefused(f"The form has over {_MAX_FIELDS} fields; {who}'s have dozens.")


def check_body_hash(request: WebhookRequest) -> None:
    """Return if a body that is no form is covered by the hash that the signed URL names.

    Raises ``Unreadable`` where nothing vouches for the body, ``SignatureRefused`` for another one.
    """
    fits = body_hash_fits(request.url, request.body)
    if fits is None:
        raise Unreadable(
            f"The body is not form data ({FORM}) and the URL has no bodySHA256 that covers it, "
            "so that nothing vouches for it."
        )
    if not fits:
        raise SignatureRefused("The body does not have the bodySHA256 that the URL names.")


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
    return sum(1 for _ in re.finditer(f"{name}=?(?:{value.pattern})", text))


def _begin(values: Iterable[bytes], pattern: re.Pattern[str]) -> int:
    return sum(1 for value in values if pattern.match(value.decode("latin-1")))


def posted_of(request: WebhookRequest) -> OriginalRequest | None:
    """What is needed to post a request's form again; None where it carries no form."""
    content_type = request.headers.get("content-type", "")
    if request.method == "GET":
        return OriginalRequest("GET", "", as_bytes(request.query))
    return (
        OriginalRequest(request.method, content_type, request.body)
        if is_form(content_type)
        else None
    )


# --- Twilio's API, and those that are compatible with it ------------------------------------------


def is_status_form(fields: Mapping[str, str]) -> bool:
    """Whether a form of Twilio's shape is about a text of ours.

    In doubt it is one to us, which must not be lost.
    """
    if fields.get("SmsStatus", "") not in _ARRIVING:
        return True
    return fields.get("MessageStatus", "") not in _ARRIVING and "Body" not in fields


def media_urls(fields: Mapping[str, str]) -> Iterator[str]:
    """Yield ``MediaUrl0``, ``MediaUrl1`` … of a form of Twilio's shape, up to the first gap."""
    position = 0
    while (url := fields.get(f"MediaUrl{position}")) is not None:
        yield url
        position += 1


def status_url(account: Account) -> str:
    """The status callback URL for a reply at a provider like Twilio, if any.

    Not on plain http: an address that Twilio cannot use costs the text.
    """
    url = account.public_url
    reachable = account.simulated or url.startswith("https://")
    return f"{url}/webhooks/{account.name}/status" if reachable else ""


class _Answer(msgspec.Struct):
    """A message that was made, or an error."""

    sid: object = ""
    status: object = ""
    error_code: object = 0
    code: object = 0


class TwilioCompatible(Provider):
    """A provider whose forms, status callbacks and responses have Twilio's shape."""

    ack = HttpReply(200, "text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
    forwards_original = True
    delivery_statuses = {status: status for status in ("delivered", "undelivered", "failed")}
    code_is_final = True
    codes: ClassVar[Mapping[str, Meaning]]
    """Codes that a call itself can be answered with."""
    code_pages: ClassVar[str] = ""
    """Where the other codes are explained."""
    signed_with: ClassVar[str]
    """The key of the account whose newest value signs."""
    read_once: ClassVar[frozenset[str]]
    """Names that must not have two values: those are signed sorted, so which came first proves
    nothing."""

    @abstractmethod
    def sign(self, url: str, body: bytes, account: Account) -> dict[str, str]:
        """Return the headers by which the provider signs a posted form with the newest secret."""

    def form_fields(self, request: WebhookRequest) -> dict[str, str]:
        """Read the form of a request. Raises ``Unreadable``."""
        pairs = form_of(request)
        if not pairs and not has_form(request):
            raise Unreadable(f"The body is not form data; {self.label} posts {FORM}.")
        return form_texts(pairs, self.read_once)

    def posted(self, form: Mapping[str, str], account: Account, url: str) -> WebhookRequest:
        """Return the signed webhook with a form."""
        url = url.partition("#")[0]  # The fragment, with settings of the connection, is not sent.
        body = urlencode(form, errors="replace").encode("ascii")
        headers = {"content-type": f"{FORM}; charset=UTF-8", **self.sign(url, body, account)}
        return WebhookRequest("POST", url, headers, body)

    def original_call(
        self, posted: OriginalRequest, url: str, account: Account, token: str
    ) -> HttpCall:
        if token:
            account = replace(account, options={}, secrets={self.signed_with: (Secret(token),)})
        if posted.method == "GET":
            url = f"{url}{'&' if '?' in url else '?'}{posted.form.decode('latin-1')}"
            return HttpCall("GET", url, self.sign(url, b"", account))
        signed = self.sign(url, posted.form, account)
        headers = {"Content-Type": posted.content_type, **signed}
        return HttpCall(posted.method, url, headers, posted.form)

    def outcome(self, response: HttpReply, account: Account | None = None) -> Outcome:
        """Say what a response means. Never raises.

        A message that is made may have failed already: 201, with ``status`` and ``error_code`` in
        it. The note does not repeat the provider's own sentence, because that names phone numbers.
        """
        answer = read_answer(response, _Answer)
        sid = answer.sid if isinstance(answer.sid, str) else ""
        made = 200 <= response.status < 300
        if made and answer.status not in _NOT_SENT:
            return Outcome(Verdict.SENT, provider_id=sid)
        code = str(answer.error_code if made else answer.code)
        known = code.isascii() and code.isdigit() and len(code) < 7 and int(code)
        other = f"{code}{self.code_pages}" if known else "no code"
        outcome = failed(self.label, response, coded(code, self.codes), other)
        return replace(outcome, provider_id=sid if made else "")
