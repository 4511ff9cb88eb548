"""Calls of providers' APIs, and what a response that is no success means."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.domain.signing import as_bytes
from smsgate.settings import Account

Meaning = tuple[Verdict, str]
"""What a response means, and that in our words."""
FORM = "application/x-www-form-urlencoded"


def json_call(
    url: str,
    content: object,
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    token_from: HttpCall | None = None,
) -> HttpCall:
    """Describe a POST of ``content`` as JSON (in ASCII, so that no half of an emoji breaks it)."""
    named = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
    body = json.dumps(content).encode("ascii")
    return HttpCall("POST", url, named, body, auth, token_from)


def token_call(url: str, client: str, secret: str) -> HttpCall:
    """Describe the call that gets an access token by client credentials (RFC 6749, 4.4.2).

    Client and secret go in the header (2.3.1). Set it as ``token_from`` of the call that needs it.
    """
    headers = {"Accept": "application/json", "Content-Type": FORM}
    return HttpCall("POST", url, headers, b"grant_type=client_credentials", (client, secret))


def idempotency_text(reply: Reply) -> str:
    """Return what is the same for each try of a reply, and of no other one."""
    return f"{reply.account} {reply.number} {reply.id} {reply.kind}"


def idempotency_key(reply: Reply) -> str:
    """Return the hash of ``idempotency_text``, 64 hexadecimal digits."""
    return hashlib.sha256(idempotency_text(reply).encode()).hexdigest()


def send_url(account: Account) -> str:
    """Return the ``send_url`` of an account whose operator runs the API; on ``api_url``, if set."""
    parts = urlsplit(account.options["send_url"])
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return f"{account.api_url or f'{parts.scheme}://{parts.netloc}'}{path}"


def failed(
    who: str, response: HttpReply, known: Meaning | None, other: str, *, idempotent: bool = False
) -> Outcome:
    """Return the outcome of a call that was answered with no success.

    ``known`` is what the provider's own code means, where it gave one, ``other`` the words for a
    refusal without. A code counts only where the call was refused: after a 5xx nobody knows whether
    the text was sent, which matters unless the call is ``idempotent``.
    """
    meaning = known or (Verdict.REFUSED, other)
    if response.status >= 500 and idempotent:
        meaning = (Verdict.NOT_ACCEPTED, "the key makes it safe to try again")
    elif response.status >= 500:
        meaning = (Verdict.UNKNOWN, "the text may have been sent")
    elif response.status == 429:
        meaning = (Verdict.NOT_ACCEPTED, "too many requests")
    return not_sent(who, response, meaning)


def not_sent(who: str, response: HttpReply, meaning: Meaning) -> Outcome:
    """Return the outcome of a call that sent nothing, with the wish when to try again."""
    note = f"{who} answered {response.status}: {meaning[1]}"
    return Outcome(meaning[0], note=note, retry_after_s=retry_after_s(response))


def coded(code: str, codes: Mapping[str, Meaning]) -> Meaning | None:
    """Return what a provider's own code means; one that is a number stands before the words."""
    if code not in codes:
        return None
    verdict, words = codes[code]
    return verdict, f"{code}, {words}" if code.isdigit() else words


def retry_after_s(response: HttpReply) -> float | None:
    """Return ``Retry-After`` in seconds; nothing for its other form, a date, or without one."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def basic_auth(user: str, password: str) -> str:
    """Return the ``Authorization`` header of HTTP Basic (RFC 7617), in UTF-8."""
    return "Basic " + base64.b64encode(as_bytes(f"{user}:{password}")).decode("ascii")
