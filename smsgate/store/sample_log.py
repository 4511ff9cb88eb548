"""The sample log: the newest ordinary texts, capped, for replay and sampling.

An ordinary text costs the webhook no round trip: it is put into a queue in memory, and a thread
writes what is there twice a second. A kill may lose that much, which is borne for texts
without effect; a queue that is full drops the oldest.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec

from smsgate.background_thread import BackgroundThread
from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Entry, ms_of
from smsgate.store.connection import Client, pipelined, stream_rows
from smsgate.store.keys import PARTITION_KEYS, partition_of

CAP = 5_000
"""Texts that a partition keeps."""
_PERIOD_S = 0.5
_QUEUED = 20_000
_TOGETHER = 200
"""Texts of one round trip: the webhooks that go on meanwhile must not wait for thousands."""

_PAGE = 500
"""Texts that are read at once when a number's are looked for."""

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Entry).decode


class SampleLog:
    """Writes and reads the sample logs of all partitions."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: deque[Entry] = deque(maxlen=_QUEUED)
        self._lock = threading.Lock()
        self.note: Callable[[Entry], None] = self._waiting.append
        """Keep an ordinary text; returns at once."""

    def thread(self) -> BackgroundThread:
        """The thread that writes what is queued; not started yet."""
        return BackgroundThread("sample log", self.flush, _PERIOD_S)

    def flush(self) -> None:
        """Write what is queued, also by another thread. What Redis does not take is dropped."""
        with self._lock, suppress(StoreUnavailable):
            entries = [self._waiting.popleft() for _ in range(len(self._waiting))]
            for start in range(0, len(entries), _TOGETHER):
                with pipelined(self._client) as pipeline:
                    for entry in entries[start : start + _TOGETHER]:
                        key = PARTITION_KEYS[partition_of(entry.number)].sample_log
                        pipeline.xadd(key, {"e": _encode(entry)}, maxlen=CAP)
                    pipeline.execute()

    def page(self, partition: int, before: str, count: int) -> list[tuple[str, Entry]]:
        """The newest texts of a partition, newest first, with ids: those before an id, if given.

        Raises ``StoreUnavailable``.
        """
        newest = f"({before}" if before else "+"
        rows = self._client.xrevrange(PARTITION_KEYS[partition].sample_log, max=newest, count=count)
        return _entries(rows)

    def of_number(self, number: str, before_us: int, count: int) -> list[tuple[int, Entry]]:
        """The newest ordinary texts of a number and when each was written, at most ``count``.

        Only texts that were written before ``before_us``, unless it is 0. Raises
        ``StoreUnavailable``.
        """
        before = f"{before_us // 1000}-{before_us % 1000}" if before_us else ""
        found: list[tuple[int, Entry]] = []
        while len(found) < count and (texts := self.page(partition_of(number), before, _PAGE)):
            before = texts[-1][0]
            found += [(written_us(id_), one) for id_, one in texts if one.number == number]
        return found[:count]

    def forget(self, number: str) -> int:
        """Remove a number's ordinary texts from its partition's sample log; gives how many."""
        key = PARTITION_KEYS[partition_of(number)].sample_log
        ids = [id_ for id_, entry in _entries(self._client.xrange(key)) if entry.number == number]
        return self._client.xdel(key, *ids) if ids else 0


def _entries(rows: object) -> list[tuple[str, Entry]]:
    return [(id_, _decode(fields[b"e"])) for id_, fields in stream_rows(rows)]


def written_us(id_: str) -> int:
    """The time in an id; texts of the same millisecond are a microsecond apart."""
    return ms_of(id_) * 1000 + min(int(id_.partition("-")[2]), 999)
