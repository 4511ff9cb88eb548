"""The keys of ``/v1``, ``/metrics`` and ``/readyz``, and floods of wrong ones.

A right API key is never guessed (it has 128 bits and more), and comparing one costs microseconds.
So every key is compared, and a right key works from an address that guesses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from limits import RateLimitItemPerSecond

from smsgate.api_keys import Caller, Keyring
from smsgate.domain.errors import TooManyWrongKeys, Unauthorized
from smsgate.metrics.counters import REFUSED_KEYS
from smsgate.store.store import Store
from smsgate.web.limits import Limits, RefusalLog
from smsgate.web.wsgi_request import address_of

WRONG_KEYS = RateLimitItemPerSecond(100, 10)
"""How many wrong keys an address may send."""
_SHOWN = 4
"""Characters of a wrong key that the log shows, if it has at least ``_LONG``."""
_LONG = 20
_log = structlog.get_logger("smsgate.web")


class ApiKeyGuard:
    """Checks the keys that open some endpoints. Threads may share it."""

    def __init__(self, keyring: Keyring, store: Store) -> None:
        self._keyring = keyring
        self._metrics = store.metrics
        self._limits = Limits(store.client)
        self._lines = RefusalLog()

    def check(self, endpoint: str, environ: Mapping[str, Any]) -> Caller:
        """Who calls, by the request's ``Authorization`` header.

        Raises what ``Keyring.authenticate`` does, and ``TooManyWrongKeys`` in place of
        ``Unauthorized`` where too many came from the address.
        """
        header = environ.get("HTTP_AUTHORIZATION", "")
        given = header.partition(" ")[2].strip()
        try:
            return self._keyring.authenticate(header)
        except Unauthorized:
            if not given:
                self._metrics.count(REFUSED_KEYS, endpoint, "missing")
                raise
            address = address_of(environ)
            if address and not self._limits.hit(WRONG_KEYS, "keys", address):
                self._report(endpoint, address, "throttled", given)
                raise TooManyWrongKeys(
                    "Too many wrong keys came from this address; wait as Retry-After says.",
                    WRONG_KEYS.get_expiry(),
                ) from None
            self._report(endpoint, address, "wrong", given)
            raise

    def _report(self, endpoint: str, address: str, reason: str, given: str) -> None:
        self._metrics.count(REFUSED_KEYS, endpoint, reason)
        if self._lines.takes(endpoint, address):
            # Its owner knows a key by its end; of a short one nothing is shown.
            key = f"•••{given[-_SHOWN:]}" if len(given) >= _LONG else "•••"
            _log.warning(
                "API key refused", endpoint=endpoint, reason=reason, key=key, address=address
            )
