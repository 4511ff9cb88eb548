"""Opt-outs and sends of a range of days, from counts in the records and, of today, in the store.

smsgate does not send your campaigns, so it takes as sends of a day the numbers that the gate
allowed for a program. The opt-out rate is opt-outs divided by that. What was not counted, such as
days before the records began, is unknown: None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select

from smsgate.domain.errors import StoreUnavailable
from smsgate.metrics.counters import GATE, Sums, by_family
from smsgate.pipeline.services import Services
from smsgate.records import Records
from smsgate.records.console_tables import days
from smsgate.records.daily_counts import DailyCountStorage
from smsgate.records.projections import OptOutKind
from smsgate.records.reader import rows_of
from smsgate.records.tables import events, opt_outs_by_day
from smsgate.settings import Settings
from smsgate.store import Store

MAX_DAYS = 366
MOST_GROUPS = 20
"""Keywords and senders that are shown; the others are added up."""
_SENDS = "sends:"
"""Begins the measure of a program's sends in the counts of a day."""
_ALLOWED = "allowed"
_SENTENCE_SIGNS = frozenset("{}~^$|")
"""What wordings inside sentences are written with; see ``docs/keywords.md``."""
_DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class TrendDay:
    """One day (UTC)."""

    day: date
    opt_outs: int | None
    sends: int | None

    @property
    def rate(self) -> float | None:
        """Opt-outs divided by sends; None where either is unknown, or nothing was sent."""
        if self.opt_outs is None or not self.sends:
            return None
        return self.opt_outs / self.sends


@dataclass(frozen=True, slots=True)
class TrendGroup:
    """The opt-outs of one program, keyword or sender."""

    name: str
    source: str
    """Of a keyword's group, where the opt-outs came from; of texts without a name, sentences."""
    opt_outs: int
    share: float
    """Of all opt-outs of the range."""
    sends: int | None = None
    """Of a program; None if they are unknown on any of the days."""

    @property
    def rate(self) -> float | None:
        """As that of a day."""
        return self.opt_outs / self.sends if self.sends else None


@dataclass(frozen=True, slots=True)
class GroupList:
    """The largest groups, and what the others have together."""

    groups: Sequence[TrendGroup]
    other_count: int = 0
    other_opt_outs: int = 0


@dataclass(frozen=True, slots=True)
class Trends:
    """What the page shows of a range of days."""

    days: Sequence[TrendDay]
    """Every day of the range, oldest first."""
    programs: GroupList
    keywords: GroupList
    senders: GroupList
    recorded_since: date | None
    """The first day of which anything is recorded; None where nothing is."""
    store_problem: str = ""
    """Why today's sends are unknown."""

    @property
    def opt_outs(self) -> int:
        """All that are known."""
        return sum(one.opt_outs or 0 for one in self.days)

    @property
    def rate(self) -> float | None:
        """Of the days of which both are known."""
        known = [one for one in self.days if one.opt_outs is not None and one.sends is not None]
        sends = sum(one.sends or 0 for one in known)
        return sum(one.opt_outs or 0 for one in known) / sends if sends else None


def today() -> date:
    """The current day (UTC)."""
    return datetime.now(UTC).date()


def save_sends(store: Store, records: Records, settings: Settings) -> None:
    """Save the sends of today and yesterday to the records; called every minute.

    A program without any has 0, so that it can be told from days that were not counted. Raises
    ``StoreUnavailable``, ``RecordsUnavailable``.
    """
    none = {f"{_SENDS}{one.name}": 0 for one in settings.programs}
    now = today()
    counts = {
        day: {**(none if day == now else {}), **_sends_of(store.metrics.sums_on(day))}
        for day in (now, now - timedelta(days=1))
    }
    DailyCountStorage(records.database).save(counts)


def load_trends(services: Services, first: date, last: date, program: str = "") -> Trends:
    """The trends of the days from ``first`` to ``last``, of one program or of all.

    Raises ``RecordsUnavailable``.
    """
    now = today()
    counted = _opt_outs(services.records, first, last, program)
    sends = _saved_sends(services.records, first, last)
    problem = ""
    if first <= now <= last:
        try:
            live = _sends_of(services.store.metrics.sums_on(now))
            saved = sends.get(now, {})
            sends[now] = {
                name: max(saved.get(name, 0), live.get(name, 0)) for name in {*saved, *live}
            }
        except StoreUnavailable as error:
            sends.pop(now, None)  # the records have a part of it at most
            problem = str(error).rstrip(".")
    since = _recorded_since(services.records)
    by_day: Counter[int] = Counter()
    for kind, count in counted.items():
        by_day[kind.day] += count
    days_of_range = [first + timedelta(days=at) for at in range((last - first).days + 1)]
    return Trends(
        days=[
            TrendDay(
                day,
                None if since is None or day < since else by_day[day.toordinal()],
                _sends(sends.get(day), program),
            )
            for day in days_of_range
        ],
        programs=_programs(counted, days_of_range, sends),
        keywords=_groups(counted, lambda kind: (_shown_keyword(kind.keyword), kind.source)),
        senders=_groups(
            counted, lambda kind: (kind.sender, kind.source if not kind.sender else "")
        ),
        recorded_since=since,
        store_problem=problem,
    )


def _shown_keyword(keyword: str) -> str:
    """A keyword as an operator writes it; empty for a pattern of whole sentences.

    What such a pattern is made of (``{stop} ~2 {msg}``) are names inside keyword sets, which nobody
    texted.
    """
    return "" if _SENTENCE_SIGNS & set(keyword) else keyword


def _opt_outs(records: Records, first: date, last: date, program: str) -> dict[OptOutKind, int]:
    table = opt_outs_by_day.c
    asked = select(*(table[name] for name in OptOutKind._fields), table["count"]).where(
        table.day.between(first.toordinal(), last.toordinal())
    )
    if program:
        asked = asked.where(table.program == program)
    return {OptOutKind(*kind): count for *kind, count in rows_of(records.database, asked)}


def _saved_sends(records: Records, first: date, last: date) -> dict[date, dict[str, int]]:
    """By day and measure; days on which sends were not counted are left out."""
    asked = select(days.c.day, days.c.what, days.c.count).where(
        days.c.day.between(first.toordinal(), last.toordinal()), days.c.what.startswith(_SENDS)
    )
    found: dict[date, dict[str, int]] = {}
    for day, what, count in rows_of(records.database, asked):
        found.setdefault(date.fromordinal(day), {})[what] = count
    return found


def _recorded_since(records: Records) -> date | None:
    """The first day that the records know of, by events or by counts."""
    counted = rows_of(records.database, select(func.min(opt_outs_by_day.c.day)))
    received = rows_of(
        records.database, select(func.min(events.c.received_us)).where(events.c.received_us > 0)
    )
    known = [date.fromordinal(row[0]) for row in counted if row[0] is not None]
    known += [
        datetime.fromtimestamp(row[0] / 1_000_000, UTC).date()
        for row in received
        if row[0] is not None
    ]
    return min(known, default=None)


def _sends_of(sums: Sums) -> dict[str, int]:
    """By measure, how many numbers the gate allowed."""
    found: Counter[str] = Counter()
    for (program, reason), count in by_family(sums)[GATE.name].counts.items():
        if reason == _ALLOWED:
            found[f"{_SENDS}{program}"] += count
    return dict(found)


def _sends(of_day: Mapping[str, int] | None, program: str) -> int | None:
    """Of a program on a day, or of all; None if they were not counted."""
    if not of_day:
        return None
    return of_day.get(f"{_SENDS}{program}") if program else sum(of_day.values())


def _programs(
    counted: Mapping[OptOutKind, int],
    days_of_range: Iterable[date],
    sends: Mapping[date, Mapping[str, int]],
) -> GroupList:
    range_ = [*days_of_range]

    def sends_of(program: str) -> int | None:
        found = [_sends(sends.get(day), program) for day in range_]
        known = [one for one in found if one is not None]
        return sum(known) if len(known) == len(found) else None

    total = sum(counted.values())
    by_program: Counter[str] = Counter()
    for kind, count in counted.items():
        by_program[kind.program] += count
    return GroupList(
        [
            TrendGroup(name, "", count, count / total, sends_of(name))
            for name, count in by_program.most_common()
        ]
    )


def _groups(
    counted: Mapping[OptOutKind, int], group_of: Callable[[OptOutKind], tuple[str, str]]
) -> GroupList:
    total = sum(counted.values())
    found: Counter[tuple[str, str]] = Counter()
    for kind, count in counted.items():
        found[group_of(kind)] += count
    ordered = found.most_common()
    rest = ordered[MOST_GROUPS:]
    return GroupList(
        [
            TrendGroup(name, source, count, count / total)
            for (name, source), count in ordered[:MOST_GROUPS]
        ],
        len(rest),
        sum(count for _, count in rest),
    )
