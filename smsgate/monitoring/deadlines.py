"""Questions to collaborators that may hang: an answer in time, an error, or none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

PAGE_ANSWER_S = 1.0
"""How long a page waits for one collaborator."""
T = TypeVar("T")


class NoAnswerInTime(Exception):
    """A collaborator did not answer in time. The text is a sentence for people."""


class PendingAnswer(Generic[T]):
    """What a question to a collaborator comes to."""

    def __init__(self, timeout_s: float) -> None:
        """``timeout_s``: for how long ``get`` waits, from now on."""
        self.asked_at = time.monotonic()
        self.future: Future[T] = Future()
        self._timeout_s = timeout_s

    def put(self, question: Callable[[], T]) -> None:
        """Ask, and keep the answer or the error."""
        try:
            self.future.set_result(question())
        except BaseException as error:  # noqa: BLE001 - raised where the answer is wanted
            self.future.set_exception(error)

    def get(self) -> T:
        """The answer. Raises what the question raised, and ``NoAnswerInTime`` if none came."""
        left_s = self.asked_at + self._timeout_s - time.monotonic()
        if wait([self.future], max(0.0, left_s)).not_done:
            raise NoAnswerInTime(f"no answer within {self._timeout_s:g} s")
        return self.future.result()


class Deadline:
    """Asks one collaborator, several questions at once if need be.

    While a question has been without an answer for longer than the deadline, no other is asked:
    later questions fail at once, so a collaborator that hangs holds a few threads and no more.
    """

    def __init__(self, timeout_s: float = 0.0) -> None:
        """Wait for so long (seconds), else for ``PAGE_ANSWER_S``."""
        self._timeout_s = timeout_s or PAGE_ANSWER_S
        self._lock = threading.Lock()
        self._open: list[PendingAnswer[object]] = []

    def ask(self, question: Callable[[], T]) -> PendingAnswer[T]:
        """Begin to ask; the answer is waited for by ``get``."""
        answer: PendingAnswer[T] = PendingAnswer(self._timeout_s)
        with self._lock:
            self._open = [one for one in self._open if not one.future.done()]
            oldest = min((one.asked_at for one in self._open), default=answer.asked_at)
            waited_s = answer.asked_at - oldest
            if waited_s > self._timeout_s:
                answer.future.set_exception(NoAnswerInTime(f"no answer for {waited_s:.0f} s"))
                return answer
            self._open.append(answer)  # type: ignore[arg-type]  # only asked whether it is done
        # No pool: at the end of the process nothing waits for a collaborator that hangs.
        threading.Thread(target=answer.put, args=(question,), name="question", daemon=True).start()
        return answer

    def call(self, question: Callable[[], T]) -> T:
        """Ask and wait. Raises as ``PendingAnswer.get``."""
        return self.ask(question).get()


class Deadlines:
    """One for each collaborator."""

    def __init__(self, timeout_s: float = 0.0) -> None:
        """Wait for each of them for so long (seconds), else for ``PAGE_ANSWER_S``."""
        self.store, self.queue, self.spool, self.records, self.archiver = (
            Deadline(timeout_s) for _ in range(5)
        )
        """``archiver`` asks both store and records, so that neither is blamed for the other."""
