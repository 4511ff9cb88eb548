"""Writing while the next is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

WRITERS = 4
"""Writes that are under way at once. Redis syncs its log once for what comes together."""


class WriteBehind:
    """A context manager; at its end everything is written, or what went wrong is raised."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(WRITERS, "write behind")
        self._under_way: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Wait for the last writes."""
        try:
            while kind is None and self._under_way:
                self._under_way.popleft().result()
        finally:
            self._threads.shutdown(cancel_futures=True)

    def write(self, work: Callable[[], None]) -> None:
        """Start a write as soon as there is room for it. Raises what an earlier one raised."""
        if len(self._under_way) >= WRITERS:
            self._under_way.popleft().result()
        self._under_way.append(self._threads.submit(work))
