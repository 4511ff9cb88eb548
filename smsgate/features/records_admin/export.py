"""Records as CSV or NDJSON, written as they are read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec

from smsgate.files import csv_line
from smsgate.records.reader import Recorded

FORMATS = ("csv", "ndjson")

Row = dict[str, Any]
_json = msgspec.json.Encoder()


def export(recorded: Iterable[Recorded], kind: str, out: BinaryIO) -> int:
    """Write records to a binary stream; gives how many."""
    return {"csv": _csv, "ndjson": _ndjson}[kind](recorded, out)


def _ndjson(recorded: Iterable[Recorded], out: BinaryIO) -> int:
    """One event a line, whole, with its place in the chain."""
    count = 0
    for one in recorded:
        place = {"partition": one.partition, "seq": one.seq, "erased": one.erased}
        place["committed_us"] = one.committed_us
        out.write(_json.encode(place | msgspec.to_builtins(one.event)) + b"\n")
        count += 1
    return count


def _csv(recorded: Iterable[Recorded], out: BinaryIO) -> int:
    out.write(csv_line(COLUMNS).encode())
    count = 0
    for one in recorded:
        row = row_of(one)
        out.write(csv_line([row[name] for name in COLUMNS]).encode())
        count += 1
    return count


COLUMNS = (
    "id",
    "partition",
    "seq",
    "received",
    "applied",
    "committed",
    "kind",
    "outcome",
    "number",
    "program",
    "scope",
    "before",
    "after",
    "source",
    "actor",
    "account",
    "message_id",
    "channel",
    "sender",
    "rule",
    "keyword",
    "language",
    "keyword_version",
    "model_score",
    "confidence",
    "text",
    "reason",
    "reply",
    "reply_kind",
    "provider_id",
    "note",
    "software",
    "erased",
)
"""Of a table of records, in this order."""


def row_of(one: Recorded) -> Row:
    """A record as a row of a table; times are UTC, to the microsecond."""
    event, entry, reply = one.event, one.event.entry, one.event.reply
    decision = entry.decision if entry else None
    about = entry or reply
    return {
        "id": event.id,
        "partition": one.partition,
        "seq": one.seq,
        "received": _moment(event.received_us),
        "applied": _moment(event.applied_us),
        "committed": _moment(one.committed_us),
        "kind": event.kind,
        "outcome": event.outcome,
        "number": event.number,
        "program": event.program,
        "scope": event.scope,
        "before": event.before,
        "after": event.after,
        "source": entry.source if entry else "",
        "actor": entry.actor if entry else "",
        "account": about.account if about else "",
        "message_id": entry.message_id if entry else "",
        "channel": about.channel if about else "",
        "sender": about.sender if about else "",
        "rule": decision.rule if decision else "",
        "keyword": decision.keyword if decision else "",
        "language": decision.language if decision else reply.language if reply else "",
        "keyword_version": decision.version if decision else "",
        "model_score": decision.score if decision else None,
        "confidence": decision.confidence if decision else None,
        "text": entry.text if entry else "",
        "reason": decision.note if decision else "",
        "reply": reply.text if reply else "",
        "reply_kind": reply.kind if reply else "",
        "provider_id": event.provider_id,
        "note": event.note,
        "software": event.software,
        "erased": one.erased,
    }


def _moment(time_us: int) -> str:
    """ISO 8601; empty where nothing is known."""
    if not time_us:
        return ""
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).isoformat(timespec="microseconds")
