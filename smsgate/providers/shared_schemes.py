"""Signature schemes that several providers share: Standard Webhooks, Sinch's and MessageBird's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.signed_times import check_time, seconds_us
from smsgate.domain.signing import as_bytes, hmac_base64, same
from smsgate.providers.tokens import from_base64

SINCH = "x-sinch-webhook-signature"
MESSAGEBIRD = "messagebird-signature"
MESSAGEBIRD_TIME = "messagebird-request-timestamp"


def check_signed(timestamp: str, now_us: int, refusal: str, *, fits: bool) -> None:
    """Return if a signature fits, and its time in seconds is near now.

    Raises ``SignatureRefused`` with ``refusal``, and ``SignatureExpired`` where all is right but
    the time.
    """
    signed_us = seconds_us(timestamp)
    if not fits or signed_us is None:
        raise SignatureRefused(refusal)
    check_time(signed_us, now_us)


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
    fits = any(same(one, other) for one in given for other in expected)
    what = "No v1 entry of webhook-signature fits webhook-id, webhook-timestamp and the body."
    check_signed(timestamp, now_us, what, fits=fits and id_ != "")


def standard_webhook_signature(id_: str, timestamp: str, body: bytes, secret: str) -> str:
    """Return ``v1,…`` for a request; empty, which fits nothing, where the secret is no base64."""
    encoded = secret.removeprefix("whsec_")
    key = from_base64(encoded + "=" * (-len(encoded) % 4))
    signed = as_bytes(f"{id_}.{timestamp}.") + body
    return "v1," + hmac_base64(key, signed, "sha256") if key else ""


def standard_webhook_headers(
    id_: str, timestamp: str, body: bytes, secrets: Iterable[str]
) -> dict[str, str]:
    """Return the headers of a JSON request that is signed with each of the secrets."""
    signatures = [standard_webhook_signature(id_, timestamp, body, one) for one in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


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
    fits = any(same(given, hmac_base64(secret, signed, "sha256")) for secret in secrets if secret)
    right_kind = algorithm == "HmacSHA256" and "." not in nonce
    what = f"The {SINCH} is missing, or does not fit the body, nonce and timestamp."
    check_signed(timestamp, now_us, what, fits=fits and right_kind)


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


def check_messagebird(
    headers: Mapping[str, str], place: str, body: bytes, keys: Iterable[str], now_us: int
) -> None:
    """Verify a request by MessageBird-Signature: HMAC-SHA256 of time, place and body.

    ``place`` is the sorted query at MessageBird (messagebird/python-rest-api, signed_request.py),
    and the URL at Bird (docs.bird.com/api/notifications-api, Verifying a webhook). Raises
    ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    given, timestamp = headers.get(MESSAGEBIRD, ""), headers.get(MESSAGEBIRD_TIME, "")
    expected = [_messagebird_signature(timestamp, place, body, key) for key in keys]
    what = (
        f"The {MESSAGEBIRD} does not fit {MESSAGEBIRD_TIME}, URL and body; the URL must be the "
        "public one, exactly as it was given."
    )
    check_signed(timestamp, now_us, what, fits=any(same(given, one) for one in expected))


def messagebird_headers(place: str, body: bytes, key: str, at_us: int) -> dict[str, str]:
    """Return the headers by which MessageBird or Bird signs a request at a time."""
    timestamp = str(at_us // 1_000_000)
    signature = _messagebird_signature(timestamp, place, body, key)
    return {MESSAGEBIRD_TIME: timestamp, MESSAGEBIRD: signature}


def _messagebird_signature(timestamp: str, place: str, body: bytes, key: str) -> str:
    signed = as_bytes(f"{timestamp}\n{place}\n") + hashlib.sha256(body).digest()
    return hmac_base64(key, signed, "sha256")
