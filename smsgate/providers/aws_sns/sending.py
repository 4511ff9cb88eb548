"""The call that sends a text (SendTextMessage, Signature Version 4), and what AWS answers."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Outcome, Reply, Verdict
from smsgate.domain.signing import as_bytes, iso_time
from smsgate.providers.contract import Meaning, answer_json, failed
from smsgate.settings import Account

_HALF_LIFE_US = 150_000_000
_REASONS: Mapping[str, tuple[Verdict, str]] = {
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": (Verdict.OPTED_OUT, "the number is on the opt-out list"),
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": (Verdict.REFUSED, "the account is in the sandbox"),
}
_TYPES: Mapping[str, tuple[Verdict, str]] = {
    "AccessDeniedException": (Verdict.REFUSED, "the access key may not send texts"),
    "ConflictException": (Verdict.REFUSED, "the sender cannot be used so"),
    "InvalidSignatureException": (Verdict.REFUSED, "secret_access_key is wrong, or the clock"),
    "ResourceNotFoundException": (Verdict.REFUSED, "the sender is none of the account"),
    "ServiceQuotaExceededException": (Verdict.REFUSED, "the spending limit or a quota is reached"),
    "ThrottlingException": (Verdict.NOT_ACCEPTED, "too many requests"),
    "UnrecognizedClientException": (Verdict.REFUSED, "access_key_id is wrong"),
    "ValidationException": (Verdict.REFUSED, "the number or the text is not valid"),
}


class _Answer(msgspec.Struct):
    type: str = msgspec.field(name="__type", default="")
    reason: str = msgspec.field(name="Reason", default="")
    message_id: str = msgspec.field(name="MessageId", default="")


_ANSWER = msgspec.json.Decoder(_Answer)


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted.

    AWS takes no idempotency key for it. A signature is good for five minutes around the time in
    it. A reply leaves within 300 s before its deadline, so the middle of those is near enough.
    """
    region = account.secrets["topic_arn"][0].value.split(":")[3]
    url = f"{account.api_url or f'https://sms-voice.{region}.amazonaws.com'}/"
    text = {
        "DestinationPhoneNumber": reply.number,
        "OriginationIdentity": reply.sender,
        "MessageBody": reply.text,
    }
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "PinpointSMSVoiceV2.SendTextMessage",
    }
    body = msgspec.json.encode(text)
    key = (account.options["access_key_id"], account.secrets["secret_access_key"][0].value)
    at_us = max(reply.deadline_us - _HALF_LIFE_US, 0)
    signed = aws_headers(url, headers, body, key, f"{region}/sms-voice", at_us)
    return HttpCall("POST", url, signed, body)


def outcome(response: HttpReply) -> Outcome:
    """Say what the response to ``reply`` means. Never raises."""
    answer = answer_json(response, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT, provider_id=answer.message_id)
    return failed("AWS", response, _meaning(answer), "see the errors of SendTextMessage")


def _meaning(answer: _Answer) -> Meaning | None:
    kind = answer.type.rpartition("#")[2]  # com.amazonaws.…#ThrottlingException
    if kind == "ConflictException" and answer.reason in _REASONS:
        return _REASONS[answer.reason]
    return _TYPES.get(kind)


def aws_headers(
    url: str, headers: Mapping[str, str], body: bytes, key: tuple[str, str], scope: str, at_us: int
) -> dict[str, str]:
    """Return the headers of a POST to ``url`` (which has no query) with Signature Version 4.

    ``headers`` are in lower case; ``key`` is an access key's id and secret; ``scope`` is region
    and service, such as ``us-east-1/sms-voice``. See docs.aws.amazon.com/IAM/latest/UserGuide,
    "Create a signed AWS API request".
    """
    stamp = re.sub(r"[-:]|\.[0-9]+", "", iso_time(at_us))
    place = urlsplit(url)
    sent = dict(headers) | {"x-amz-date": stamp}
    signed = sorted((sent | {"host": place.netloc}).items())
    names = ";".join(name for name, _ in signed)
    lines = [f"{name}:{value}" for name, value in signed]
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join(["POST", place.path, "", *lines, "", names, digest])
    scope = f"{stamp[:8]}/{scope}/aws4_request"
    hashed = hashlib.sha256(as_bytes(canonical)).hexdigest()
    code = as_bytes("AWS4" + key[1])
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"):
        code = hmac.digest(code, as_bytes(part), "sha256")
    sent["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key[0]}/{scope}, SignedHeaders={names}, "
        f"Signature={code.hex()}"
    )
    return sent
