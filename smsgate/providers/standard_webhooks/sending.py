"""The call that hands a text to the gateway, and what the response to it means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import answer_json, failed, send_url
from smsgate.settings import Account

_CODES: Mapping[str, tuple[Verdict, str]] = {
    "opted_out": (Verdict.OPTED_OUT, "the number has opted out at the gateway"),
    "throttled": (Verdict.NOT_ACCEPTED, "too many requests"),
}


class _Answer(msgspec.Struct):
    id: str = ""
    code: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that hands ``reply`` to the gateway, from the number that was texted.

    The key is there for a gateway that knows it; that it does is not relied on.
    """
    of = f"{reply.account} {reply.number} {reply.id} {reply.kind}"
    key = hashlib.sha256(of.encode()).hexdigest()
    data = {"id": key, "from": reply.sender, "to": reply.number, "text": reply.text}
    data |= {"channel": reply.channel, "service": reply.service}
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    for secret in account.secrets.get("api_key", ())[:1]:
        headers["Authorization"] = f"Bearer {secret.value}"
    body = msgspec.json.encode({"type": "sms.send", "data": data})
    return HttpCall("POST", send_url(account), headers, body)


def outcome(response: HttpReply) -> Outcome:
    """Say what the gateway's response to ``reply`` means. Never raises."""
    answer = answer_json(response, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT, provider_id=answer.id)
    return failed("The gateway", response, _CODES.get(answer.code), "it does not take the text")
