"""Twilio's Messages API: the call that sends a text, and what the response to it means."""

from __future__ import annotations

import re
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

_API = "https://api.twilio.com"
_PREFIXED = frozenset({"whatsapp", "rcs"})
_CODES: Mapping[int, Meaning] = {
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


class _Answer(msgspec.Struct):
    """A message that was made, or an error."""

    sid: object = ""
    status: object = ""
    error_code: object = 0
    code: object = 0


_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    Twilio takes no idempotency key for it. With a messaging service beside ``From`` it uses that
    very sender of the service's pool.
    """
    prefix = f"{reply.channel}:" if reply.channel in _PREFIXED else ""
    form = {"To": prefix + reply.number, "From": prefix + reply.sender, "Body": reply.text}
    if reply.service:
        form["MessagingServiceSid"] = reply.service
    if url := status_url(account):
        form["StatusCallback"] = url
    sid = account.options["account_sid"]
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/2010-04-01/Accounts/{quote(sid, safe='')}/Messages.json",
        headers={
            "Accept": "application/json",
            "Content-Type": FORM,
        },
        body=urlencode(form, errors="replace").encode("ascii"),
        auth=(sid, account.secrets["auth_token"][0].value),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Twilio's response to ``reply`` means. Never raises.

    A message that is made may have failed already: 201, with ``status`` and ``error_code`` in it.
    The note does not repeat Twilio's own sentence, because that names phone numbers.
    """
    answer = answer_json(response, _ANSWER) or _Answer()
    sid = answer.sid if isinstance(answer.sid, str) else ""
    made = 200 <= response.status < 300
    if made and answer.status not in NOT_SENT:
        return Outcome(Verdict.SENT, provider_id=sid)
    given = str(answer.error_code if made else answer.code)
    code = int(given) if _NUMBER.fullmatch(given) else 0
    other = f"{code}, see twilio.com/docs/api/errors" if code else "no code"
    outcome = failed("Twilio", response, coded(code, _CODES), other)
    return replace(outcome, provider_id=sid if made else "")
