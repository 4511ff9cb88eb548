"""API keys that open nothing: counted, logged with the key masked, and slowed down by address.

A right key is never guessed (it has 128 bits and more), and comparing one costs microseconds. So
every key is compared, and whoever shares an address with a guesser gets in. Of an address that
gives more wrong keys than ``floods.py`` allows, all further ones are answered 429.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog

from smsgate.domain.errors import TooManyWrongKeys, Unauthorized
from smsgate.metrics.families import REFUSED_KEYS
from smsgate.store.metrics import Metrics
from smsgate.web.floods import Floods
from smsgate.web.refusal_lines import RefusalLines
from smsgate.web.visitors import address_of

T = TypeVar("T")
_SHOWN = 4
"""Characters of a wrong key that the log shows, of one that is at least ``_LONG``."""
_LONG = 20
_WAIT_S = 1.0
_log = structlog.get_logger("smsgate.web")


class KeyGuard:
    """Stands before whatever wants a key. Threads may share it."""

    def __init__(self, trust_proxy: bool, metrics: Metrics) -> None:
        """Count in ``metrics``; ``trust_proxy`` says whose word for an address is taken."""
        self._trust_proxy = trust_proxy
        self._metrics = metrics
        self._floods = Floods()
        self._lines = RefusalLines(_log, trust_proxy, "refused API keys", "endpoint")

    def check(self, endpoint: str, environ: Mapping[str, Any], who: Callable[[str], T]) -> T:
        """What ``who`` makes of the request's ``Authorization`` header.

        Raises ``Unauthorized`` where ``who`` does, and ``TooManyWrongKeys`` in its place where too
        many came from the address.
        """
        header = environ.get("HTTP_AUTHORIZATION", "")
        given = header.partition(" ")[2].strip()
        try:
            return who(header)
        except Unauthorized:
            if not given:
                self._metrics.count(REFUSED_KEYS, endpoint, "missing")
                raise
            address = address_of(environ, self._trust_proxy)
            if self._floods.is_flooding("", address):
                self._refused(endpoint, environ, "throttled", given)
                raise TooManyWrongKeys(
                    "Too many wrong keys came from this address; come again in a second.", _WAIT_S
                ) from None
            self._floods.refused("", address)
            self._refused(endpoint, environ, "wrong", given)
            raise

    def _refused(self, endpoint: str, environ: Mapping[str, Any], reason: str, given: str) -> None:
        self._metrics.count(REFUSED_KEYS, endpoint, reason)
        self._lines.tell_left_out(time.perf_counter())
        more = self._lines.more(Unauthorized.status, endpoint, environ)
        if more is not None:
            key = masked_key(given)
            _log.warning("API key refused", endpoint=endpoint, reason=reason, key=key, **more)


def masked_key(key: str) -> str:
    """Of a key its end, by which its owner knows it; of a short one nothing."""
    return f"•••{key[-_SHOWN:]}" if len(key) >= _LONG else "•••"
