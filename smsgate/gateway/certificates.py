"""Certificates and keys by which some providers sign: fetched, kept, looked at again hourly."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus

from smsgate.errors import AccountNotReady, CallFailed
from smsgate.messages import HttpCall
from smsgate.outbound import Outbound

_HOUR_S = 3600.0
"""After which a certificate is fetched again: a provider may have changed its keys."""
_DAY_S = 24 * _HOUR_S
"""For which a known one still does where it cannot be fetched again."""
_MOST = 16
"""Certificates that are kept; providers use one or two at a time."""


class Certificates:
    """A small memory in front of outgoing calls; providers have checked the URLs."""

    def __init__(self, outbound: Outbound) -> None:
        """Fetch through ``outbound``."""
        self._outbound = outbound
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, bytes]] = {}

    def of(self, call: HttpCall) -> bytes:
        """The body that the call gives.

        Raises ``AccountNotReady``: a 503, so that the provider tries again.
        """
        with self._lock:
            fetched, body = self._known.get(call.url, (0.0, b""))
        age_s = time.monotonic() - fetched
        if body and age_s < _HOUR_S:
            return body
        try:
            body = self._fetched(call)
        except AccountNotReady:
            if not body or age_s >= _DAY_S:
                raise
            return body
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[call.url] = (time.monotonic(), body)
        return body

    def _fetched(self, call: HttpCall) -> bytes:
        try:
            response = self._outbound.perform(call)
        except CallFailed as error:
            raise AccountNotReady(f"the signing certificate cannot be had: {error}") from error
        if response.status != HTTPStatus.OK:
            raise AccountNotReady(f"the signing certificate gave status {response.status}")
        return response.body
