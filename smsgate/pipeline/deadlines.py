"""Asking a collaborator that may hang, without waiting for longer than a person would.

A server that is stopped, or a network that swallows packets, answers nothing at all: Redis is then
given up after two seconds, a database perhaps never. A page asks each collaborator in threads of
its own and goes on without what has not come in time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

ANSWER_S = 1.0
"""How long a page waits for one collaborator."""
T = TypeVar("T")


class NoAnswerInTime(Exception):
    """A collaborator did not answer in time. The text is a sentence for people."""


class PendingAnswer(Generic[T]):
    """What a question to a collaborator came to, once it has."""

    def __init__(self, timeout_s: float) -> None:
        """``timeout_s``: for how long ``get`` waits, from now on."""
        self.asked_at = time.monotonic()
        self._timeout_s = timeout_s
        self._come = threading.Event()
        self._value: T
        self._error: BaseException | None = None

    @property
    def has_come(self) -> bool:
        """Whether there is an answer, or an error."""
        return self._come.is_set()

    def put(self, question: Callable[[], T]) -> None:
        """Ask, and keep what comes."""
        try:
            self._value = question()
        except BaseException as error:  # noqa: BLE001 - raised where the answer is wanted
            self._error = error
        self._come.set()

    def refuse(self, error: NoAnswerInTime) -> None:
        """Have no answer, without asking."""
        self._error = error
        self._come.set()

    def get(self) -> T:
        """The answer. Raises what the question raised, and ``NoAnswerInTime`` if none came."""
        left_s = self.asked_at + self._timeout_s - time.monotonic()
        if not self._come.wait(max(0.0, left_s)):
            raise NoAnswerInTime(f"no answer within {self._timeout_s:g} s")
        if self._error is not None:
            raise self._error
        return self._value


class Deadline:
    """Asks one collaborator, several questions at once if need be.

    While a question has been without an answer for longer than the deadline, no other is asked:
    whoever comes meanwhile is told so at once, and a collaborator that hangs holds a few threads
    and no more.
    """

    def __init__(self, timeout_s: float = 0.0) -> None:
        """Wait for so long (seconds), else for ``ANSWER_S``."""
        self._timeout_s = timeout_s or ANSWER_S
        self._lock = threading.Lock()
        self._open: list[PendingAnswer[object]] = []

    def ask(self, question: Callable[[], T]) -> PendingAnswer[T]:
        """Begin to ask; the answer is waited for by ``get``."""
        answer: PendingAnswer[T] = PendingAnswer(self._timeout_s)
        with self._lock:
            self._open = [one for one in self._open if not one.has_come]
            oldest = min((one.asked_at for one in self._open), default=answer.asked_at)
            waited_s = answer.asked_at - oldest
            if waited_s > self._timeout_s:
                answer.refuse(NoAnswerInTime(f"no answer for {waited_s:.0f} s"))
                return answer
            self._open.append(answer)  # type: ignore[arg-type]  # only asked whether it has come
        name = "question"
        threading.Thread(target=answer.put, args=(question,), name=name, daemon=True).start()
        return answer

    def call(self, question: Callable[[], T]) -> T:
        """Ask and wait. Raises as ``PendingAnswer.get``."""
        return self.ask(question).get()


class Deadlines:
    """One for each collaborator."""

    def __init__(self, timeout_s: float = 0.0) -> None:
        """Wait for each of them for so long (seconds), else for ``ANSWER_S``."""
        self.store = Deadline(timeout_s)
        self.queue = Deadline(timeout_s)
        self.spool = Deadline(timeout_s)
        self.records = Deadline(timeout_s)
        self.archiver = Deadline(timeout_s)
        """What asks both store and records, so that neither is blamed for the other."""
