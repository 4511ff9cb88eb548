"""Injects faults at random moments, of processes and of the store side by side."""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Mapping

from tests.faults.faults import Fault, Faults


class Injector:
    """Two threads. Each kind comes once, in a random order, then again until the time is over."""

    def __init__(self, faults: Faults, seed: int, seconds: float, gap_s: float) -> None:
        """``gap_s``: how long the pause between two faults of a lot is on average."""
        self._faults = faults
        self._ends = time.monotonic() + seconds
        self._gap_s = gap_s
        self._failed = threading.Event()
        self.problems: list[str] = []
        """What kept a fault from being injected, or from being put right again."""
        lots = (faults.of_processes, faults.of_the_store)
        self._threads = [
            threading.Thread(target=self._guarded, args=(lot, seed + place, place == 0))
            for place, lot in enumerate(lots)
        ]

    def run(self) -> None:
        """Inject until the time is over and every kind has come, or until one cannot be.

        Everything runs again then.
        """
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()

    def _guarded(self, lot: Mapping[str, Fault], seed: int, revives: bool) -> None:
        try:
            self._run(lot, random.Random(seed), revives)
        except Exception:  # noqa: BLE001 - the checks follow whatever it was
            self.problems.append(traceback.format_exc())
            self._failed.set()

    def _run(self, lot: Mapping[str, Fault], rng: random.Random, revives: bool) -> None:
        first = True
        while first or time.monotonic() < self._ends:
            kinds = [*lot]
            if not first:
                rng.shuffle(kinds)
            for kind in kinds:
                if not first and time.monotonic() >= self._ends:
                    return
                if self._failed.wait(rng.uniform(0, 2 * self._gap_s)):
                    return
                self._faults.inject(kind, lot[kind])
                if revives:
                    self._faults.revive()
            first = False
