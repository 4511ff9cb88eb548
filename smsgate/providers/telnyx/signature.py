"""Telnyx's signature: Ed25519 over the time and the raw body."""

from __future__ import annotations

from smsgate.domain import ed25519
from smsgate.domain.errors import AccountNotReady, SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import as_bytes, check_time
from smsgate.settings import Account

_SIGNATURE = "telnyx-signature-ed25519"
_TIME = "telnyx-timestamp"


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if Telnyx signed time and body, with a key of this account, within 300 s.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    signature, time = request.headers.get(_SIGNATURE, ""), request.headers.get(_TIME, "")
    if not (signature and time.isascii() and time.isdigit()):
        raise SignatureRefused(f"The request lacks {_SIGNATURE} or {_TIME}.")
    signed = as_bytes(f"{time}|") + request.body
    keys = account.secrets.get("public_key", ())
    if not any(ed25519.fits(signature, signed, key.value) for key in keys):
        raise SignatureRefused(
            f"The {_SIGNATURE} does not fit the time and the body; public_key must be the one "
            "that Mission Control shows for the account that the number belongs to."
        )
    check_time(int(time[:15]) * 1_000_000, now_us)


def sign(time_s: int, body: bytes, account: Account) -> dict[str, str]:
    """Return the headers by which Telnyx would sign ``body``, made with the ``signing_key``.

    Raises ``AccountNotReady`` where the account has none: Telnyx's own never leaves Telnyx.
    """
    keys = account.secrets.get("signing_key", ())
    if not keys:
        raise AccountNotReady(
            "Only Telnyx can sign for this account; to try it out, give it a public_key of your "
            "own and the private half as signing_key."
        )
    signature = ed25519.sign(as_bytes(f"{time_s}|") + body, keys[0].value)
    return {_SIGNATURE: signature, _TIME: str(time_s)}
