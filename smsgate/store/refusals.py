"""Sends that the gate stopped: the newest, and counts by day and, after opt-outs, by number."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from smsgate.domain.messages import ms_of
from smsgate.domain.phone import e164, masked
from smsgate.store.connection import Client, hash_rows, pipelined, stream_rows
from smsgate.store.shared_keys import REFUSALS, shared_key

CAP = 10_000
"""Refusals that are kept one by one, roughly."""
_OF_ONE_CALL = 500
"""Of those that come together, so many are kept one by one; all of them are counted."""
KEPT_DAYS = 400
"""How long the counts of a day are kept: a year and a month, to compare with last year's. Those of
a number are kept as long after the last of them."""
_OPTED_OUT = frozenset(("opted_out", "opted_out_all", "hold", "locked"))
_HOUR_S = 3600

_encode = msgspec.json.encode


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """One text that was not sent."""

    number: str
    """As the sender gave it; listed masked."""
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


class RefusedHour(msgspec.Struct, frozen=True):
    """How many sends of a program to one number were stopped within an hour, for one reason."""

    from_us: int
    """When the hour began."""
    program: str
    reason: str
    count: int


_decode = msgspec.json.Decoder(Refusal).decode


class Refusals:
    """A capped stream, and hashes of counts for each day (UTC) and each number."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, refusals: Sequence[Refusal]) -> None:
        """Keep and count them in one round trip. Raises ``StoreUnavailable``."""
        if not refusals:
            return
        counted = Counter(f"{one.program}:{one.reason}" for one in refusals)
        key, hour = shared_key("refused", _day(0)), int(time.time()) // _HOUR_S
        with pipelined(self._client) as pipeline:
            for one in refusals[-_OF_ONE_CALL:]:
                kept = msgspec.structs.replace(one, number=masked(one.number))
                pipeline.xadd(REFUSALS, {"r": _encode(kept)}, maxlen=CAP, approximate=True)
            for name, times in counted.items():
                pipeline.hincrby(key, name, times)
            pipeline.expire(key, KEPT_DAYS * 24 * 3600)
            for one in refusals:
                if one.reason in _OPTED_OUT:
                    of_number = shared_key("refused", e164(one.number))
                    pipeline.hincrby(of_number, f"{hour}:{one.reason}:{one.program}", 1)
                    pipeline.expire(of_number, KEPT_DAYS * 24 * 3600)
            pipeline.execute()

    def newest(self, count: int = 100) -> list[Refusal]:
        """The newest refusals, the newest first. Raises ``StoreUnavailable``."""
        rows = self._client.xrevrange(REFUSALS, count=count)
        return [
            msgspec.structs.replace(_decode(fields[b"r"]), at_ms=ms_of(id_))
            for id_, fields in stream_rows(rows)
        ]

    def counts(self, days: int = 30) -> list[RefusalCount]:
        """What was stopped today and on the days before, oldest day first; ``days`` in all.

        Raises ``StoreUnavailable``.
        """
        wanted = [_day(ago) for ago in range(days - 1, -1, -1)]
        with pipelined(self._client) as pipeline:
            for day in wanted:
                pipeline.hgetall(shared_key("refused", day))
            rows = pipeline.execute()
        return [
            RefusalCount(day, program, reason, int(times))
            for day, row in zip(wanted, rows, strict=True)
            for name, times in sorted(hash_rows(row).items())
            for program, _, reason in [name.rpartition(":")]
        ]

    def after_opt_out(self, number: str) -> list[RefusedHour]:
        """What was stopped because the number (E.164) had opted out or was locked, oldest first.

        Raises ``StoreUnavailable``.
        """
        found = [
            RefusedHour(int(hour) * _HOUR_S * 1_000_000, program, reason, int(times))
            for name, times in hash_rows(
                self._client.hgetall(shared_key("refused", number))
            ).items()
            for hour, reason, program in [name.split(":", 2)]
        ]
        return sorted(found, key=lambda one: one.from_us)


def _day(ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()
