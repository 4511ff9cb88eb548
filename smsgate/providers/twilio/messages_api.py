"""Twilio's Messages API: the call that sends a text, and what the response to it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from smsgate.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.settings import Account

_API = "https://api.twilio.com"
_PREFIXED = frozenset({"whatsapp", "rcs"})
_CODES: Mapping[int, tuple[Verdict, str]] = {
    20003: (Verdict.REFUSED, "account_sid or auth_token is wrong"),
    20404: (Verdict.REFUSED, "there is no such account"),
    20429: (Verdict.NOT_ACCEPTED, "too many requests"),
    21211: (Verdict.REFUSED, "To is no phone number"),
    21212: (Verdict.REFUSED, "From is no phone number"),
    21408: (Verdict.REFUSED, "the account may not text that country"),
    21606: (Verdict.REFUSED, "From is no sender of this account"),
    21608: (Verdict.REFUSED, "a trial account may only text verified numbers"),
    21610: (Verdict.OPTED_OUT, "the number has opted out of texts from this sender"),
    21611: (Verdict.NOT_ACCEPTED, "the sender's queue is full"),
    21612: (Verdict.REFUSED, "From cannot reach To"),
    21614: (Verdict.REFUSED, "To is no mobile number"),
    21617: (Verdict.REFUSED, "the text is too long"),
    21635: (Verdict.REFUSED, "To is a landline"),
    21701: (Verdict.REFUSED, "there is no such messaging service"),
    21703: (Verdict.REFUSED, "the messaging service has no sender"),
}
"""Codes that the call itself can be answered with (twilio.com/docs/api/errors)."""


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    Twilio takes no idempotency key for it. With a messaging service beside ``From`` it uses that
    very sender of the service's pool.
    """
    prefix = f"{reply.channel}:" if reply.channel in _PREFIXED else ""
    form = {"To": prefix + reply.number, "From": prefix + reply.sender, "Body": reply.text}
    if reply.service:
        form["MessagingServiceSid"] = reply.service
    sid = account.options["account_sid"]
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/2010-04-01/Accounts/{quote(sid, safe='')}/Messages.json",
        headers={
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=urlencode(form, errors="replace").encode("ascii"),
        auth=(sid, account.secrets["auth_token"][0].value),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Twilio's response to ``reply`` means. Never raises.

    The note does not repeat Twilio's own sentence, because that names phone numbers.
    """
    answer = _json(response.body)
    if 200 <= response.status < 300:
        sid = answer.get("sid")
        return Outcome(Verdict.SENT, provider_id=sid if isinstance(sid, str) else "")
    code = answer.get("code")
    verdict, meaning = _meaning(response.status, code if isinstance(code, int) else 0)
    return Outcome(
        verdict,
        note=f"Twilio answered {response.status}: {meaning}",
        retry_after_s=_seconds(response.headers.get("retry-after", "")),
    )


def _meaning(status: int, code: int) -> tuple[Verdict, str]:
    """What a response that is no success means. A code counts only where Twilio refuses (4xx)."""
    if status >= 500:
        return Verdict.UNKNOWN, "the text may have been sent"
    if status == 429:
        return Verdict.NOT_ACCEPTED, "too many requests"
    if code in _CODES:
        verdict, meaning = _CODES[code]
        return verdict, f"{code}, {meaning}"
    return Verdict.REFUSED, f"{code}, see twilio.com/docs/api/errors" if code else "no code"


def _json(body: bytes) -> Mapping[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(retry_after: str) -> float | None:
    """``Retry-After`` in seconds; its other form, a date, is not what Twilio sends."""
    plain = retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 7
    return float(retry_after) if plain else None
