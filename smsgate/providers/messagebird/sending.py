"""The call that sends a text through MessageBird's REST API, and what the response means."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import answer_json, failed
from smsgate.settings import Account

_API = "https://rest.messagebird.com"
_CODES: Mapping[int, str] = {
    2: "access_key is wrong",
    9: "a parameter is missing or wrong",
    10: "a parameter is missing or wrong",
    20: "there is no such thing",
    21: "the request is wrong",
    25: "the account has no funds",
}


class _Error(msgspec.Struct):
    code: int = 0


class _Answer(msgspec.Struct):
    id: str = ""
    errors: list[_Error] = []


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    MessageBird takes no idempotency key for it.
    """
    text = {
        "originator": reply.sender.removeprefix("+"),
        "recipients": [reply.number.removeprefix("+")],
        "body": reply.text,
        "datacoding": "auto",
    }
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/messages",
        headers={
            "Accept": "application/json",
            "Authorization": f"AccessKey {account.secrets['access_key'][0].value}",
            "Content-Type": "application/json",
        },
        body=msgspec.json.encode(text),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what MessageBird's response to ``reply`` means. Never raises.

    It has no code for a number that opted out: that comes with the status report, if at all.
    """
    answer = answer_json(response, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT, provider_id=answer.id)
    code = answer.errors[0].code if answer.errors else 0
    other = "see the API errors of MessageBird's documentation"
    return failed("MessageBird", response, None, _CODES.get(code, other))
