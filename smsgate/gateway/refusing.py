"""Refused requests on their way to the quarantine: behind the answer, a few a second, or not."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from dataclasses import replace

from smsgate.errors import SignatureRefused, StoreUnavailable
from smsgate.gateway.diagnosis import diagnosed
from smsgate.messages import WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.settings import Account
from smsgate.store import Store

PER_SECOND = 4
"""Refused requests that a process looks into; a flood of forgeries costs no more than these."""

_Case = tuple[Account, WebhookRequest, SignatureRefused]


class Refusing:
    """Looks into refused requests in a thread of its own."""

    def __init__(self, store: Store) -> None:
        """Start no thread before the first request."""
        self._store = store
        self._queue: queue.Queue[_Case | None] = queue.Queue(PER_SECOND)
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._second, self._noted = 0, 0

    def note(self, account: Account, request: WebhookRequest, error: SignatureRefused) -> None:
        """Take one request where the rate allows; returns at once and raises nothing."""
        with self._lock:
            second = int(time.monotonic())
            self._noted = self._noted + 1 if second == self._second else 1
            self._second = second
            if self._noted > PER_SECOND:
                return
            if self._worker is None:
                self._worker = threading.Thread(target=self._run, name="quarantine", daemon=True)
                self._worker.start()
        # The server's own view of the headers does not outlive the answer.
        kept = replace(request, headers=dict(request.headers))
        try:
            self._queue.put_nowait((account, kept, error))
        except queue.Full:
            return

    def close(self) -> None:
        """Look into what is queued, then end."""
        if self._worker is not None:
            with suppress(queue.Full):
                self._queue.put(None, timeout=5)
            self._worker.join(timeout=5)

    def _run(self) -> None:
        while (case := self._queue.get()) is not None:
            account, request, error = case
            now_us = time.time_ns() // 1000
            refused = diagnosed(request, account, PROVIDERS[account.provider], error, now_us)
            with suppress(StoreUnavailable):  # the webhook's own line has said it
                self._store.quarantine.add(account.name, refused)
