"""The report of a day: texts, what came of them, how long it took, and what to check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec

from smsgate.consent.events import Event
from smsgate.domain.messages import REPLY_WINDOW_US, Entry
from smsgate.interface.operation import Context, operation
from smsgate.pipeline.services import Services
from smsgate.store.keys import PARTITIONS

_MAX_ORDINARY_TEXTS = 500
"""Of a partition, that are searched for suspicious ones."""
_MAX_DAYS = 400
_UNSUSPICIOUS_RULES = ("nothing_known", "reaction", "quotation", "no_words")
"""Rules of ordinary texts in which no opt-out word was found."""
_MAX_SUSPICIOUS = 20


class ReportQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which day."""

    day: Annotated[date | None, msgspec.Meta(description="Day (UTC); today if none.")] = None


class SuspiciousText(msgspec.Struct, frozen=True):
    """An ordinary text with an opt-out word in it."""

    number: str
    text: str
    rule: str
    keyword: str


class DayReport(msgspec.Struct, frozen=True):
    """The report of a day. Times have ``p50``, ``p99`` and ``worst``."""

    day: date
    messages: dict[str, int]
    """By intent, with what people and programs entered."""
    outcomes: dict[str, int]
    replies: dict[str, int]
    """By outcome."""
    receipt_to_blocked_ms: dict[str, float]
    receipt_to_applied_ms: dict[str, float]
    receipt_to_confirmation_ms: dict[str, float]
    sends_stopped: dict[str, int]
    """By ``PROGRAM:REASON``."""
    suspicious: list[SuspiciousText]


@operation(
    "GET /report",
    command="report",
    role="viewer",
    scope="admin",
    example={"day": "2026-11-23"},
)
def report(context: Context, request: ReportQuery) -> DayReport:
    """Summarize a day: opt-outs, opt-ins, times, refused sends, texts worth checking."""
    services, store = context.services, context.services.store
    services.archiver.move_all()
    today = datetime.now(UTC).date()
    day = request.day or today
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    since_us, until_us = (
        int(one.timestamp() * 1_000_000) for one in (start, start + timedelta(days=1))
    )
    age_days = (today - day).days
    counts = store.refusals.counts(min(age_days + 1, _MAX_DAYS)) if age_days >= 0 else []
    events = (one.event for one in services.records.reader.between(since_us, until_us))
    stopped = {f"{one.program}:{one.reason}": one.count for one in counts if one.day == str(day)}
    return report_of(day, events, stopped, _suspicious(services))


def report_of(
    day: date,
    events: Iterable[Event],
    stopped: dict[str, int],
    suspicious: list[SuspiciousText],
) -> DayReport:
    """The report of what was recorded of a day."""
    intents, outcomes, replies = Counter[str](), Counter[str](), Counter[str]()
    blocked_us, applied_us, confirmed_us = list[int](), list[int](), list[int]()
    for event in events:
        if event.reply is not None:
            replies[event.outcome] += 1
            if event.outcome == "sent" and event.reply.kind == "opt_out":
                confirmed_us.append(event.applied_us - event.reply.deadline_us + REPLY_WINDOW_US)
            continue
        intents[event.kind] += 1
        outcomes[event.outcome] += 1
        entry = event.entry
        if event.received_us and entry is not None and entry.source == "text":
            # A text blocks from its receipt in the inbox on; one from a spool came before that.
            came_us = event.received_us
            if entry.outage_us:
                came_us = min(came_us, event.event_time_us)
            applied_us.append(event.applied_us - came_us)
            if entry.decision.intent.stops:
                blocked_us.append(event.received_us - came_us)
    return DayReport(
        day=day,
        messages=dict(sorted(intents.items())),
        outcomes=dict(sorted(outcomes.items())),
        replies=dict(sorted(replies.items())),
        receipt_to_blocked_ms=_percentiles(blocked_us),
        receipt_to_applied_ms=_percentiles(applied_us),
        receipt_to_confirmation_ms=_percentiles(confirmed_us),
        sends_stopped=dict(sorted(stopped.items())),
        suspicious=suspicious,
    )


def _suspicious(services: Services) -> list[SuspiciousText]:
    """The newest ordinary texts with an opt-out word in them."""
    found: list[Entry] = []
    for partition in range(PARTITIONS):
        ordinary = services.store.sample_log.newest(partition, _MAX_ORDINARY_TEXTS)
        found += [one for one in ordinary if one.decision.rule not in _UNSUSPICIOUS_RULES]
    return [
        SuspiciousText(one.number, one.text, one.decision.rule, one.decision.keyword)
        for one in found[:_MAX_SUSPICIOUS]
    ]


def _percentiles(times_us: Sequence[int]) -> dict[str, float]:
    """In milliseconds; empty without any."""
    if not times_us:
        return {}
    ordered = sorted(times_us)
    last = len(ordered) - 1
    places = {"p50": len(ordered) // 2, "p99": min(last, int(len(ordered) * 0.99)), "worst": last}
    return {name: round(ordered[place] / 1000, 1) for name, place in places.items()}


OPERATIONS = (report,)
