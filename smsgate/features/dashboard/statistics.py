"""Figures of a day: texts, intents, and confirmations.

Processes count into the store by day (``store/metrics.py``), which keeps a week of it, so that
reading is cheap however much has happened. Every minute the sums go to the records and stay there,
even if Redis is flushed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from smsgate.metrics.counters import MESSAGES, REPLIES, Sums, by_family
from smsgate.records import Records
from smsgate.records.daily_counts import DailyCountStorage, DayCounts
from smsgate.store.store import Store

MEASURES = {
    "texts": "Texts received",
    "opt_outs": "Opt-out requests",
    "opt_ins": "Opt-in requests",
    "help": "Help requests",
    "review": "Sent to review",
    "confirmations": "Confirmations sent",
    "missed": "Confirmations missed",
}
"""What is counted of a day, and its title."""
_MEASURE_BY_INTENT = {
    "opt_out": "opt_outs",
    "opt_out_all": "opt_outs",
    "opt_in": "opt_ins",
    "help": "help",
    "review": "review",
}
_MISSED_OUTCOMES = ("late", "refused", "unknown")
"""Outcomes after which nobody can say that the subscriber has the confirmation."""


def today() -> date:
    """The current day (UTC)."""
    return datetime.now(UTC).date()


def counts_of(sums: Sums) -> DayCounts:
    """The counts of a day, by measure."""
    found = by_family(sums)
    counts = dict.fromkeys(MEASURES, 0)
    for (_, intent), count in found[MESSAGES.name].items():
        if intent != "duplicate":
            counts["texts"] += count
            if intent in _MEASURE_BY_INTENT:
                counts[_MEASURE_BY_INTENT[intent]] += count
    for (_, kind, outcome), count in found[REPLIES.name].items():
        if kind == "opt_out":
            counts["confirmations"] += count * (outcome == "sent")
            counts["missed"] += count * (outcome in _MISSED_OUTCOMES)
    return counts


def newest_sums(store: Store, now: date) -> dict[date, Sums]:
    """What the store has counted today and yesterday."""
    return {day: store.metrics.sums_on(day) for day in (now, now - timedelta(days=1))}


def save_counts(store: Store, records: Records) -> None:
    """Save the sums of today and yesterday to the records; called every minute.

    Raises ``StoreUnavailable``, ``RecordsUnavailable``.
    """
    counts = {day: counts_of(found) for day, found in newest_sums(store, today()).items() if found}
    DailyCountStorage(records.database).save(counts)
