"""Sinch's Conversation API: the call that sends a text, and what the response to it means."""

from __future__ import annotations

import json

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import Meaning, answer_json, failed, token_call
from smsgate.settings import Account

_TOKENS = "https://auth.sinch.com"
_CHANNELS = {"whatsapp": "WHATSAPP", "rcs": "RCS"}
"""Where a reply goes out as it came in; a text that answers a picture is an SMS."""


class _Answer(msgspec.Struct):
    message_id: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` on the channel it answers. No repeat is safe."""
    channel = _CHANNELS.get(reply.channel, "SMS")
    identity = {"channel": channel, "identity": reply.number.removeprefix("+")}
    body: dict[str, object] = {
        "app_id": account.options["app_id"],
        "recipient": {"identified_by": {"channel_identities": [identity]}},
        "message": {"text_message": {"text": reply.text}},
        "channel_priority_order": [channel],
        "correlation_id": f"{reply.account}-{reply.id}"[:128],
    }
    if channel == "SMS" and reply.sender:
        body["channel_properties"] = {"SMS_SENDER": reply.sender.removeprefix("+")}
    region = account.options.get("region") or "us"
    api = account.api_url or f"https://{region}.conversation.api.sinch.com"
    return HttpCall(
        method="POST",
        url=f"{api}/v1/projects/{account.options['project_id']}/messages:send",
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=json.dumps(body).encode("ascii"),
        token_from=_access_key(account),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Sinch's response to ``reply`` means; most failures are only told by a webhook."""
    if 200 <= response.status < 300:
        answer = answer_json(response, _ANSWER) or _Answer()
        return Outcome(Verdict.SENT, provider_id=answer.message_id)
    known: Meaning | None = None
    if response.status == 401:
        known = (Verdict.REFUSED, "key_id or key_secret is wrong, or the region")
    return failed("Sinch", response, known, "see developers.sinch.com, Conversation API errors")


def _access_key(account: Account) -> HttpCall:
    """Where the access key gets its token: HTTP Basic is for trying out, and throttled."""
    url = f"{account.api_url or _TOKENS}/oauth2/token"
    return token_call(url, account.options["key_id"], account.secrets["key_secret"][0].value)
