"""Threads that send replies: one for each due reply of a partition, at most 64 in all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

SENDERS = 64
"""Calls under way at once: some 500 replies a second where the provider answers in 100 ms."""


class SenderThreads:
    """Repeats a step for a partition until it finds nothing to do, in several threads at once."""

    def __init__(self, step: Callable[[int], bool]) -> None:
        """``step(partition)`` sends one reply and says whether there was one; it never raises."""
        self._step = step
        self._threads = ThreadPoolExecutor(SENDERS, thread_name_prefix="sender")
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._busy: Counter[int] = Counter()

    def send(self, partition: int, waiting: int, patience_s: float) -> int:
        """Let threads send what is due in a partition of which ``waiting`` replies are known.

        Gives how many were sent within ``patience_s``; calls that take longer go on by
        themselves, so that a provider that hangs holds up nobody but its own replies.
        """
        with self._lock:
            room = max(0, min(waiting, SENDERS - self._busy[partition]))
            self._busy[partition] += room
        running = [self._threads.submit(self._repeat, partition) for _ in range(room)]
        ended, _ = wait(running, timeout=patience_s)
        return sum(one.result() for one in ended)

    def close(self) -> None:
        """Let the calls under way end and start no other."""
        self._ending.set()
        self._threads.shutdown(wait=True)

    def _repeat(self, partition: int) -> int:
        sent = 0
        try:
            while not self._ending.is_set() and self._step(partition):
                sent += 1
        finally:
            with self._lock:
                self._busy[partition] -= 1
        return sent
