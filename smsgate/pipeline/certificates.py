"""Certificates and keys by which some providers sign: fetched, kept, looked at again hourly.

They are fetched before a request is known to be genuine, from an address that the request may
name. So what that costs is bounded, no matter who asks: few fetches at once and in a minute, none
for an address that just failed, and few threads that wait for another one's fetch.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from http import HTTPStatus
from typing import TypeVar

from smsgate.domain.errors import AccountNotReady, CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.outbound import Outbound

T = TypeVar("T")
_HOUR_S = 3600.0
"""After which a certificate is fetched again: a provider may have changed its keys."""
_DAY_S = 24 * _HOUR_S
"""For which a known one still does where it cannot be fetched again."""
_MOST = 16
"""Certificates that are kept; providers use one or two at a time."""
AGAIN_S = 10.0
"""After which an address that failed is asked again."""
BURST = 4
"""Fetches that a process may make at once; used up, there is one more after each ``REFILL_S``."""
REFILL_S = 5.0
_WAITING = 8
"""Threads that wait for fetches of others; providers try again when we answer 503 to the rest."""
_WAIT_S = 5.0


class SigningCertificates:
    """A small memory in front of outgoing calls; providers have checked the URLs."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._known: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._failed: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._lock = threading.Lock()
        self._fetching = threading.Lock()
        self._callers = threading.BoundedSemaphore(_WAITING + 1)
        self._tokens, self._filled = float(BURST), time.monotonic()

    def of(self, call: HttpCall) -> bytes:
        """The body that the call returns.

        Raises ``AccountNotReady``: a 503, so that the provider tries again.
        """
        body, age_s = self._remembered(call.url)
        if body and age_s < _HOUR_S:
            return body
        try:
            return self._fetched(call)
        except AccountNotReady:
            if not body or age_s >= _DAY_S:
                raise
            return body

    def _remembered(self, url: str) -> tuple[bytes, float]:
        """What is known of an address and its age in seconds; nothing is ``b""``."""
        with self._lock:
            if url not in self._known:
                return b"", 0.0
            self._known.move_to_end(url)
            fetched, body = self._known[url]
        return body, time.monotonic() - fetched

    def _fetched(self, call: HttpCall) -> bytes:
        """Fetch, or wait for a thread that does, as far as the bounds allow it."""
        is_fetching = False
        is_admitted = self._callers.acquire(blocking=False)
        try:
            is_fetching = is_admitted and self._fetching.acquire(timeout=_WAIT_S)
            if not is_fetching:
                raise AccountNotReady("the signing certificate is being fetched: try again")
            body, age_s = self._remembered(call.url)
            if body and age_s < _HOUR_S:
                return body
            self._take_token(call.url)
            try:
                body = self._asked(call)
            except AccountNotReady as error:
                self._note(self._failed, call.url, str(error))
                raise
            self._note(self._known, call.url, body)
            return body
        finally:
            if is_fetching:
                self._fetching.release()
            if is_admitted:
                self._callers.release()

    def _take_token(self, url: str) -> None:
        """Raises ``AccountNotReady`` where nothing may be fetched from the address now."""
        now = time.monotonic()
        failed, why = self._failed.get(url, (-AGAIN_S, ""))
        if now - failed < AGAIN_S:
            raise AccountNotReady(why)
        self._tokens = min(float(BURST), self._tokens + (now - self._filled) / REFILL_S)
        self._filled = now
        if self._tokens < 1:
            raise AccountNotReady("too many signing certificates were to be fetched: try again")
        self._tokens -= 1

    def _note(self, where: OrderedDict[str, tuple[float, T]], url: str, what: T) -> None:
        with self._lock:
            where[url] = (time.monotonic(), what)
            where.move_to_end(url)
            while len(where) > _MOST:
                where.popitem(last=False)

    def _asked(self, call: HttpCall) -> bytes:
        try:
            response = self._outbound.perform(call)
        except CallFailed as error:
            raise AccountNotReady(f"the signing certificate cannot be had: {error}") from error
        if response.status != HTTPStatus.OK:
            raise AccountNotReady(f"the signing certificate gave status {response.status}")
        if not response.body:
            raise AccountNotReady("the signing certificate is empty")
        return response.body
