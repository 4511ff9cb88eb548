"""Figures of a day: texts, intents, and confirmations.

Processes count into the store by day (``store/metrics.py``), which keeps a week of it, so that
reading is cheap however much has happened. Every minute the sums go to the records and stay there,
even if Redis is flushed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import select

from smsgate.metrics.counters import MESSAGES, REPLIES, Sums, by_family
from smsgate.records import Records
from smsgate.records.database import Database, upsert
from smsgate.records.reader import rows_of
from smsgate.records.tables import days
from smsgate.store.store import Store

DayCounts: TypeAlias = dict[str, int]
"""By measure, how often it happened on a day."""
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
    return {day: store.metrics.sums(day) for day in (now, now - timedelta(days=1))}


def save_counts(store: Store, records: Records) -> None:
    """Save the sums of today and yesterday to the records; called every minute.

    Raises ``StoreUnavailable``, ``RecordsUnavailable``.
    """
    counts = {day: counts_of(found) for day, found in newest_sums(store, today()).items() if found}
    keep_counts(records.database, counts)


def keep_counts(database: Database, counts: Mapping[date, DayCounts]) -> None:
    """Keep sums of days (UTC). A kept sum only grows, so that a flushed store takes nothing away.

    Raises ``RecordsUnavailable``.
    """
    rows = [
        {"day": day.toordinal(), "what": measure, "count": count}
        for day, of_day in counts.items()
        for measure, count in of_day.items()
    ]
    if not rows:
        return
    with database.writing() as connection:
        insert = upsert(connection, days)
        grown = insert.excluded["count"]
        insert = insert.on_conflict_do_update(
            index_elements=["day", "what"], set_={"count": grown}, where=grown > days.c.count
        )
        connection.execute(insert, rows)


def kept_counts(database: Database, first: date) -> dict[date, DayCounts]:
    """The kept sums of each day from that one on; days without any are left out.

    Raises ``RecordsUnavailable``.
    """
    asked = select(days.c.day, days.c.what, days.c.count).where(days.c.day >= first.toordinal())
    found: dict[date, DayCounts] = defaultdict(dict)
    for day, measure, count in rows_of(database, asked):
        found[date.fromordinal(day)][measure] = count
    return dict(found)
