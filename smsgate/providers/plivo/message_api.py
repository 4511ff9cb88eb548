"""Plivo's Message API: the call that sends a text, and what the response to it means."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import answer_json, failed
from smsgate.settings import Account

_API = "https://api.plivo.com"
# Plivo's errors have no code of their own. That a number has opted out is only reported later.
_STATUSES: Mapping[int, tuple[Verdict, str]] = {
    400: (Verdict.REFUSED, "a number or the text is not what Plivo takes"),
    401: (Verdict.REFUSED, "auth_id or auth_token is wrong"),
    402: (Verdict.REFUSED, "the account has no credit"),
    404: (Verdict.REFUSED, "there is no such account"),
    405: (Verdict.REFUSED, "the account may not do that"),
    429: (Verdict.NOT_ACCEPTED, "too many requests"),
}


class _Sent(msgspec.Struct):
    message_uuid: list[str] = []


_SENT = msgspec.json.Decoder(_Sent)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    Plivo takes no idempotency key. It is asked to report to our door, where it tells of
    opted-out numbers.
    """
    whatsapp = reply.channel == "whatsapp"
    text = {
        "src": reply.sender,
        "dst": reply.number,
        "text": reply.text,
        "type": "whatsapp" if whatsapp else "sms",
    }
    if account.public_url:
        text |= {"url": f"{account.public_url}/webhooks/{account.name}/status", "method": "POST"}
    auth_id = account.options["auth_id"]
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/v1/Account/{quote(auth_id, safe='')}/Message/",
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=msgspec.json.encode(text),
        auth=(auth_id, account.secrets["auth_token"][0].value),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Plivo's response to ``reply`` means. Never raises."""
    if 200 <= response.status < 300:
        sent = answer_json(response, _SENT)
        return Outcome(Verdict.SENT, provider_id=next(iter(sent.message_uuid if sent else ()), ""))
    other = "see plivo.com/docs/messaging/api/response-codes"
    return failed("Plivo", response, _STATUSES.get(response.status), other)
