"""The only jobs that ``worker`` and ``sender`` run: those of ``smsgate.store.job_queue``.

RQ imports and calls whatever function a job in Redis names, so that everybody who can write to
Redis could run code here. A job is therefore compared with what
``smsgate.store.job_queue.JobQueue`` writes as soon as it is read: before RQ imports a module,
unpacks a value or calls a callback.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

import structlog
from rq.exceptions import NoSuchJobError
from rq.job import Job

from smsgate.store.job_queue import APPLY, SEND
from smsgate.store.keys import PARTITIONS

FUNCTIONS = frozenset({APPLY[1], SEND[1]})
MAX_DATA_BYTES = 512
"""Our own take about 60; more is not even unpacked."""
MAX_ID_LENGTH = 64
"""Characters of an id or a field's name that the log shows."""

_LIMITS = frozenset({b"timeout", b"result_ttl", b"failure_ttl", b"ttl"})
"""Fields with seconds."""
MAX_LIMIT_DIGITS = 6
_OWN_FIELDS = frozenset(
    {
        *(b"data", b"status", b"origin", b"description", b"worker_name"),
        *(b"created_at", b"enqueued_at", b"started_at", b"ended_at", b"last_heartbeat"),
        *_LIMITS,
    }
)
"""What a job of ours has, and RQ notes of it. By others a job names functions to import, addresses
to call, data to unpack, or how often and after which jobs it runs."""

_log = structlog.get_logger()


class AllowedJob(Job):
    """A job that is one of ours, or none at all."""

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Take over what Redis holds of the job, if it is one of ours.

        Any other is deleted and logged, and ``NoSuchJobError`` raised, by which RQ passes it over.
        """
        problem = _problem(raw_data) or self._restored(raw_data)
        if not problem:
            return
        if b"data" in raw_data:  # else it is what a late heartbeat left of a job
            _log.warning("job refused", job=self.id[:MAX_ID_LENGTH], problem=problem)
            self.connection.delete(self.key)
        raise NoSuchJobError(problem)

    def _restored(self, raw_data: Mapping[bytes, bytes]) -> str:
        """Take the fields over as RQ does; gives what is wrong with one that it cannot read."""
        try:
            super().restore(raw_data)
        except ValueError:  # A time, a status, or a text that is no UTF-8.
            return "has a field that RQ does not write"
        return ""


def _problem(fields: Mapping[bytes, bytes]) -> str:
    """Why the job is none of ours; empty where it is."""
    for name, value in fields.items():
        if value and name not in _OWN_FIELDS:
            return f"has the field {name[:MAX_ID_LENGTH].decode('ascii', 'replace')}"
        if value and name in _LIMITS and not (value.isdigit() and len(value) <= MAX_LIMIT_DIGITS):
            return f"has another {name.decode()} than smsgate writes"
    try:
        function, instance, args, kwargs = json.loads(_unpacked(fields.get(b"data", b"")))
    except (ValueError, TypeError, RecursionError, zlib.error):
        return "has no data that smsgate writes"
    if not isinstance(function, str) or function not in FUNCTIONS:
        return f"calls {str(function)[:100]!r}"
    if instance is not None or kwargs != {} or not _is_partition(args):
        return f"calls {function} with other arguments than smsgate"
    return ""


def _unpacked(data: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(data, MAX_DATA_BYTES)
    if not unpacking.eof:
        raise ValueError("too long")
    return unpacked


def _is_partition(args: object) -> bool:
    return (
        isinstance(args, list)
        and len(args) == 1
        and type(args[0]) is int
        and (0 <= args[0] < PARTITIONS)
    )
