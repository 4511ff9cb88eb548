"""The call that sends a text through Bandwidth, and what the response to it means."""

from __future__ import annotations

import json

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import Meaning, answer_json, failed, token_call
from smsgate.settings import Account

_API = "https://messaging.bandwidth.com"
_TOKENS = "https://api.bandwidth.com"


class _Answer(msgspec.Struct):
    id: str = ""
    type: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply``. Bandwidth takes no key; ``tag`` comes back.

    API users (HTTP Basic) end on 2 December 2026; from then on only access tokens count.
    """
    body = {
        "applicationId": account.options["application_id"],
        "to": [reply.number],
        "from": reply.sender,
        "text": reply.text,
        "tag": f"{reply.account}-{reply.id}",
    }
    basic = account.options.get("auth") == "basic"
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/api/v2/users/{account.options['account_id']}/messages",
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=json.dumps(body).encode("ascii"),
        auth=_api_user(account) if basic else None,
        token_from=None if basic else _credential(account),
    )


def _api_user(account: Account) -> tuple[str, str]:
    return account.options["api_user"], account.secrets["api_password"][0].value


def _credential(account: Account) -> HttpCall:
    """Where an API credential gets its access token (page Credential Management)."""
    url = f"{account.api_url or _TOKENS}/api/v1/oauth2/token"
    secret = account.secrets["client_secret"][0].value
    return token_call(url, account.options["client_id"], secret)


def outcome(response: HttpReply) -> Outcome:
    """Say what Bandwidth's response means; most failures are only told later, by a webhook."""
    answer = answer_json(response, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT, provider_id=answer.id)
    known: Meaning | None = None
    if response.status == 401:
        known = (Verdict.REFUSED, "the API credential is wrong, or may not send")
    return failed("Bandwidth", response, known, "see dev.bandwidth.com, messaging errors")
