"""Which processes run, and the work for which no job came.

A heartbeat is a key that expires on Redis's clock, so that a process that died is forgotten soon
after, whatever the clocks of the hosts say.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from smsgate.domain.errors import StoreUnavailable
from smsgate.metrics.snapshot import Process, ProcessSnapshot
from smsgate.store.connection import Client, Script, as_text, now_us, pipelined
from smsgate.store.keys import NOTIFY_MS, PARTITION_KEYS
from smsgate.store.shared_keys import PROCESSES, shared_key

FORGOTTEN_S = 5
"""A process without a heartbeat for so long counts as dead."""
_process = msgspec.json.Decoder(Process).decode


class Heartbeats:
    """One key for each process. Everything raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def beat(self, process: Process, forgotten_s: int = FORGOTTEN_S) -> None:
        """Report that a process runs; the report expires unless it is prolonged."""
        said = msgspec.json.encode(process)
        with pipelined(self._client) as pipeline:
            pipeline.set(shared_key("process", process.id), said, ex=forgotten_s)
            pipeline.sadd(PROCESSES, process.id)
            pipeline.execute()

    def withdraw(self, id_: str) -> None:
        """Forget a process that ends."""
        with pipelined(self._client) as pipeline:
            pipeline.delete(shared_key("process", id_))
            pipeline.srem(PROCESSES, id_)
            pipeline.execute()

    def running(self) -> list[Process]:
        """The processes that run, by kind, host and process id."""
        ids = sorted(map(as_text, self._client.smembers(PROCESSES)))
        with pipelined(self._client) as pipeline:
            for id_ in ids:
                pipeline.get(shared_key("process", id_))
            rows = pipeline.execute() if ids else []
        gone = [id_ for id_, row in zip(ids, rows, strict=True) if row is None]
        if gone:
            with suppress(StoreUnavailable):  # Redis may refuse writes
                self._client.srem(PROCESSES, *gone)
        found = [_process(row) for row in rows if row is not None]
        return sorted(found, key=lambda one: (one.name, one.host, one.pid))

    def snapshot(self) -> ProcessSnapshot:
        """The processes that run now."""
        return ProcessSnapshot(now_us(self._client), tuple(self.running()))


class Sweep:
    """Finds work without a job."""

    def __init__(self, client: Client) -> None:
        self._sweep = Script(client, "sweep")

    def overdue(self) -> tuple[list[int], list[int]]:
        """Partitions whose inbox or outbox has work although no job came in time."""
        found = self._sweep.many(
            (
                [keys.inbox, keys.outbox, keys.notify_inbox, keys.notify_outbox],
                [NOTIFY_MS],
            )
            for keys in PARTITION_KEYS
        )
        inboxes = [partition for partition, (inbox, _) in enumerate(found) if inbox]
        return inboxes, [partition for partition, (_, outbox) in enumerate(found) if outbox]
