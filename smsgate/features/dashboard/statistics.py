"""Figures of a day: texts, intents, and confirmations in time.

Processes count into the store by day (``store/metrics.py``), which keeps a week of it, so that
reading is cheap however much has happened. Every minute the sums go to the records and stay there,
even if Redis is flushed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from smsgate.domain.messages import REPLY_WINDOW_US
from smsgate.metrics.counters import (
    BOUND,
    CONFIRMED_S,
    MESSAGES,
    REPLIES,
    Sums,
    bounds_of,
    by_family,
)
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
}
"""What is counted of a day, and its title."""
_MEASURE_BY_INTENT = {
    "opt_out": "opt_outs",
    "opt_out_all": "opt_outs",
    "opt_in": "opt_ins",
    "help": "help",
    "review": "review",
}
WINDOW_S = REPLY_WINDOW_US / 1_000_000
"""How long a confirmation may take."""
_MISSED_OUTCOMES = ("late", "refused", "unknown")
"""Outcomes after which nobody can say that the subscriber has the confirmation in time."""


@dataclass(frozen=True, slots=True)
class ConfirmationFigures:
    """How many confirmations of opt-outs were sent in time."""

    in_time: int
    """Those that the provider took within five minutes of the text."""
    missed: int
    """Those that were late, given up or perhaps sent."""
    is_partial: bool = False
    """Whether some wait although their time is over: one is counted for all of them."""

    @property
    def due(self) -> int:
        """How many there should have been."""
        return self.in_time + self.missed

    @property
    def share(self) -> float | None:
        """Which share was in time, from 0 to 1; None if none was due."""
        return self.in_time / self.due if self.due else None


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
        if (kind, outcome) == ("opt_out", "sent"):
            counts["confirmations"] += count
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


def confirmation_figures(sums: Sequence[Sums], *, is_overdue: bool) -> ConfirmationFigures:
    """How many confirmations of opt-outs were in time.

    ``is_overdue``: replies wait past their time, which no process has settled. A confirmation was
    not due if the provider has the opt-out itself, or a later change superseded it.
    """
    outcomes, times = Counter[str](), Counter[str]()
    for one in map(by_family, sums):
        for (_, kind, outcome), count in one[REPLIES.name].items():
            if kind == "opt_out":
                outcomes[outcome] += count
        for labels, count in one[CONFIRMED_S.name].items():
            times[labels[-1]] += count
    took_longer = sum(times[BOUND + one] for one in bounds_of(CONFIRMED_S) if float(one) > WINDOW_S)
    late = min(took_longer, outcomes["sent"])
    missed = late + sum(outcomes[outcome] for outcome in _MISSED_OUTCOMES)
    return ConfirmationFigures(outcomes["sent"] - late, missed + is_overdue, is_overdue)
