"""The call that sends a text, signed with an access key, and what Azure's response means."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from email.utils import formatdate
from urllib.parse import urlsplit

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import answer_json, retry_after_s
from smsgate.settings import Account

_SMS = "/sms?api-version=2021-03-07"
_NAMESPACE = uuid.UUID("6f1c1a52-3a0e-4d0b-9d55-0c8f6f3f9a11")
_HALF_LIFE_US = 150_000_000


class _Recipient(msgspec.Struct, rename="camel"):
    message_id: str | None = None
    http_status_code: int = 0


class _Answer(msgspec.Struct):
    value: list[_Recipient] = []


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    Azure sends nothing twice for one repeatabilityRequestId. The time that is signed is the middle
    of the five minutes before the reply's deadline, in which it leaves.
    """
    sent = formatdate(max(reply.deadline_us - _HALF_LIFE_US, 0) // 1_000_000, usegmt=True)
    of = f"{reply.account} {reply.number} {reply.id} {reply.kind}"
    recipient = {
        "to": reply.number,
        "repeatabilityRequestId": str(uuid.uuid5(_NAMESPACE, of)),
        "repeatabilityFirstSent": sent,
    }
    body = msgspec.json.encode(
        {"from": reply.sender, "smsRecipients": [recipient], "message": reply.text}
    )
    url = (account.api_url or account.options["endpoint"]) + _SMS
    key = account.secrets["access_key"][0].value
    headers = {"Content-Type": "application/json", **_authorization(url, body, key, sent)}
    return HttpCall("POST", url, headers, body)


def outcome(response: HttpReply) -> Outcome:
    """Say what Azure's response to ``reply`` means: a refusal can come with 202. Never raises."""
    answer = answer_json(response, _ANSWER) or _Answer()
    found = answer.value[0] if answer.value else _Recipient()
    accepted = 200 <= response.status < 300
    status = found.http_status_code if accepted and found.http_status_code else response.status
    verdict, meaning = _meaning(status)
    return Outcome(
        verdict,
        provider_id=found.message_id or "" if verdict is Verdict.SENT else "",
        note="" if verdict is Verdict.SENT else f"Azure answered {status}: {meaning}",
        retry_after_s=retry_after_s(response),
    )


def _meaning(status: int) -> tuple[Verdict, str]:
    """A repeated call sends nothing twice, so a 5xx may be tried again."""
    if 200 <= status < 300:
        return Verdict.SENT, ""
    if status == 429:
        return Verdict.NOT_ACCEPTED, "too many requests"
    if status >= 500:
        return Verdict.NOT_ACCEPTED, "to be tried again with the same id"
    if status == 401:
        return Verdict.REFUSED, "access_key is wrong, or this host's clock"
    return Verdict.REFUSED, "the number, the sender or the text is not valid"


def _authorization(url: str, body: bytes, key: str, sent: str) -> dict[str, str]:
    """Sign a call with an access key ("Sign an HTTP request")."""
    place = urlsplit(url)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    signed = f"POST\n{place.path}?{place.query}\n{sent};{place.netloc};{digest}"
    try:
        secret = base64.b64decode(key)
    except binascii.Error:
        secret = b""  # Azure refuses what is signed with it, and says so.
    code = base64.b64encode(hmac.digest(secret, signed.encode(), "sha256")).decode()
    names = "SignedHeaders=x-ms-date;host;x-ms-content-sha256"
    return {
        "x-ms-date": sent,
        "x-ms-content-sha256": digest,
        "Authorization": f"HMAC-SHA256 {names}&Signature={code}",
    }
