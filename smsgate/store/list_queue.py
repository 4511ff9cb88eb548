"""Jobs of lists, each on the queue of the data directory that has its files."""

from __future__ import annotations

import time
from contextlib import suppress

from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from smsgate.store.inbox import LIST_STEP, JobQueue, usable_queue


class ListQueue:
    """Enqueues the steps of list jobs, and says how far they are."""

    def __init__(self, jobs: JobQueue) -> None:
        self._redis = jobs.redis

    def enqueue(self, queue: str, list_id: str, job_id: str) -> None:
        """Enqueue the step of a list job under a fresh job id. Raises ``QueueUnavailable``."""
        with usable_queue():
            Queue(queue, connection=self._redis, serializer=JSONSerializer).enqueue_call(
                LIST_STEP,
                args=(list_id,),
                job_id=job_id,
                ttl=_LIST_TTL_S,
                timeout=_LIST_TTL_S,
                result_ttl=0,
                failure_ttl=0,
                description=f"{LIST_STEP}({list_id})",
            )

    def waits(self, job_id: str) -> bool:
        """Whether a list job waits in its queue, or a worker took it a moment ago.

        Raises ``QueueUnavailable``.
        """
        job = self._job(job_id)
        if job is not None and job.get_status(refresh=False) == JobStatus.QUEUED:
            with usable_queue():
                if job.get_position() is not None:
                    return True
            job = self._job(job_id)  # a worker has taken it, or died with it
        since = (job.started_at or job.enqueued_at) if job is not None else None
        return since is not None and time.time() - since.timestamp() < _LIST_START_S

    def forget(self, job_id: str) -> None:
        """Remove what RQ keeps of a list job whose worker died. Raises ``QueueUnavailable``."""
        job = self._job(job_id)
        if job is not None:
            # A worker that ends the job at this moment removes it, too.
            with usable_queue(), suppress(InvalidJobOperation):
                job.delete()

    def progress(self, job_id: str) -> int:
        """How far a list job is, in bytes or numbers. Raises ``QueueUnavailable``."""
        job = self._job(job_id)
        return int(job.meta.get("read", 0)) if job is not None else 0

    def _job(self, job_id: str) -> Job | None:
        with usable_queue():
            try:
                return Job.fetch(job_id, self._redis, JSONSerializer)
            except NoSuchJobError:
                return None


_LIST_TTL_S = 7 * 86_400
_LIST_START_S = 5
"""How long after a list job was taken from its queue its worker may need to lock the files."""
