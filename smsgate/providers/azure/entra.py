"""Tokens of Microsoft Entra, as Event Grid sends them: made for it, to an application of ours.

See ``azure/__init__.py`` for Microsoft's pages.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import HttpCall, WebhookRequest
from smsgate.domain.signed_times import WINDOW_S
from smsgate.domain.signing import as_bytes
from smsgate.providers.rsa_signatures import fits, rsa_key
from smsgate.providers.tokens import base64_url, from_base64_url
from smsgate.settings import Account

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_EVENT_GRID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"
"""The application that Event Grid is in every tenant (script in secure-webhook-delivery)."""
_LOGIN = "https://login.microsoftonline.com"
_NOT_SIGNED = "The bearer token cannot be read, or another key signed it."
_MAX_TOKEN_CHARS = 8192


class _Header(msgspec.Struct):
    alg: str = ""
    kid: str = ""


class _Claims(msgspec.Struct):
    """``appid`` names who calls in tokens of version 1, ``azp`` in those of version 2."""

    iss: str = ""
    aud: str = ""
    exp: int = 0
    nbf: int = 0
    appid: str = ""
    azp: str = ""


class _Key(msgspec.Struct):
    kid: str = ""
    kty: str = ""
    n: str = ""
    e: str = ""


class _Keys(msgspec.Struct):
    keys: list[_Key] = []


def keys_call(account: Account) -> HttpCall:
    """Describe the call that gets the keys with which the account's tenant signs tokens."""
    return HttpCall("GET", f"{_LOGIN}/{account.options.get('tenant', '')}/discovery/v2.0/keys")


def check_token(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if the request bears Event Grid's token for one of the account's ``application``.

    ``request.certificate`` has the tenant's keys. Raises ``SignatureRefused``.
    """
    claims = _signed_claims(request.headers.get("authorization", ""), request.certificate)
    tenant = account.options.get("tenant", "")
    if claims.iss not in (f"https://sts.windows.net/{tenant}/", f"{_LOGIN}/{tenant}/v2.0"):
        raise SignatureRefused("The token is not of the account's `tenant`.")
    ours = account.values_of("application")
    if claims.aud not in [*ours, *(f"api://{one}" for one in ours)]:
        raise SignatureRefused("The token is not for the account's `application`.")
    if _EVENT_GRID not in (claims.appid, claims.azp):
        raise SignatureRefused("The token was not made for Event Grid.")
    now_s = now_us // 1_000_000
    if not claims.nbf - WINDOW_S <= now_s < claims.exp + WINDOW_S:
        raise SignatureRefused("The token has ended, or does not count yet; see this host's clock.")


def _signed_claims(authorization: str, keys: bytes) -> _Claims:
    """The claims of a bearer token, if one of the keys signed it, by RS256 and nothing else."""
    word, _, token = authorization.partition(" ")
    signed, _, signature = token.rpartition(".")
    header, _, claims = signed.partition(".")
    try:
        head = msgspec.json.decode(_decoded(header), type=_Header)
        key = _public_key(keys, head.kid)
        right_kind = word == "Bearer" and head.alg == "RS256" and len(token) <= _MAX_TOKEN_CHARS
        if not right_kind or key is None:
            raise SignatureRefused("There is no bearer token that a key of the tenant signed.")
        if not fits(key, _decoded(signature), as_bytes(signed), "SHA256"):
            raise SignatureRefused(_NOT_SIGNED)
        return msgspec.json.decode(_decoded(claims), type=_Claims)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise SignatureRefused(_NOT_SIGNED) from None


@lru_cache(maxsize=16)
def _public_key(keys: bytes, kid: str) -> RSAPublicKey | None:
    """The key of that name, if it is an RSA key."""
    try:
        known = msgspec.json.decode(keys, type=_Keys).keys
        found = next(one for one in known if one.kid == kid and one.kty == "RSA")
        exponent, modulus = (int.from_bytes(_decoded(text)) for text in (found.e, found.n))
        return rsa_key(exponent, modulus)
    except (msgspec.MsgspecError, ValueError, StopIteration):
        return None


def _decoded(text: str) -> bytes:
    """Undo base64 in its one right spelling, so that no other text is the same signature."""
    raw = from_base64_url(text) or b""
    return raw if base64_url(raw) == text else b""
