"""Whether each collaborator can do its work, as ``/readyz`` says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from smsgate.domain.errors import (
    QueueUnavailable,
    SpoolUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.deadlines import Deadline, NoAnswerInTime, PendingAnswer
from smsgate.pipeline.spool import Spool, waiting
from smsgate.store import Store
from smsgate.store.job_queue import JobQueue

ANSWER_S = 5.0
"""How long a collaborator is waited for: longer than a round trip to Redis may take."""


class Readiness:
    """Asks all collaborators at once; one that hangs is told as such, and hinders no answer."""

    def __init__(
        self, store: Store, job_queue: JobQueue, spool: Spool, archiver: LedgerArchiver
    ) -> None:
        """Use these collaborators."""
        self._asked: Mapping[str, tuple[Deadline, Callable[[], str]]] = {
            "store": (Deadline(ANSWER_S), lambda: of_store(store)),
            "queue": (Deadline(ANSWER_S), lambda: _of_queue(job_queue)),
            "spool": (Deadline(ANSWER_S), lambda: _of_spool(spool)),
            "records": (Deadline(ANSWER_S), archiver.state),
        }

    def ready(self) -> dict[str, str]:
        """Each collaborator by name: what is wrong with it, or ``ok``.

        ``ok; …`` names what works but could lose acknowledged writes.
        """
        answers = {name: deadline.ask(ask) for name, (deadline, ask) in self._asked.items()}
        return {name: _said(answer) for name, answer in answers.items()}


def _said(answer: PendingAnswer[str]) -> str:
    try:
        return answer.get()
    except NoAnswerInTime as error:
        return str(error)


def of_store(store: Store) -> str:
    """``ok``, ``ok; …`` with what is weak, or what is wrong."""
    try:
        progress = store.restoring.progress()
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
    # Messages can be stored all the same, so that whoever sends traffic here should go on.
    gate = [f"the gate cannot tell: {shut.problem}"] if shut is not None else []
    return "; ".join(["ok", *weak, *gate])


def _of_queue(job_queue: JobQueue) -> str:
    try:
        job_queue.ping()
    except QueueUnavailable as error:
        return str(error)
    return "ok"


def _of_spool(spool: Spool) -> str:
    try:
        spool.check(make=True)
        depth = spool.depth()
    except SpoolUnavailable as error:
        return str(error)
    return f"ok; {waiting(depth)} for the store" if depth else "ok"
