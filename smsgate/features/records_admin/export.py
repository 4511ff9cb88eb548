"""Records as CSV or NDJSON, written as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from smsgate.domain.signed_times import time_of
from smsgate.files import csv_line
from smsgate.records import Recorded

COLUMNS = {
    "id": ("event.id",),
    "partition": ("partition",),
    "seq": ("seq",),
    "received": ("event.received_us",),
    "applied": ("event.applied_us",),
    "committed": ("committed_us",),
    "kind": ("event.kind",),
    "outcome": ("event.outcome",),
    "number": ("event.number",),
    "program": ("event.program",),
    "scope": ("event.scope",),
    "before": ("event.before",),
    "after": ("event.after",),
    "source": ("event.entry.source",),
    "actor": ("event.entry.actor",),
    "account": ("event.entry.account", "event.reply.account"),
    "message_id": ("event.entry.message_id",),
    "channel": ("event.entry.channel", "event.reply.channel"),
    "sender": ("event.entry.sender", "event.reply.sender"),
    "rule": ("event.entry.decision.rule",),
    "keyword": ("event.entry.decision.keyword",),
    "language": ("event.entry.decision.language", "event.reply.language"),
    "keyword_version": ("event.entry.decision.version",),
    "model_score": ("event.entry.decision.score",),
    "confidence": ("event.entry.decision.confidence",),
    "text": ("event.entry.text",),
    "reason": ("event.entry.decision.note",),
    "reply": ("event.reply.text",),
    "reply_kind": ("event.reply.kind",),
    "provider_id": ("event.provider_id",),
    "note": ("event.note",),
    "software": ("event.software",),
    "erased": ("erased",),
}
"""Columns of the CSV, in this order, and where an event has each: the first place that it has."""
_encode = msgspec.json.encode


def to_ndjson(recorded: Iterable[Recorded]) -> Iterator[bytes]:
    """One event a line, whole, with its place in the chain."""
    for one in recorded:
        place = {"partition": one.partition, "seq": one.seq, "erased": one.erased}
        place["committed_us"] = one.committed_us
        yield _encode(place | msgspec.to_builtins(one.event)) + b"\n"


def to_csv(recorded: Iterable[Recorded]) -> Iterator[bytes]:
    """A header, and a line for each event; times are UTC, to the microsecond."""
    yield csv_line(COLUMNS).encode()
    for one in recorded:
        yield csv_line(_cell(one, places) for places in COLUMNS.values()).encode()


def _cell(one: Recorded, places: tuple[str, ...]) -> object:
    value: Any = None
    for place in places:
        value = one
        for name in place.split("."):
            value = getattr(value, name, None)
        if value is not None:
            break
    if not places[0].endswith("_us"):
        return value
    return time_of(value).isoformat(timespec="microseconds") if value else ""
