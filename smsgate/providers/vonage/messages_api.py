"""Vonage's Messages API: the call that sends a text, and what the response to it means."""

from __future__ import annotations

import json

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import Meaning, answer_json, failed
from smsgate.settings import Account

_API = "https://api.nexmo.com"
_THROTTLED = "1000"
_MEANINGS = {
    "1010": "a parameter is missing",
    "1020": "a parameter is wrong",
    "1040": "the number has an unknown prefix",
    "1050": "the number is barred",
    "1060": "the account is barred",
    "1070": "the account has no credit",
    "1120": "the sender is not allowed there",
    "1170": "there is no such number",
}
"""Codes that the call itself can be answered with (developer.vonage.com/api-errors/messages)."""


class _Answer(msgspec.Struct):
    message_uuid: str = ""
    type: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    Vonage takes no idempotency key; ``client_ref`` comes back in every status.
    """
    body = {
        "message_type": "text",
        "channel": "sms" if reply.channel == "mms" else reply.channel,
        "to": reply.number.removeprefix("+"),
        "from": reply.sender.removeprefix("+"),
        "text": reply.text,
        "client_ref": f"{reply.account}-{reply.id}"[:100],
    }
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/v1/messages",
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=json.dumps(body).encode("ascii"),
        auth=(account.options["api_key"], account.secrets["api_secret"][0].value),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Vonage's response to ``reply`` means. Never raises; repeats no number.

    A number that opted out is accepted here, and told of by a status later.
    """
    answer = answer_json(response, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT, provider_id=answer.message_uuid)
    known = _meaning(answer.type.rpartition("#")[2])
    return failed("Vonage", response, known, "no code that is known")


def _meaning(code: str) -> Meaning | None:
    if code == _THROTTLED:
        return Verdict.NOT_ACCEPTED, "too many requests"
    if code in _MEANINGS:
        return Verdict.REFUSED, f"{code}, {_MEANINGS[code]}"
    return None
