"""Whether each collaborator can do its work, as ``/readyz`` says it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

from smsgate.domain.errors import (
    QueueUnavailable,
    SpoolUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.archive_report import archive_report
from smsgate.pipeline.spool import Spool, waiting
from smsgate.store.inbox import JobQueue
from smsgate.store.store import Store

OK = "ok"
ACCEPTS = "accepts"
"""The report on whether webhooks are accepted, beside those of the collaborators."""
ANSWER_S = 5.0
"""How long a collaborator is waited for: longer than a round trip to Redis may take."""
GATE_SHUT = "the gate cannot tell"
"""How the report on a store begins that is ready, but whose gate does not answer."""


class Readiness:
    """Asks all collaborators at once; one that hangs is named, and holds up no answer."""

    def __init__(
        self, store: Store, job_queue: JobQueue, spool: Spool, archiver: LedgerArchiver
    ) -> None:
        self._asked: Mapping[str, tuple[Deadline, Callable[[], str]]] = {
            "store": (Deadline(ANSWER_S), lambda: of_store(store)),
            "queue": (Deadline(ANSWER_S), lambda: _of_queue(job_queue)),
            "spool": (Deadline(ANSWER_S), lambda: _of_spool(spool)),
            "records": (Deadline(ANSWER_S), lambda: archive_report(archiver).text),
            ACCEPTS: (Deadline(ANSWER_S), lambda: _accepts(store, spool)),
        }

    def ready(self) -> dict[str, str]:
        """Each collaborator by name, and ``ACCEPTS``: what is wrong with it, or ``ok``.

        ``ok; …`` names what waits for a moment, or could lose acknowledged writes.
        """
        answers = {name: deadline.ask(ask) for name, (deadline, ask) in self._asked.items()}
        states: dict[str, str] = {}
        for name, answer in answers.items():
            try:
                states[name] = answer.get()
            except NoAnswerInTime as error:
                states[name] = str(error)
        return states


def is_well(report: str) -> bool:
    """Whether a collaborator that reports this can do its work."""
    return report.partition(";")[0] == OK


def of_store(store: Store) -> str:
    """``ok``, ``ok; …`` with what is weak, or what is wrong."""
    try:
        progress = store.rebuild.progress()
        if progress is not None:
            return f"the store is being rebuilt from the records: {progress.text()} so far"
        if not store.metadata.store_id():
            return "the store has no metadata: run `smsgate init`, or restore what was lost"
        store.numbers.bucket_count()
        store.health.refuse_eviction()
        store.write_lease.refuse_unwritable()
        weak = store.health.weaknesses()
        shut = store.write_lease.obstacle()
    except (StoreUnavailable, StoreNotReady) as error:
        return str(error)
    if shut is not None:
        return f"{GATE_SHUT}: {shut.problem}"
    return "; ".join([OK, *weak])


def _accepts(store: Store, spool: Spool) -> str:
    """``ok`` while a webhook's message is kept: on this host's disk, where Redis is away."""
    try:
        spool.check(make=True)
    except SpoolUnavailable:
        try:
            store.write_lease.refuse_unwritable()
        except StoreUnavailable as error:
            return str(error)
    return OK


def _of_queue(job_queue: JobQueue) -> str:
    try:
        job_queue.ping()
    except QueueUnavailable as error:
        return str(error)
    return OK


def _of_spool(spool: Spool) -> str:
    try:
        spool.check(make=True)
        depth = spool.depth()
    except SpoolUnavailable as error:
        return str(error)
    return f"ok; {waiting(depth)} for the store" if depth else "ok"


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
        self.store = Deadline(timeout_s)
        self.queue = Deadline(timeout_s)
        self.spool = Deadline(timeout_s)
        self.records = Deadline(timeout_s)
        self.archiver = Deadline(timeout_s)
        """What asks both store and records, so that neither is blamed for the other."""
