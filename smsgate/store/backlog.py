"""How much waits in the store, and for how long. Reads all partitions in a few round trips."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from smsgate.domain.messages import ms_of
from smsgate.metrics.snapshot import Backlog, Depth, SpoolDepth
from smsgate.store.connection import translated
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.redis_address import Client
from smsgate.store.shared_keys import CLOCK_LEASE, SPOOLS

_SAMPLE = 200
"""Holds of a partition that are looked at for their age; there are more than that in a burst
only."""
_FORGOTTEN_S = 7 * 24 * 3600
"""After that a host that says nothing of its spool is taken for gone."""


_spool = msgspec.json.Decoder(SpoolDepth).decode


class BacklogReader:
    """Asks for lengths and oldest entries."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def read(self) -> Backlog:
        """What waits now. Raises ``StoreUnavailable``."""
        with translated():
            seconds, micros = self._client.time()
            clock = bool(self._client.exists(CLOCK_LEASE))
            with self._client.pipeline(transaction=False) as pipeline:
                for keys in PARTITION_KEYS:
                    pipeline.xlen(keys.inbox)
                    pipeline.xrange(keys.inbox, count=1)
                    pipeline.zcard(keys.outbox)
                    pipeline.zrange(keys.outbox, 0, 0, withscores=True)
                    pipeline.hlen(keys.holds)
                    pipeline.hscan(keys.holds, count=_SAMPLE)
                    pipeline.hvals(keys.reviews)
                    pipeline.hlen(keys.dead)
                    pipeline.hlen(keys.forwards)
                    pipeline.zrange(keys.forwards_since, 0, 0, withscores=True)
                    pipeline.hlen(keys.forwards_dead)
                rows = pipeline.execute()
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        columns = [rows[at::11] for at in range(11)]
        inbox = [ms_of(row[0][0].decode()) for row in columns[1] if row]
        due = [int(row[0][1]) for row in columns[3] if row]
        since = [int(row[0][1]) for row in columns[9] if row]
        holds = [_ms(id_) for _, found in columns[5] for id_ in found.values()]
        reviews = [_ms(id_) for row in columns[6] for id_ in row]
        return Backlog(
            inbox=_depth(sum(columns[0]), inbox, now_ms),
            outbox=_depth(sum(columns[2]), due, now_ms),
            holds=_depth(sum(columns[4]), holds, now_ms),
            reviews=_depth(len(reviews), reviews, now_ms),
            dead=sum(columns[7]),
            clock=clock,
            forwards=_depth(sum(columns[8]), since, now_ms),
            forwards_dead=sum(columns[10]),
        )

    def note_spool(self, host: str, count: int, oldest_s: float, problem: str = "") -> None:
        """Let everybody know what the spool of a host holds. Raises ``StoreUnavailable``."""
        said = msgspec.json.encode(SpoolDepth(host, count, oldest_s, time.time(), problem))
        with translated():
            found = [_spool(row) for row in self._client.hvals(SPOOLS)]
            gone = [one.host for one in found if time.time() - one.at_s > _FORGOTTEN_S]
            if gone:
                self._client.hdel(SPOOLS, *gone)
            self._client.hset(SPOOLS, host, said)

    def forget_spool(self, host: str) -> None:
        """Believe no longer what a host said of its spool. Raises ``StoreUnavailable``."""
        with translated():
            self._client.hdel(SPOOLS, host)

    def spools(self) -> list[SpoolDepth]:
        """What each host last said of its spool. Raises ``StoreUnavailable``."""
        with translated():
            found = [_spool(row) for row in self._client.hvals(SPOOLS)]
        return [one for one in found if time.time() - one.at_s <= _FORGOTTEN_S]


def _ms(id_: Any) -> int:  # noqa: ANN401 - bytes of Redis's
    return ms_of(id_.decode())


def _depth(count: int, moments_ms: Sequence[int], now_ms: int) -> Depth:
    oldest = max(now_ms - min(moments_ms), 0) / 1000 if moments_ms else 0.0
    return Depth(count, oldest)
