"""The two schemes of Standard Webhooks. The account says which; neither falls through."""

from __future__ import annotations

from smsgate.domain import ed25519
from smsgate.domain.errors import AccountNotReady, SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import (
    as_bytes,
    check_standard_webhook,
    check_time,
    standard_webhook_signature,
)
from smsgate.settings import Account


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if id, time and body are signed by the account's one scheme, within 300 s.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    headers = _headers(request)
    if account.options["scheme"] == "v1":
        secrets = account.values_of("secret")
        check_standard_webhook(headers, request.body, secrets, now_us)
        return
    time = headers["webhook-timestamp"]
    signed = _signed(headers["webhook-id"], time, request.body)
    keys = [key.value.removeprefix("whpk_") for key in account.secrets.get("public_key", ())]
    given = [one[4:] for one in headers["webhook-signature"].split(" ") if one.startswith("v1a,")]
    fits = any(ed25519.fits(signature, signed, key) for signature in given for key in keys)
    if not (fits and headers["webhook-id"] and time.isascii() and time.isdigit()):
        raise SignatureRefused(
            "No v1a entry of webhook-signature fits webhook-id, webhook-timestamp and the body."
        )
    check_time(int(time[:15]) * 1_000_000, now_us)


def sign(id_: str, time_s: int, body: bytes, account: Account) -> dict[str, str]:
    """Return the headers by which the gateway would sign ``body``.

    Raises ``AccountNotReady`` for scheme v1a without ``signing_key``.
    """
    time = str(time_s)
    return {
        "webhook-id": id_,
        "webhook-timestamp": time,
        "webhook-signature": _signature(id_, time, body, account),
    }


def _headers(request: WebhookRequest) -> dict[str, str]:
    """The three headers under their standard names, whichever of the two names they came by."""
    get = request.headers.get
    by = "webhook" if get("webhook-signature") else "svix"
    return {f"webhook-{name}": get(f"{by}-{name}", "") for name in ("id", "timestamp", "signature")}


def _signed(id_: str, time: str, body: bytes) -> bytes:
    return as_bytes(f"{id_}.{time}.") + body


def _signature(id_: str, time: str, body: bytes, account: Account) -> str:
    if account.options["scheme"] == "v1":
        return standard_webhook_signature(id_, time, body, account.secrets["secret"][0].value)
    keys = account.secrets.get("signing_key", ())
    if not keys:
        raise AccountNotReady("Only the owner of the private key can sign; set signing_key.")
    key = keys[0].value.removeprefix("whsk_")
    return f"v1a,{ed25519.sign(_signed(id_, time, body), key)}"
