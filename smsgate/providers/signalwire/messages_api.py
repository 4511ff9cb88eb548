"""SignalWire's Messages API: the call that sends a text, and what the response to it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import (
    FORM,
    NOT_SENT,
    Meaning,
    answer_json,
    coded,
    failed,
    status_url,
)
from smsgate.settings import Account

_CODES: Mapping[str, Meaning] = {
    "20404": (Verdict.REFUSED, "there is no such project"),
    "20429": (Verdict.NOT_ACCEPTED, "too many requests"),
    "21211": (Verdict.REFUSED, "To is no phone number"),
    "21212": (Verdict.REFUSED, "From is no phone number"),
    "21606": (Verdict.REFUSED, "From is no sender of this project"),
    "21610": (Verdict.OPTED_OUT, "the number has blocked this sender"),
    "21611": (Verdict.NOT_ACCEPTED, "the sender's queue is full"),
    "21614": (Verdict.REFUSED, "To is no mobile number"),
    "21617": (Verdict.REFUSED, "the text is too long"),
}
"""Codes that the call itself can be answered with (compatibility-api, Error codes)."""


class _Answer(msgspec.Struct):
    """A message that was made, or an error."""

    sid: object = ""
    status: object = ""
    error_code: object = ""
    code: object = ""


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    SignalWire takes no idempotency key. ``api_url`` is instead of ``https://SPACE.signalwire.com``.
    """
    form = {"To": reply.number, "From": reply.sender, "Body": reply.text}
    if url := status_url(account):
        form["StatusCallback"] = url
    project = account.options["project_id"]
    space = account.api_url or f"https://{account.options['space']}.signalwire.com"
    return HttpCall(
        method="POST",
        url=f"{space}/api/laml/2010-04-01/Accounts/{quote(project, safe='')}/Messages",
        headers={
            "Accept": "application/json",
            "Content-Type": FORM,
        },
        body=urlencode(form, errors="replace").encode("ascii"),
        auth=(project, account.secrets["api_token"][0].value),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what SignalWire's response to ``reply`` means. Never raises; repeats no number.

    As with Twilio, a message that is made may have failed already.
    """
    answer = answer_json(response, _ANSWER) or _Answer()
    sid = answer.sid if isinstance(answer.sid, str) else ""
    made = 200 <= response.status < 300
    if made and answer.status not in NOT_SENT:
        return Outcome(Verdict.SENT, provider_id=sid)
    code = str(answer.error_code if made else answer.code)
    other = code if code.isdigit() and len(code) < 7 else "no code"
    outcome = failed("SignalWire", response, coded(code, _CODES), other)
    return replace(outcome, provider_id=sid if made else "")
