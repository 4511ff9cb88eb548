"""Taking away what RQ keeps of jobs that died."""

from __future__ import annotations

import time

from rq import Queue
from rq.registry import FailedJobRegistry, StartedJobRegistry

from smsgate.store.job_queue import JobQueue, usable_queue


class JobCleanup:
    """Cleans the queues of partitions. The clock asks for new jobs in their place."""

    def __init__(self, jobs: JobQueue) -> None:
        self._connection, self._queues = jobs.connection, jobs.queues
        self._cursor = 0

    def clean(self) -> None:
        """Take away what RQ keeps of jobs that died: the clock asks for new ones.

        Ids stay bytes here, whatever anybody wrote there. Raises ``QueueUnavailable``.
        """
        with usable_queue():
            for queue in self._queues.values():
                self._drop_dead(queue)
                failed = FailedJobRegistry(queue=queue).key
                for id_ in self._connection.zrange(failed, 0, -1):
                    self._connection.zrem(failed, id_)
                    self._connection.delete(_JOB + id_)
                self._drop_expired(queue)
            self._drop_remains()

    def _drop_dead(self, queue: Queue) -> None:
        """Forget jobs whose process died.

        RQ's own cleanup ends with a ValueError where the record of an execution has expired and
        the job's list of executions has not, which is the case for a minute.
        """
        registry, now_s = StartedJobRegistry(queue=queue).key, time.time()
        for entry in self._connection.zrangebyscore(registry, 0, now_s):
            id_ = entry.partition(b":")[0]  # an execution's own id follows
            self._connection.delete(_JOB + id_, _EXECUTIONS + id_)
        self._connection.zremrangebyscore(registry, 0, now_s)

    def _drop_expired(self, queue: Queue) -> None:
        """Remove the ids that expired jobs leave behind while no worker runs."""
        for key, patience in ((queue.intermediate_queue.key, 0), (queue.key, _PATIENCE)):
            ids = self._connection.lrange(key, 0, -1)
            for id_ in ids if len(ids) > patience else ():
                if not self._connection.exists(_JOB + id_):
                    self._connection.lrem(key, 1, id_)

    def _drop_remains(self) -> None:
        """Forget hashes that RQ's late heartbeats made of workers and jobs that were gone.

        They have no time to live. A few thousand of Redis's keys are looked at each time, so that
        the cost is the same whatever else is in there.
        """
        for _ in range(_STEPS):
            self._cursor, found = self._connection.scan(
                self._cursor, match="rq:*", count=_STEP, _type="hash"
            )
            for key in found:
                self._drop_remainder(key)
            if self._cursor == 0:
                return

    def _drop_remainder(self, key: bytes) -> None:
        whole = next((field for start, field in _WHOLE.items() if key.startswith(start)), "")
        if not whole or self._connection.ttl(key) != _NEVER:
            return
        if not self._connection.hexists(key, whole):
            self._connection.delete(key)


_PATIENCE = 100
"""Jobs that may wait in a queue before ``clean`` looks for expired ones."""
_STEPS, _STEP = 5, 1000
"""How often, and for how many keys at once, Redis is asked for what RQ has forgotten."""
_NEVER = -1
"""Redis's time to live of what has none."""
_JOB, _EXECUTIONS = b"rq:job:", b"rq:executions:"
_WHOLE = {b"rq:worker:": "birth", _JOB: "created_at"}
"""A field of every worker's and every job's hash, by how their keys begin."""
