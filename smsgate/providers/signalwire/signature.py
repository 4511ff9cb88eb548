"""Whether a request is SignalWire's: the signature, the hash of other bodies, the project.

cXML is signed as Twilio signs: base64 of HMAC-SHA1 over the URL and the sorted form. SWML and
RELAY sign the raw body in hexadecimal; no text to us comes that way, so that is never accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import HttpCall, Posted, WebhookRequest
from smsgate.domain.signing import (
    Pair,
    as_bytes,
    body_hash_fits,
    form_pairs,
    same,
    sorted_form,
    twilio_signature,
    url_spellings,
)
from smsgate.providers.contract import made_anew
from smsgate.settings import Account, Secret

FORM = "application/x-www-form-urlencoded"
_SIGNATURE = "x-signalwire-signature"
_MOST_FIELDS = 500


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:  # noqa: ARG001
    """Return if SignalWire signed the request, whole, for this project. No time is signed.

    Raises ``SignatureRefused``, and ``Unreadable`` where the URL is signed but nothing vouches
    for the body.
    """
    if max(request.body.count(b"&"), request.url.count("&")) >= _MOST_FIELDS:
        raise SignatureRefused(f"There are over {_MOST_FIELDS} fields; SignalWire sends dozens.")
    given, pairs = request.headers.get(_SIGNATURE, ""), form_of(request)
    forms = {b""} if request.method == "GET" else _spellings(pairs)
    if not any(same(given, expected) for expected in _expected(request.url, forms, account)):
        raise SignatureRefused(
            "The X-SignalWire-Signature is missing or does not fit. It must be made with the "
            "project's Signing Key over the public URL, exactly as it was given, and the body."
        )
    if not has_form(request):
        _check_hash(request)
    project = as_bytes(account.options.get("project_id", "").lower())
    if any(name == b"AccountSid" and value.lower() != project for name, value in pairs):
        raise SignatureRefused("The AccountSid is not the project of the account in the URL.")


def has_form(request: WebhookRequest) -> bool:
    """Whether the request carries a form: in the query of a GET, or as the body's type says."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.method == "GET" or kind == FORM


def form_of(request: WebhookRequest) -> tuple[Pair, ...]:
    """Return names and values of the form; none where there is none."""
    if request.method == "GET":
        return form_pairs(as_bytes(request.query))
    return form_pairs(request.body) if has_form(request) else ()


def signed_part(request: WebhookRequest) -> bytes:
    """Return what is signed of a request: the URL, and the form where it was posted.

    The URL of a GET without its escapes, as its form is read: an escaped name is one, too.
    """
    if request.method == "GET":
        return unquote_to_bytes(as_bytes(request.url).replace(b"+", b" "))
    return as_bytes(request.url) + sorted_form(form_of(request))


def sign(url: str, body: bytes, account: Account) -> dict[str, str]:
    """Return the header by which SignalWire signs a posted form with the newest key."""
    key = account.secrets["signing_key"][0].value
    return {_SIGNATURE: twilio_signature(url, sorted_form(form_pairs(body)), key, "sha1")}


def signed_again(posted: Posted, url: str, account: Account, token: str) -> HttpCall:
    """Describe the call by which SignalWire would post the same form to ``url``.

    Signed with the Signing Key ``token``, or where that is empty with the account's newest one.
    The account is usable then.
    """
    if token:
        account = replace(account, secrets={"signing_key": (Secret(token),)})
    return made_anew(posted, url, lambda url, form: sign(url, form, account))


def _expected(url: str, forms: set[bytes], account: Account) -> Iterator[str]:
    """Every signature that would do: by each key, for each spelling of the URL and the form."""
    for secret in account.secrets.get("signing_key", ()):
        for spelling in url_spellings(url) if secret.value else ():
            for form in forms:
                yield twilio_signature(spelling, form, secret.value, "sha1")


def _spellings(pairs: tuple[Pair, ...]) -> set[bytes]:
    """The form as both of SignalWire's SDKs read it; they differ where a name is repeated.

    The older one sorts the values of a name and drops repeated ones, the newer one keeps them as
    they came. Either covers every value, and two values of one name are not read at all.
    """
    if len({name for name, _ in pairs}) == len(pairs):
        return {sorted_form(pairs)}
    as_they_came = [name + value for name, value in sorted(pairs, key=lambda pair: pair[0])]
    return {sorted_form(pairs), b"".join(as_they_came)}


def _check_hash(request: WebhookRequest) -> None:
    fits = body_hash_fits(request.url, request.body)
    if fits is None:
        raise Unreadable("The body is no form and the URL has no bodySHA256 that vouches for it.")
    if not fits:
        raise SignatureRefused("The body does not have the bodySHA256 that the URL names.")
