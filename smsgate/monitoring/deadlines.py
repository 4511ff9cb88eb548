"""Questions to collaborators that may hang: an answer in time, an error, or none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

PAGE_ANSWER_S = 1.0
"""How long a page waits for one collaborator."""
T = TypeVar("T")


class NoAnswerInTime(Exception):
    """A collaborator did not answer in time. The text is a sentence for people."""


class Deadline:
    """Asks one collaborator, several questions at once if need be.

    While a question has been without an answer for longer than the deadline, no other is asked:
    later questions fail at once, so a collaborator that hangs holds a few threads and no more.
    """

    def __init__(self, timeout_s: float = 0.0) -> None:
        """Wait for so long (seconds), else for ``PAGE_ANSWER_S``."""
        self._timeout_s = timeout_s or PAGE_ANSWER_S
        self._lock = threading.Lock()
        self._open: dict[Future[Any], float] = {}
        """Questions without an answer, and when they were asked."""

    def ask(self, question: Callable[[], T]) -> Callable[[], T]:
        """Begin to ask; what is returned waits for the answer, and returns it.

        It raises what the question raised, and ``NoAnswerInTime`` if no answer came.
        """
        asked_at, future = time.monotonic(), Future[T]()

        def get() -> T:
            left_s = asked_at + self._timeout_s - time.monotonic()
            if wait([future], max(0.0, left_s)).not_done:
                raise NoAnswerInTime(f"no answer within {self._timeout_s:g} s")
            return future.result()

        with self._lock:
            self._open = {one: at for one, at in self._open.items() if not one.done()}
            waited_s = asked_at - min(self._open.values(), default=asked_at)
            if waited_s > self._timeout_s:
                future.set_exception(NoAnswerInTime(f"no answer for {waited_s:.0f} s"))
                return get
            self._open[future] = asked_at
        # No pool: at the end of the process nothing waits for a collaborator that hangs.
        threading.Thread(
            target=_answer, args=(future, question), name="question", daemon=True
        ).start()
        return get

    def call(self, question: Callable[[], T]) -> T:
        """Ask and wait. Raises as what ``ask`` returns."""
        return self.ask(question)()


def _answer(future: Future[T], question: Callable[[], T]) -> None:
    try:
        future.set_result(question())
    except BaseException as error:  # noqa: BLE001 - raised where the answer is wanted
        future.set_exception(error)


class Deadlines:
    """One for each collaborator."""

    def __init__(self, timeout_s: float = 0.0) -> None:
        """Wait for each of them for so long (seconds), else for ``PAGE_ANSWER_S``."""
        self.store, self.queue, self.spool, self.records, self.archiver = (
            Deadline(timeout_s) for _ in range(5)
        )
        """``archiver`` asks both store and records, so that neither is blamed for the other."""
