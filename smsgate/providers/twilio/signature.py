"""Whether a request is Twilio's: the signature, the hash of other bodies, the account.

What is not proved genuine is refused as forged (403), however broken it is; only a genuine
request can be unreadable (400). What is signed are the bytes that the form spells once its
escapes are undone. For UTF-8 those are the bytes that Twilio's libraries sign; for anything
else the libraries would replace what they cannot read, and one signature would fit many bodies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import HttpCall, Posted, WebhookRequest
from smsgate.domain.signing import (
    Algorithm,
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
from smsgate.providers.twilio import events
from smsgate.settings import Account, Secret

FORM = "application/x-www-form-urlencoded"
_JSON = frozenset({"application/json", "application/cloudevents-batch+json"})
_SIGNATURE = "x-twilio-signature"
_SETTINGS = "x-twilio-webhooks-signature-settings"
_ALGORITHMS: Mapping[str, Algorithm] = {"hmac-sha1": "sha1", "hmac-sha256": "sha256"}
_SETTINGS_NAMES: Mapping[Algorithm, str] = {"sha1": "HMAC_SHA1", "sha256": "HMAC_SHA256"}
_MOST_FIELDS = 500
_NAMED_KEY = re.compile(r"(webhooks_sharedkey_\w+):(.+)")


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:  # noqa: ARG001
    """Return if Twilio signed the request, whole, for this account. No time is signed.

    Raises ``SignatureRefused``, and ``Unreadable`` where the URL is signed but nothing vouches
    for the body.
    """
    given = request.headers.get(_SIGNATURE, "")
    if not given:
        raise SignatureRefused("The request has no X-Twilio-Signature header.")
    is_form = has_form(request)
    _check_size(request, is_form=is_form)
    pairs = form_of(request)
    form = b"" if request.method == "GET" else sorted_form(pairs)
    if not any(same(given, expected) for expected in _expected(request, account, form)):
        raise SignatureRefused(
            "The X-Twilio-Signature does not fit. It must be made with this account's secret over "
            "the public URL, exactly as it was given to Twilio, and the form."
        )
    if not is_form:
        _check_hash(request)
    if _accounts(request, pairs) - {as_bytes(account.options.get("account_sid", ""))}:
        raise SignatureRefused("The AccountSid is not that of the account in the URL.")


def _accounts(request: WebhookRequest, pairs: tuple[Pair, ...]) -> set[bytes]:
    """The accounts that the request says it is about: one token may sign for several."""
    if not pairs and has_json(request):
        return {as_bytes(sid) for sid in events.accounts(request.body)}
    return {value for name, value in pairs if name == b"AccountSid"}


def _check_size(request: WebhookRequest, *, is_form: bool) -> None:
    """Reading 64 KiB of tiny fields takes 30 ms; nobody unknown may have that for the asking."""
    in_body = request.body.count(b"&") if is_form else 0
    if max(in_body, request.url.count("&")) >= _MOST_FIELDS:
        raise SignatureRefused(f"The form has over {_MOST_FIELDS} fields; Twilio's have dozens.")


def has_form(request: WebhookRequest) -> bool:
    """Whether the request carries a form: in the query of a GET, or as the body's type says."""
    return request.method == "GET" or _kind(request) == FORM


def has_json(request: WebhookRequest) -> bool:
    """Whether the request carries JSON, as Event Streams posts it."""
    return request.method != "GET" and _kind(request) in _JSON


def _kind(request: WebhookRequest) -> str:
    return _bare_type(request.headers.get("content-type", ""))


@lru_cache(maxsize=16)
def _bare_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def form_of(request: WebhookRequest) -> tuple[Pair, ...]:
    """Return names and values of the form from where Twilio puts it; none where there is none."""
    if request.method == "GET":
        return form_pairs(as_bytes(request.query))
    return form_pairs(request.body) if has_form(request) else ()


def signed_part(request: WebhookRequest) -> bytes:
    """Return what Twilio signs of a request: the URL, and the form where it was posted.

    The URL of a GET without its escapes, as its form is read: an escaped name is one, too.
    """
    if request.method == "GET":
        return unquote_to_bytes(as_bytes(request.url).replace(b"+", b" "))
    return as_bytes(request.url) + sorted_form(form_of(request))


def sign(url: str, body: bytes, account: Account) -> dict[str, str]:
    """Return the headers by which Twilio signs a posted form with the account's newest secret."""
    algorithm = _algorithm(account)
    name, secret = _keys(account, algorithm)[0]
    headers = {_SIGNATURE: twilio_signature(url, sorted_form(form_pairs(body)), secret, algorithm)}
    if algorithm == "sha256":  # Only shared keys are announced.
        headers[_SETTINGS] = f"key={name},algorithm=HMAC_SHA256"
    return headers


def signed_again(posted: Posted, url: str, account: Account, token: str) -> HttpCall:
    """Describe the call by which Twilio would post the same form to ``url``.

    Signed with ``token``, or where that is empty with the account's newest secret. The account is
    usable then.
    """
    if token:
        account = replace(account, options={}, secrets={"auth_token": (Secret(token),)})
    return made_anew(posted, url, lambda url, form: sign(url, form, account))


def _expected(request: WebhookRequest, account: Account, form: bytes) -> Iterator[str]:
    """Every signature that would do. The account alone says by which algorithm."""
    algorithm = _algorithm(account)
    settings = _settings(request)
    if settings.get("algorithm", _SETTINGS_NAMES[algorithm]) != _SETTINGS_NAMES[algorithm]:
        raise SignatureRefused(
            "The request names another algorithm than the account's `algorithm`, which is "
            f"hmac-{algorithm}."
        )
    for secret in _secrets(account, algorithm, settings.get("key", "")):
        yield twilio_signature(request.url, form, secret, algorithm)
        for url in url_spellings(request.url)[1:]:
            yield twilio_signature(url, form, secret, algorithm)


def _settings(request: WebhookRequest) -> dict[str, str]:
    """Read ``key=…,algorithm=…``; what is no assignment is left out."""
    given = request.headers.get(_SETTINGS, "")
    if not given:
        return {}
    parts = (part.partition("=") for part in given.split(","))
    return {name.strip(): value.strip() for name, _, value in parts if value.strip()}


def _algorithm(account: Account) -> Algorithm:
    return _ALGORITHMS[account.options.get("algorithm") or "hmac-sha1"]


def _secrets(account: Account, algorithm: Algorithm, named: str) -> list[str]:
    """Return the secrets to try, newest first: the named shared key, else those without a name.

    A name can only narrow the choice among this account's secrets for this algorithm.
    """
    keys = _keys(account, algorithm)
    chosen = [secret for name, secret in keys if name and name == named]
    return chosen or [secret for name, secret in keys if not name]


def _keys(account: Account, algorithm: Algorithm) -> list[tuple[str, str]]:
    """Names (empty for most) and secrets of the account, newest first. Empty secrets are none."""
    field = "auth_token" if algorithm == "sha1" else "shared_key"
    return [_named(value) for value in account.values_of(field)]


@lru_cache(maxsize=256)
def _named(value: str) -> tuple[str, str]:
    match = _NAMED_KEY.fullmatch(value)
    return (match[1], match[2]) if match else ("", value)


def _check_hash(request: WebhookRequest) -> None:
    """A body that is no form is covered by the hash that Twilio adds to the URL, or by nothing."""
    fits = body_hash_fits(request.url, request.body)
    if fits is None:
        raise Unreadable(
            f"The body is not form data ({FORM}) and the URL has no bodySHA256 that covers it, "
            "so that nothing vouches for it."
        )
    if not fits:
        raise SignatureRefused("The body does not have the bodySHA256 that the URL names.")
