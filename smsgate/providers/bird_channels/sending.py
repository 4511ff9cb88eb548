"""The call that sends a text on a channel, and what Bird's response to it means."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import answer_json, failed
from smsgate.settings import Account

_API = "https://api.bird.com"


class _Answer(msgspec.Struct):
    id: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` on the channel that was texted.

    No idempotency key is documented for it.
    """
    channel = reply.service or account.options["channel_id"]
    path = f"workspaces/{account.options['workspace_id']}/channels/{quote(channel, safe='')}"
    contact = {"identifierKey": "phonenumber", "identifierValue": reply.number}
    text = {
        "receiver": {"contacts": [contact]},
        "body": {"type": "text", "text": {"text": reply.text}},
    }
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/{path}/messages",
        headers={
            "Accept": "application/json",
            "Authorization": f"AccessKey {account.secrets['access_key'][0].value}",
            "Content-Type": "application/json",
        },
        body=msgspec.json.encode(text),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Bird's response to ``reply`` means; no code for opted out is known. Never raises."""
    answer = answer_json(response, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT, provider_id=answer.id)
    closed = response.status in (401, 403)
    other = "access_key may not send there" if closed else "the request is wrong"
    return failed("Bird", response, None, other)
