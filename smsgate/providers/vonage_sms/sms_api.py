"""Vonage's SMS API: the call that sends a text, and what the response to it means."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.providers.contract import Meaning, answer_json, failed, told
from smsgate.settings import Account

_API = "https://rest.nexmo.com"
_ACCEPTED = "0"
_STATUSES: Mapping[str, tuple[Verdict, str]] = {
    "1": (Verdict.NOT_ACCEPTED, "too many requests"),
    "2": (Verdict.REFUSED, "a parameter is missing"),
    "3": (Verdict.REFUSED, "a parameter is wrong"),
    "4": (Verdict.REFUSED, "api_key or api_secret is wrong"),
    "5": (Verdict.UNKNOWN, "an error inside Vonage"),
    "6": (Verdict.REFUSED, "the number has an unknown prefix"),
    "7": (Verdict.REFUSED, "the number is barred"),
    "8": (Verdict.REFUSED, "the account is barred"),
    "9": (Verdict.REFUSED, "the account has no credit"),
    "10": (Verdict.NOT_ACCEPTED, "too many connections"),
    "12": (Verdict.REFUSED, "the text is too long"),
    "14": (Verdict.REFUSED, "the account wants signed calls"),
    "15": (Verdict.REFUSED, "the sender is not allowed there"),
    "29": (Verdict.REFUSED, "a trial account may only text its own numbers"),
    "33": (Verdict.REFUSED, "the number is no longer in use"),
}
"""``status`` of each message in the response, whose HTTP status is 200 whatever happened."""
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡¿§ÄÖÑÜäöñüà^{}\\[~]|€"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
"""What a text of type ``text`` may have (3GPP TS 23.038); the rest would come out as ``?``."""


class _Message(msgspec.Struct, rename={"message_id": "message-id"}):
    status: str | int = ""
    message_id: str = ""


class _Answer(msgspec.Struct):
    messages: list[_Message] = []


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted. No repeat is safe."""
    form = {
        "from": reply.sender.removeprefix("+"),
        "to": reply.number.removeprefix("+"),
        "text": reply.text,
        "type": "text" if _GSM.issuperset(reply.text) else "unicode",
        "client-ref": f"{reply.account}-{reply.id}"[:40],
    }
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/sms/json",
        headers={
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=urlencode(form, errors="replace").encode("ascii"),
        auth=(account.options["api_key"], account.secrets["api_secret"][0].value),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what Vonage's response to ``reply`` means. Never raises; repeats no number.

    A number that opted out is accepted here, and told of by a delivery receipt later.
    """
    answer = answer_json(response, _ANSWER) or _Answer()
    statuses = [str(message.status) for message in answer.messages]
    if 200 <= response.status < 300 and {*statuses} <= {_ACCEPTED}:
        id_ = answer.messages[0].message_id if answer.messages else ""
        return Outcome(Verdict.SENT, provider_id=id_)
    if not 200 <= response.status < 300:
        return failed("Vonage", response, None, "the call was refused")
    return told("Vonage", response, _meaning(statuses))


def _meaning(statuses: list[str]) -> Meaning:
    if _ACCEPTED in statuses:
        return Verdict.UNKNOWN, "only some parts of the text were accepted"
    verdict, meaning = _STATUSES.get(statuses[0], (Verdict.UNKNOWN, "not known"))
    return verdict, f"status {statuses[0][:3]}, {meaning}"
