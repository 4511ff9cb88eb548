"""Sending, and understanding what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Verdict
from smsgate.settings import Account

Shape = TypeVar("Shape")
Code = TypeVar("Code", str, int)
Meaning = tuple[Verdict, str]
"""What a response means, and that in our words."""
FORM = "application/x-www-form-urlencoded"
NOT_SENT = ("failed", "undelivered")
"""The statuses of a message of Twilio's shape that was made and will not arrive."""


def token_call(url: str, client: str, secret: str) -> HttpCall:
    """Describe the call that gets an access token by client credentials (RFC 6749, 4.4.2).

    Client and secret go in the header (2.3.1). Set it as ``token_from`` of the call that needs it.
    """
    headers = {"Accept": "application/json", "Content-Type": FORM}
    return HttpCall("POST", url, headers, b"grant_type=client_credentials", (client, secret))


def status_url(account: Account) -> str:
    """Where a provider of Twilio's shape is asked to tell what becomes of a reply, if anywhere.

    Not on plain http: an address that Twilio cannot use costs the text.
    """
    url = account.public_url
    reachable = account.simulated or url.startswith("https://")
    return f"{url}/webhooks/{account.name}/status" if reachable else ""


def failed(who: str, response: HttpReply, known: Meaning | None, other: str) -> Outcome:
    """Return the outcome of a call that was answered with no success.

    ``known`` is what the provider's own code means, where it gave one, ``other`` the words for a
    refusal without. A code counts only where the call was refused: after a 5xx nobody knows.
    """
    meaning = known or (Verdict.REFUSED, other)
    if response.status >= 500:
        meaning = (Verdict.UNKNOWN, "the text may have been sent")
    elif response.status == 429:
        meaning = (Verdict.NOT_ACCEPTED, "too many requests")
    return told(who, response, meaning)


def coded(code: Code, codes: Mapping[Code, Meaning]) -> Meaning | None:
    """Return what a provider's own code means, with the code before the words."""
    if code not in codes:
        return None
    verdict, words = codes[code]
    return verdict, f"{code}, {words}"


def told(who: str, response: HttpReply, meaning: Meaning) -> Outcome:
    """Return the outcome of a call that sent nothing, with the wish when to try again."""
    note = f"{who} answered {response.status}: {meaning[1]}"
    return Outcome(meaning[0], note=note, retry_after_s=retry_after_s(response))


def send_url(account: Account) -> str:
    """Return the ``send_url`` of an account whose operator runs the API; on ``api_url``, if set."""
    parts = urlsplit(account.options["send_url"])
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return f"{account.api_url or f'{parts.scheme}://{parts.netloc}'}{path}"


def answer_json(response: HttpReply, decoder: msgspec.json.Decoder[Shape]) -> Shape | None:
    """Return the JSON of a response to a call of ours; nothing where it is of another shape."""
    try:
        return decoder.decode(response.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def retry_after_s(response: HttpReply) -> float | None:
    """Return ``Retry-After`` in seconds; nothing for its other form, a date, or without one."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
