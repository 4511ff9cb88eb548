"""Whether a request is Infobip's: one of three schemes, as the notification profile has it.

In ``exchange`` time and body are joined without anything between, so that a body which begins
with the digits of a time would fit ``hmac``, too. Hence the account names one scheme, and a
request is never tried by another.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import as_bytes, basic_auth, check_time, same
from smsgate.settings import Account

_SIGNATURE = "x-ib-exchange-req-signature"
_TIME = "x-ib-exchange-req-timestamp"
_PREFIX = "SHA256="


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if the request bears what the account's ``scheme`` asks for; nothing else counts.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    given = request.headers.get(_header(account), "")
    if _scheme(account) == "hmac":
        given = given.removeprefix(_PREFIX)
    time = request.headers.get(_TIME, "")
    secrets = account.values_of("webhook_secret")
    if not any(same(given, one) for one in _expected(request.body, account, time, secrets)):
        raise SignatureRefused(
            f"The request does not bear in {_header(account)} what the account's `scheme` asks "
            "for; see the notification profile of the subscription."
        )
    if _scheme(account) == "exchange":
        if not (time.isascii() and time.isdigit()):
            raise SignatureRefused(f"{_TIME} is no time in milliseconds.")
        check_time(int(time[:18]) * 1000, now_us)


def sign(body: bytes, account: Account, at_us: int) -> dict[str, str]:
    """Return the headers by which Infobip would sign ``body`` with the account's newest secret."""
    time = str(at_us // 1000)
    secret = account.secrets["webhook_secret"][0].value
    headers = {_header(account): next(iter(_expected(body, account, time, [secret])))}
    return headers | ({_TIME: time} if _scheme(account) == "exchange" else {})


def _expected(body: bytes, account: Account, time: str, secrets: Iterable[str]) -> Iterable[str]:
    """Everything that would do."""
    if _scheme(account) == "basic":
        return [basic_auth(*secret.partition(":")[::2]) for secret in secrets]
    signed = as_bytes(time) + body if _scheme(account) == "exchange" else body
    return [hmac.digest(as_bytes(secret), signed, "sha256").hex() for secret in secrets]


def _scheme(account: Account) -> str:
    return account.options.get("scheme", "")


def _header(account: Account) -> str:
    """The header that the scheme uses; for ``hmac`` the one that the profile names."""
    names = {"exchange": _SIGNATURE, "basic": "authorization"}
    return names.get(_scheme(account)) or account.options.get("signature_header", "").lower()
