"""The call that sends a text (SMS API v3), and what Infobip's response to it means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import answer_json, retry_after_s
from smsgate.providers.infobip.webhook import Result, Status
from smsgate.settings import Account

_REJECTED = 5
_STATUSES: Mapping[str, tuple[Verdict, str]] = {
    "REJECTED_DESTINATION_BLOCKLISTED": (Verdict.OPTED_OUT, "the number is on a blocklist"),  # 14
    "REJECTED_NOT_ENOUGH_CREDITS": (Verdict.REFUSED, "the account has no funds"),  # 12
    "REJECTED_SENDER": (Verdict.REFUSED, "the sender is on a blocklist"),  # 13
    "REJECTED_SOURCE": (Verdict.REFUSED, "the sender is none of the account"),  # 11
    "REJECTED_DESTINATION": (Verdict.REFUSED, "the number cannot be texted"),  # 52
}


class _Answer(msgspec.Struct):
    messages: list[Result] = []


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    The message id is ours, so that logs can be compared; it is no idempotency key.
    """
    of = hashlib.sha256(f"{reply.account} {reply.number} {reply.id} {reply.kind}".encode())
    text = {
        "sender": reply.sender.removeprefix("+"),
        "destinations": [{"to": reply.number.removeprefix("+"), "messageId": of.hexdigest()[:36]}],
        "content": {"text": reply.text},
    }
    return HttpCall(
        method="POST",
        url=f"{account.api_url or 'https://' + account.options['host']}/sms/3/messages",
        headers={
            "Accept": "application/json",
            "Authorization": f"App {account.secrets['api_key'][0].value}",
            "Content-Type": "application/json",
        },
        body=msgspec.json.encode({"messages": [text]}),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Infobip's response to ``reply`` means: a rejection comes with 200. Never raises."""
    answer = answer_json(response, _ANSWER) or _Answer()
    message = answer.messages[0] if answer.messages else Result()
    verdict, meaning = _meaning(response.status, message.status or Status())
    return Outcome(
        verdict,
        provider_id=message.message_id if verdict is Verdict.SENT else "",
        note="" if verdict is Verdict.SENT else f"Infobip answered {response.status}: {meaning}",
        retry_after_s=retry_after_s(response),
    )


def _meaning(status: int, found: Status) -> tuple[Verdict, str]:
    if status >= 500:
        return Verdict.UNKNOWN, "the text may have been sent"
    if status == 429:
        return Verdict.NOT_ACCEPTED, "too many requests"
    if not 200 <= status < 300:
        return Verdict.REFUSED, "see the HTTP status codes of Infobip's API"
    if found.group_id == _REJECTED:
        return _STATUSES.get(found.name, (Verdict.REFUSED, "see Infobip's status codes"))
    return Verdict.SENT, ""
