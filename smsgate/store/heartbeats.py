"""The heartbeats of all processes: the one place where they are written and read.

Each process has a key that expires on Redis's clock, so that one that died is forgotten soon
after, whatever the clocks of the hosts say.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec
from redis.exceptions import ResponseError

from smsgate.metrics.heartbeats import KINDS, LastSeen, Process, ProcessSnapshot
from smsgate.store.connection import translated
from smsgate.store.redis_address import Client
from smsgate.store.shared_keys import PROCESSES, last_seen_of, process_of

FORGOTTEN_S = 5
"""A process without a heartbeat for so long is taken for dead."""
_LAST_SEEN_S = 7 * 24 * 3600
"""How long the last heartbeat of a kind is remembered."""
_process = msgspec.json.Decoder(Process).decode


class Heartbeats:
    """One key for each process, one for each kind. Everything raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def now_us(self) -> int:
        """Redis's clock."""
        with translated():
            seconds, micros = self._client.time()
        return int(seconds) * 1_000_000 + int(micros)

    def beat(self, process: Process, forgotten_s: int = FORGOTTEN_S) -> None:
        """Let everybody know that a process runs; it is forgotten unless it says so again."""
        said = msgspec.json.encode(process)
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(process_of(process.id), said, ex=forgotten_s)
            pipeline.sadd(PROCESSES, process.id)
            pipeline.set(last_seen_of(process.name), process.host, ex=_LAST_SEEN_S)
            pipeline.execute()

    def withdraw(self, id_: str) -> None:
        """Forget a process that ends."""
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.delete(process_of(id_))
            pipeline.srem(PROCESSES, id_)
            pipeline.execute()

    def running(self) -> list[Process]:
        """The processes that run, by kind, host and process id."""
        with translated():
            ids = sorted(id_.decode() for id_ in self._client.smembers(PROCESSES))
            with self._client.pipeline(transaction=False) as pipeline:
                for id_ in ids:
                    pipeline.get(process_of(id_))
                rows = pipeline.execute() if ids else []
            gone = [id_ for id_, row in zip(ids, rows, strict=True) if row is None]
            if gone:
                with suppress(
                    ResponseError
                ):  # who is gone is known where nothing can be written too
                    self._client.srem(PROCESSES, *gone)
        found = [_process(row) for row in rows if row is not None]
        return sorted(found, key=lambda one: (one.name, one.host, one.pid))

    def snapshot(self) -> ProcessSnapshot:
        """The processes that run, and when a process of each kind was last seen."""
        return ProcessSnapshot(self.now_us(), tuple(self.running()), self._last_seen())

    def _last_seen(self) -> dict[str, LastSeen]:
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for kind in KINDS:
                pipeline.get(last_seen_of(kind))
                pipeline.pttl(last_seen_of(kind))
            rows = pipeline.execute()
        return {
            kind: LastSeen(host.decode(), max(0.0, _LAST_SEEN_S - left_ms / 1000))
            for kind, host, left_ms in zip(KINDS, rows[::2], rows[1::2], strict=True)
            if host is not None
        }
