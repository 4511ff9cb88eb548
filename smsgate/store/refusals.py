"""Sends that the gate stopped: the newest of them, and how many there were each day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from smsgate.domain.phone import masked
from smsgate.store.redis_types import Client, Pipeline
from smsgate.store.shared_keys import REFUSALS, refused_on

CAP = 10_000
"""Refusals that are kept one by one, roughly."""
_OF_ONE_CALL = 500
"""Of those that come together, so many are kept one by one; all of them are counted."""
KEPT_DAYS = 400
"""How long the counts of a day are kept: a year and a month, to compare with last year's."""

_encode = msgspec.json.encode


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """One text that was not sent."""

    number: str
    """As the sender gave it; stored masked, since a list of people who opted out and are texted all
    the same has no honest use."""
    program: str
    reason: str
    """What the gate said, such as ``opted_out``."""
    by: str = ""
    """Who was stopped: ``twilio``, ``requests``, ``api`` …"""
    at_ms: int = 0
    """When, on Redis's clock; set by reading."""
    v: int = 1


class RefusalCount(msgspec.Struct, frozen=True):
    """How many sends of one day were stopped, of one program and for one reason."""

    day: str
    program: str
    reason: str
    count: int


_decode = msgspec.json.Decoder(Refusal).decode


class Refusals:
    """A capped stream, and a hash of counts for each day (UTC)."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, refusals: Sequence[Refusal]) -> None:
        """Keep and count them in one round trip. Raises ``StoreUnavailable``."""
        if not refusals:
            return
        with self._client.pipeline(transaction=False) as pipeline:
            queue_refusals(pipeline, refusals)
            pipeline.execute()

    def newest(self, count: int = 100) -> list[Refusal]:
        """The newest refusals, the newest first. Raises ``StoreUnavailable``."""
        rows = self._client.xrevrange(REFUSALS, count=count)
        return [
            msgspec.structs.replace(_decode(fields[b"r"]), at_ms=int(id_.partition(b"-")[0]))
            for id_, fields in rows
        ]

    def counts(self, days: int = 30) -> list[RefusalCount]:
        """What was stopped today and on the days before, oldest day first; ``days`` in all.

        Raises ``StoreUnavailable``.
        """
        wanted = [_day(ago) for ago in range(days - 1, -1, -1)]
        with self._client.pipeline(transaction=False) as pipeline:
            for day in wanted:
                pipeline.hgetall(refused_on(day))
            rows = pipeline.execute()
        return [
            RefusalCount(day, program, reason, int(times))
            for day, row in zip(wanted, rows, strict=True)
            for name, times in sorted(row.items())
            for program, _, reason in [name.decode().rpartition(":")]
        ]


def queue_refusals(pipeline: Pipeline, refusals: Sequence[Refusal]) -> None:
    """Put into a pipeline what keeps and counts them."""
    counted = Counter(f"{one.program}:{one.reason}" for one in refusals)
    key = refused_on(_day(0))
    for one in refusals[-_OF_ONE_CALL:]:
        kept = msgspec.structs.replace(one, number=masked(one.number))
        pipeline.xadd(REFUSALS, {"r": _encode(kept)}, maxlen=CAP, approximate=True)
    for name, times in counted.items():
        pipeline.hincrby(key, name, times)
    pipeline.expire(key, KEPT_DAYS * 24 * 3600)


def _day(ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()
