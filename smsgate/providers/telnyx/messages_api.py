"""Telnyx's Messages API: the call that sends a text, and what the response to it means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import Meaning, answer_json, told
from smsgate.settings import Account

_API = "https://api.telnyx.com"
_CODES: Mapping[str, tuple[Verdict, str]] = {
    "10009": (Verdict.REFUSED, "api_key is wrong"),
    "10011": (Verdict.NOT_ACCEPTED, "too many requests"),
    "20002": (Verdict.REFUSED, "api_key was revoked"),
    "20100": (Verdict.REFUSED, "the account has no funds"),
    "40300": (Verdict.OPTED_OUT, "the number has sent STOP to this messaging profile"),
    "40305": (Verdict.REFUSED, "the sender is none of this account or profile"),
    "40310": (Verdict.REFUSED, "the number cannot be texted"),
    "40318": (Verdict.NOT_ACCEPTED, "the queue is full"),
    "40320": (Verdict.NOT_ACCEPTED, "the sender cannot be used yet"),
}


class _Text(msgspec.Struct):
    id: str = ""


class _Error(msgspec.Struct):
    code: str | int = ""


class _Answer(msgspec.Struct):
    data: _Text | None = None
    errors: list[_Error] | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    For 24 hours Telnyx answers a repeated ``Idempotency-Key`` as it did the first time.
    """
    text = {"from": reply.sender, "to": reply.number, "text": reply.text, "type": "SMS"}
    if reply.service:
        text["messaging_profile_id"] = reply.service
    of = f"{reply.account} {reply.number} {reply.id} {reply.kind}"
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/v2/messages",
        headers={
            "Accept": "application/json",
            "Authorization": f"Bearer {account.secrets['api_key'][0].value}",
            "Content-Type": "application/json",
            "Idempotency-Key": hashlib.sha256(of.encode()).hexdigest(),
        },
        body=msgspec.json.encode(text),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Telnyx's response to ``reply`` means. Never raises.

    What fails on Telnyx's side may be tried again: the key keeps it from being sent twice.
    """
    answer = answer_json(response, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT, provider_id=answer.data.id if answer.data else "")
    code = next((str(error.code) for error in answer.errors or ()), "")
    return told("Telnyx", response, _meaning(response.status, code))


def _meaning(status: int, code: str) -> Meaning:
    """What a response that is no success means. A code counts only where Telnyx refuses (4xx)."""
    if status >= 500:
        return Verdict.NOT_ACCEPTED, "the key makes it safe to try again"
    if status in (409, 429):  # 409: the first call with this key is still under way.
        return Verdict.NOT_ACCEPTED, "too many requests, or the same one is under way"
    if code in _CODES:
        verdict, meaning = _CODES[code]
        return verdict, f"{code}, {meaning}"
    return Verdict.REFUSED, "see developers.telnyx.com, Messaging Error Codes"
