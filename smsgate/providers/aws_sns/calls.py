"""Calls of AWS End User Messaging SMS (pinpoint-sms-voice-v2), signed with Signature Version 4."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from smsgate.domain.messages import HttpCall
from smsgate.domain.signed_times import iso_time
from smsgate.domain.signing import as_bytes
from smsgate.settings import Account


def describe_call(action: str, content: object, account: Account, at_us: int) -> HttpCall:
    """Describe the call of an action, signed for five minutes around ``at_us``."""
    region = account.newest_secret("topic_arn").split(":")[3]
    url = f"{account.api_url or f'https://sms-voice.{region}.amazonaws.com'}/"
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"PinpointSMSVoiceV2.{action}",
    }
    body = msgspec.json.encode(content)
    key = (account.options["access_key_id"], account.newest_secret("secret_access_key"))
    return HttpCall(
        "POST", url, aws_headers(url, headers, body, key, f"{region}/sms-voice", at_us), body
    )


def aws_headers(
    url: str, headers: Mapping[str, str], body: bytes, key: tuple[str, str], scope: str, at_us: int
) -> dict[str, str]:
    """Return the headers of a POST to ``url`` (which has no query) with Signature Version 4.

    ``headers`` are in lower case; ``key`` is an access key's id and secret; ``scope`` is region
    and service, such as ``us-east-1/sms-voice``. See docs.aws.amazon.com/IAM/latest/UserGuide,
    "Create a signed AWS API request".
    """
    time = re.sub(r"[-:]|\.[0-9]+", "", iso_time(at_us))
    parts = urlsplit(url)
    sent = dict(headers) | {"x-amz-date": time}
    signed = sorted((sent | {"host": parts.netloc}).items())
    names = ";".join(name for name, _ in signed)
    lines = [f"{name}:{value}" for name, value in signed]
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join(["POST", parts.path, "", *lines, "", names, digest])
    scope = f"{time[:8]}/{scope}/aws4_request"
    hashed = hashlib.sha256(as_bytes(canonical)).hexdigest()
    code = as_bytes("AWS4" + key[1])
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashed}"):
        code = hmac.digest(code, as_bytes(part), "sha256")
    sent["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key[0]}/{scope}, SignedHeaders={names}, "
        f"Signature={code.hex()}"
    )
    return sent
