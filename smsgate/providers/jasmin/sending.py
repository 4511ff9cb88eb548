"""The call that sends a text through Jasmin's HTTP API, and what the response to it means."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import FORM, Meaning, failed, send_url
from smsgate.settings import Account

_SENT = re.compile(rb'Success "([^"]{1,64})"')


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    Jasmin takes no idempotency key. What the GSM alphabet surely has goes out in it.
    """
    form = {
        "username": account.options["username"],
        "password": account.secrets["password"][0].value,
        "from": reply.sender,
        "to": reply.number,
    }
    if reply.text.isascii() and "`" not in reply.text:
        form |= {"coding": "0", "content": reply.text}
    else:
        form |= {"coding": "8", "hex-content": reply.text.encode("utf-16-be", "replace").hex()}
    return HttpCall(
        method="POST",
        url=send_url(account),
        headers={"Content-Type": FORM},
        body=urlencode(form, errors="replace").encode("ascii"),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Jasmin's response to ``reply`` means. Never raises."""
    if 200 <= response.status < 300:
        found = _SENT.search(response.body)
        return Outcome(Verdict.SENT, provider_id=found[1].decode("latin-1") if found else "")
    other = "a number or the text is not what Jasmin takes"
    return failed("Jasmin", response, _meaning(response), other)


def _meaning(response: HttpReply) -> Meaning | None:
    """What Jasmin's own statuses mean."""
    if response.status == 403 and b"hroughput" in response.body:
        return Verdict.NOT_ACCEPTED, "the user's throughput is exceeded"
    if response.status == 412:
        return Verdict.REFUSED, "there is no route, or no connector is up"
    if response.status == 403:
        return Verdict.REFUSED, "username or password is wrong, or the user has no credit"
    return None
