"""Certificates and keys by which some providers sign: fetched, kept, looked at again hourly.

They are fetched before a request is known to be genuine, from an address that the request may
name. So what that costs is bounded, no matter who asks: one fetch at a time, few in a minute, and
none for an address that just failed.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from http import HTTPStatus

from smsgate.domain.errors import AccountNotReady, CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.outbound import Outbound

_HOUR_S = 3600.0
"""After which a certificate is fetched again: a provider may have changed its keys."""
_DAY_S = 24 * _HOUR_S
"""For which a known one still does where it cannot be fetched again."""
_MOST = 16
"""Addresses that are known; providers use one or two at a time."""
AGAIN_S = 10.0
"""After which an address that failed is asked again."""
BURST = 4
"""Fetches that a process may make at once; used up, there is one more after each ``REFILL_S``."""
REFILL_S = 5.0
_BEING_FETCHED = "the signing certificate is being fetched: try again"


@dataclass(frozen=True, slots=True)
class _Certificate:
    """What is known of one address; times are monotonic."""

    body: bytes = b""
    fetched: float = 0.0
    failed: float = -AGAIN_S
    problem: str = _BEING_FETCHED


class SigningCertificates:
    """A small memory in front of outgoing calls; providers have checked the URLs."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._known: dict[str, _Certificate] = {}
        self._fetching = threading.Lock()
        self._tokens, self._filled = float(BURST), time.monotonic()

    def of(self, call: HttpCall) -> bytes:
        """The body that the call returns.

        Raises ``AccountNotReady``, also while another thread fetches one: a 503, so that the
        provider tries again.
        """
        known, now = self._known.get(call.url, _Certificate()), time.monotonic()
        if known.body and now - known.fetched < _HOUR_S:
            return known.body
        if now - known.failed >= AGAIN_S and self._fetching.acquire(blocking=False):
            try:
                known = self._fetched(call, known, now)
            finally:
                self._fetching.release()
        if known.body and now - known.fetched < _DAY_S:
            return known.body
        raise AccountNotReady(known.problem)

    def _fetched(self, call: HttpCall, known: _Certificate, now: float) -> _Certificate:
        self._tokens = min(float(BURST), self._tokens + (now - self._filled) / REFILL_S)
        self._filled = now
        if self._tokens < 1:
            problem = "too many signing certificates were to be fetched: try again"
            return replace(known, problem=problem)
        self._tokens -= 1
        try:
            response = self._outbound.perform(call)
        except CallFailed as error:
            known = replace(known, failed=now, problem=f"no signing certificate: {error}")
        else:
            if response.status == HTTPStatus.OK and response.body:
                known = _Certificate(response.body, now)
            else:
                problem = f"no signing certificate: status {response.status}"
                known = replace(known, failed=now, problem=problem)
        self._known[call.url] = known
        if len(self._known) > _MOST:  # those that failed go first, then the oldest
            del self._known[min(self._known, key=lambda url: self._known[url].fetched)]
        return known
