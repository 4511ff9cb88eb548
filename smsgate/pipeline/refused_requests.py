"""What is found out about requests behind the answer: why one was refused, which secret fitted."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from smsgate.domain.errors import SignatureRefused, StoreUnavailable
from smsgate.domain.messages import WebhookRequest
from smsgate.pipeline.refusal_diagnosis import diagnosed, fits_newest, without_text
from smsgate.providers import PROVIDERS, usable
from smsgate.providers.reading import TextMissing
from smsgate.settings import Account
from smsgate.store import Store

PER_SECOND = 4
"""Refused requests of an account that a process looks into; a flood costs no more than these."""
OF_ADDRESS = 2
"""How many of those one address may have, so that a flood does not hide the others."""
EVERY_S = 60.0
"""How often a process notes that an account's requests are accepted, by each kind of secret."""

_OF_PROXIES = (
    "cf-connecting-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-real-ip",
)
"""Headers by which a request tells that it came through a proxy."""


class RefusedRequests:
    """Looks into refused requests, and notes accepted ones, in a thread of its own."""

    def __init__(self, store: Store, accounts: Mapping[str, Account]) -> None:
        """Start no thread before the first request."""
        self._store = store
        self._accounts = accounts
        self._rotating = {name for name, one in accounts.items() if _has_several(one)}
        places = PER_SECOND * max(1, len(accounts))
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(places)
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._second = 0
        self._noted: Counter[tuple[str, str]] = Counter()
        self._due: dict[tuple[str, bool], float] = {}

    def note(
        self, account: Account, request: WebhookRequest, error: SignatureRefused | TextMissing
    ) -> None:
        """Take one refused request where the rate allows; returns at once and raises nothing."""
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second = second
                self._noted.clear()
            if not self._may_look(account.name, request.address):
                return
        # The server's own view of the headers does not outlive the answer.
        kept = replace(request, headers=dict(request.headers))
        self._later(partial(self._keep, account, kept, error))

    def accepted(self, account: Account, request: WebhookRequest) -> None:
        """Note that a request was accepted, and by which secret where there are several.

        Of those it verifies each once more, so that no use of an older secret is missed.
        """
        several = account.name in self._rotating
        newest = not several or fits_newest(request, account, PROVIDERS[account.provider])
        now = time.monotonic()
        if now < self._due.get((account.name, newest), 0.0):
            return
        self._due[account.name, newest] = now + EVERY_S
        note = self._store.acceptance.note
        proxied = any(name in request.headers for name in _OF_PROXIES)
        self._later(partial(note, account.name, newest=newest, several=several, proxied=proxied))

    def close(self) -> None:
        """Look into what is queued, then end."""
        if self._worker is not None:
            with suppress(queue.Full):
                self._queue.put(None, timeout=5)
            self._worker.join(timeout=5)

    def _may_look(self, account: str, address: str) -> bool:
        of_account, of_address = (account, ""), (account, address)
        if self._noted[of_account] >= PER_SECOND:
            return False
        if address:
            if self._noted[of_address] >= OF_ADDRESS:
                return False
            self._noted[of_address] += 1
        self._noted[of_account] += 1
        return True

    def _later(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._worker is None:
                self._worker = threading.Thread(target=self._run, name="quarantine", daemon=True)
                self._worker.start()
        with suppress(queue.Full):
            self._queue.put_nowait(work)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            with suppress(StoreUnavailable):  # the webhook's own line has said it
                work()

    def _keep(
        self, account: Account, request: WebhookRequest, error: SignatureRefused | TextMissing
    ) -> None:
        if isinstance(error, TextMissing):
            self._store.quarantine.add(account.name, without_text(request, account, error))
            return
        others = [
            one
            for one in self._accounts.values()
            if one.provider == account.provider and one is not account and usable(one)
        ]
        refused = diagnosed(request, account, others, error, time.time_ns() // 1000)
        self._store.quarantine.add(account.name, refused)


def _has_several(account: Account) -> bool:
    return any(len(account.values_of(key)) > 1 for key in account.secrets)
