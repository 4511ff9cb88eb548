"""Days in numbers: what came in, what was asked for, and how fast it was done.

Processes count into the store, day by day (``store/metrics.py``), which costs a page nothing to
read however much has happened. The store keeps a week of that; the sums of each day go to the
records every minute and stay there, also where Redis is flushed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from smsgate.metrics.counters import FamilyValues, Sums, bounds_of, by_family
from smsgate.metrics.families import CONFIRMED_S, MESSAGES, REPLIES, STORED_S, Family
from smsgate.records import Records
from smsgate.records.days import Counts
from smsgate.store import Store

WHATS = ("texts", "opt_outs", "opt_ins", "help", "review", "confirmations")
_INTENTS = {
    "opt_out": "opt_outs",
    "opt_out_all": "opt_outs",
    "opt_in": "opt_ins",
    "help": "help",
    "review": "review",
}
_DUPLICATE = "duplicate"
_WEEKS = 4
FIVE_MINUTES = 300.0
_MISSED = ("late", "refused", "unknown")
"""Outcomes of a confirmation of which nobody can say that the subscriber has it in time."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How long something took, as far as the bounds of its buckets tell."""

    count: int
    half_s: float
    """Half of them took at most so many seconds."""
    most_s: float
    """99 of 100 took at most so many; infinite where it was more than the last bound."""
    slow: int
    """How many took more than five minutes."""


@dataclass(frozen=True, slots=True)
class Confirmations:
    """How many confirmations of opt-outs were in time."""

    in_time: int
    """Those that the provider took within five minutes of the text."""
    missed: int
    """Those that came later, were given up (late, refused, perhaps sent), or still wait although
    their five minutes are over."""
    is_partial: bool = False
    """Whether more may be missed than were counted."""

    @property
    def due(self) -> int:
        """How many there should have been."""
        return self.in_time + self.missed

    @property
    def share(self) -> float | None:
        """Which share was in time, from 0 to 1; None where none was due."""
        return self.in_time / self.due if self.due else None


def today() -> date:
    """The day, as days are counted (UTC)."""
    return datetime.now(UTC).date()


def counts_of(sums: Sums) -> Counts:
    """The sums of a day."""
    found = by_family(sums)
    counts = dict.fromkeys(WHATS, 0)
    for (_, intent), count in found[MESSAGES.name].counts.items():
        if intent != _DUPLICATE:
            counts["texts"] += count
            if intent in _INTENTS:
                counts[_INTENTS[intent]] += count
    for (_, kind, outcome), count in found[REPLIES.name].counts.items():
        if (kind, outcome) == ("opt_out", "sent"):
            counts["confirmations"] += count
    return counts


def keep(store: Store, records: Records) -> None:
    """Put the sums of today and yesterday into the records; done every minute.

    Raises ``StoreUnavailable``, ``RecordsUnavailable``, ``RecordsNotReady``.
    """
    days = (today(), today() - timedelta(days=1))
    sums = {day: store.metrics.sums_on(day) for day in days}
    records.days.keep({day: counts_of(found) for day, found in sums.items() if found})


def usual(days: Mapping[date, Counts], now: date) -> dict[str, float]:
    """What a day like this one has: the mean of the same weekday in the last four weeks.

    Of days on which anything was counted; where there is no such weekday, of all of them.
    """
    past = {day: counts for day, counts in days.items() if day < now}
    alike = [now - timedelta(weeks=week) for week in range(1, _WEEKS + 1)]
    some = [past[day] for day in alike if day in past] or [*past.values()]
    if not some:
        return {}
    return {what: sum(one.get(what, 0) for one in some) / len(some) for what in WHATS}


def to_blocked(some: Iterable[Sums]) -> Speed | None:
    """From a text at our door to its answer, by when it blocks. None where none came."""
    return _speed(STORED_S, some)


def to_confirmed(some: Iterable[Sums]) -> Speed | None:
    """From a text at our door to the moment when the provider took our reply."""
    return _speed(CONFIRMED_S, some)


def confirmations(
    some: Sequence[Sums], confirmed: Speed | None, waiting: int, is_partial: bool
) -> Confirmations:
    """How many confirmations of opt-outs were in time, by what was counted and what waits.

    ``confirmed``: see ``to_confirmed``. ``waiting``: confirmations past their time that nobody has
    settled; ``is_partial``: whether there may be more. A confirmation that the provider would not
    send because it has the opt-out itself, or that a later change overtook, was not due.
    """
    settled: Counter[str] = Counter()
    for sums in some:
        for (_, kind, outcome), count in by_family(sums)[REPLIES.name].counts.items():
            if kind == "opt_out":
                settled[outcome] += count
    slow = min(confirmed.slow if confirmed else 0, settled["sent"])
    missed = slow + waiting + sum(settled[outcome] for outcome in _MISSED)
    return Confirmations(settled["sent"] - slow, missed, is_partial)


def _speed(family: Family, some: Iterable[Sums]) -> Speed | None:
    buckets = [0] * (len(family.buckets) + 1)
    for sums in some:
        found: FamilyValues = by_family(sums)[family.name]
        for times in found.times.values():
            buckets = [a + b for a, b in zip(buckets, times.buckets, strict=True)]
    below = [*accumulate(buckets)]
    if not below[-1]:
        return None
    bounds = [float(bound) for bound in bounds_of(family)]
    in_time = [count for bound, count in zip(bounds, below, strict=True) if bound <= FIVE_MINUTES]
    return Speed(
        count=below[-1],
        half_s=_bound(bounds, below, 0.5),
        most_s=_bound(bounds, below, 0.99),
        slow=below[-1] - in_time[-1],
    )


def _bound(bounds: Sequence[float], below: Sequence[int], share: float) -> float:
    reached = (
        bound for bound, count in zip(bounds, below, strict=True) if count >= share * below[-1]
    )
    return next(reached)
