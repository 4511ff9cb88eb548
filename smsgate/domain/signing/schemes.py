"""Schemes that several providers share: Standard Webhooks, and Sinch's of its two APIs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.signing.secrets import as_bytes, hmac_base64, same
from smsgate.domain.signing.times import check_time

SINCH = "x-sinch-webhook-signature"


def check_standard_webhook(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now_us: int
) -> None:
    """Verify a request by Standard Webhooks, v1 (HMAC-SHA256); ``secrets`` are ``whsec_…``.

    See standardwebhooks.com, "Verifying webhooks". Signatures of other versions are passed over.
    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    id_, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")
    expected = [standard_webhook_signature(id_, timestamp, body, secret) for secret in secrets]
    fits = [same(one, other) for one in given for other in expected]
    if not (id_ and any(fits) and timestamp.isascii() and timestamp.isdigit()):
        raise SignatureRefused(
            "No v1 entry of webhook-signature fits webhook-id, webhook-timestamp and the body."
        )
    check_time(int(timestamp[:15]) * 1_000_000, now_us)


def standard_webhook_signature(id_: str, timestamp: str, body: bytes, secret: str) -> str:
    """Return ``v1,…`` for a request; empty, which fits nothing, where the secret is no base64."""
    encoded = as_bytes(secret.removeprefix("whsec_"))
    try:
        key = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ""
    signed = as_bytes(f"{id_}.{timestamp}.") + body
    return "v1," + hmac_base64(key, signed, "sha256") if key else ""


def check_sinch(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now_us: int
) -> None:
    """Verify a request of Sinch's SMS or Conversation API (HMAC-SHA256 of body, nonce and time).

    See developers.sinch.com/docs/conversation/callbacks. Raises ``SignatureRefused``, and
    ``SignatureExpired`` where all is right but the time.
    """
    nonce, timestamp = (headers.get(f"{SINCH}-{name}", "") for name in ("nonce", "timestamp"))
    given, algorithm = headers.get(SINCH, ""), headers.get(f"{SINCH}-algorithm", "HmacSHA256")
    signed = body + as_bytes(f".{nonce}.{timestamp}")
    fits = [same(given, hmac_base64(secret, signed, "sha256")) for secret in secrets if secret]
    plain = timestamp.isascii() and timestamp.isdigit() and "." not in nonce
    if not (any(fits) and plain and algorithm == "HmacSHA256"):
        raise SignatureRefused(
            f"The {SINCH} is missing, or does not fit the body, nonce and timestamp."
        )
    check_time(int(timestamp[:15]) * 1_000_000, now_us)


def sinch_headers(body: bytes, secret: str, nonce: str, at_us: int) -> dict[str, str]:
    """Return the headers by which Sinch signs ``body`` at a time."""
    timestamp = str(at_us // 1_000_000)
    signed = body + as_bytes(f".{nonce}.{timestamp}")
    return {
        SINCH: hmac_base64(secret, signed, "sha256"),
        f"{SINCH}-algorithm": "HmacSHA256",
        f"{SINCH}-nonce": nonce,
        f"{SINCH}-timestamp": timestamp,
    }
