"""Sinch's batches: the call that sends a text, and what the response to it means."""

from __future__ import annotations

import json

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import Meaning, answer_json, failed, token_call
from smsgate.settings import Account

_TOKENS = "https://auth.sinch.com"


class _Answer(msgspec.Struct):
    id: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted. No repeat is safe.

    A service plan has a token of its own; a project's access key gets one for an hour.
    """
    body = {
        "from": reply.sender.removeprefix("+"),
        "to": [reply.number.removeprefix("+")],
        "body": reply.text,
        "type": "mt_text",
        "client_reference": f"{reply.account}-{reply.id}",
        "delivery_report": "per_recipient",
    }
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    region, project = account.options.get("region") or "us", _sends_by_project(account)
    if project:
        api, owner = f"https://zt.{region}.sms.api.sinch.com", account.options["project_id"]
    else:
        api, owner = f"https://{region}.sms.api.sinch.com", account.options["service_plan_id"]
        headers["Authorization"] = f"Bearer {account.secrets['api_token'][0].value}"
    return HttpCall(
        method="POST",
        url=f"{account.api_url or api}/xms/v1/{owner}/batches",
        headers=headers,
        body=json.dumps(body).encode("ascii"),
        token_from=_access_key(account) if project else None,
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Sinch's response to ``reply`` means. Never raises; repeats no number."""
    if 200 <= response.status < 300:
        answer = answer_json(response, _ANSWER) or _Answer()
        return Outcome(Verdict.SENT, provider_id=answer.id)
    known: Meaning | None = None
    if response.status in (401, 403):
        known = (Verdict.REFUSED, "the token or the access key is wrong, or not for this plan")
    return failed("Sinch", response, known, "see developers.sinch.com, SMS status codes")


def _sends_by_project(account: Account) -> bool:
    return account.options.get("auth") == "project"


def _access_key(account: Account) -> HttpCall:
    url = f"{account.api_url or _TOKENS}/oauth2/token"
    return token_call(url, account.options["key_id"], account.secrets["key_secret"][0].value)
