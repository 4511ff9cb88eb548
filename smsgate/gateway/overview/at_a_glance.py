"""Everything at a glance: is it well, what happened today, what needs a person.

What cannot be asked is left out and said, so that the rest is still seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from smsgate.errors import RecordsNotReady, RecordsUnavailable, StoreUnavailable
from smsgate.gateway.alerts.conditions import Condition, conditions, weak
from smsgate.gateway.gateway import Gateway
from smsgate.gateway.overview import daily
from smsgate.gateway.overview.measuring import sights
from smsgate.gateway.overview.missed import missed_waiting
from smsgate.metrics.heartbeats import KINDS, ProcessSnapshot
from smsgate.metrics.sights import Sights
from smsgate.metrics.tally import Sums
from smsgate.records.days import Counts

DAYS = 30


@dataclass(frozen=True, slots=True)
class Numbers:
    """Days in numbers."""

    today: Counts
    usual: dict[str, float]
    """What a day like today has; empty where there was none."""
    days: dict[date, Counts]
    """The last 30 days, with today; those before anything was counted are left out."""
    to_blocked: daily.Speed | None
    to_confirmed: daily.Speed | None
    confirmations: daily.Confirmations | None
    """None where the store is away."""
    problem: str = ""
    """Why some of it cannot be told."""

    @property
    def nothing_yet(self) -> bool:
        """Whether no text ever came."""
        return not self.problem and not any(counts.get("texts") for counts in self.days.values())


@dataclass(frozen=True, slots=True)
class Part:
    """One part of smsgate: whether it is well, and when it last gave a sign."""

    name: str
    tone: str
    """``good``, ``warn``, ``bad``, or ``calm`` where there is nothing to judge."""
    said: str
    sign_us: int = 0
    """0 is never, or nothing that could be told."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What a page shows of a moment."""

    parts: list[Part]
    conditions: list[Condition]
    """What is not as it should be, with its remedy."""
    seen: Sights | None
    """None where the store is away."""
    numbers: Numbers


def look(gateway: Gateway) -> Overview:
    """Ask everything; raises nothing of what a collaborator that is away raises."""
    try:
        seen = sights(gateway.store, gateway.settings, gateway.ready)
    except StoreUnavailable:
        parts = [_collaborator(name, said) for name, said in gateway.ready().items()]
        return Overview(parts, [], None, numbers(gateway))
    found = sorted([*conditions(seen), *weak(seen)], key=lambda one: not one.fault)
    parts = [
        *_accounts(gateway, seen),
        *(_processes(seen.processes) if seen.processes is not None else ()),
        *_collaborators(seen),
    ]
    return Overview(parts, found, seen, numbers(gateway))


def numbers(gateway: Gateway) -> Numbers:
    """Days in numbers: finished ones from the records, today from the store."""
    now, problems = daily.today(), []
    days: dict[date, Counts] = {}
    try:
        days = gateway.records.days.since(now - timedelta(days=DAYS - 1))
    except (RecordsUnavailable, RecordsNotReady) as error:
        problems.append(str(error))
    sums: list[Sums] = []
    waiting: tuple[int, bool] | None = None
    try:
        waiting = missed_waiting(gateway.store, gateway.settings)
        sums = [gateway.store.metrics.sums_on(day) for day in (now, now - timedelta(days=1))]
        for day, found in zip((now, now - timedelta(days=1)), sums, strict=True):
            if found:
                days[day] = _grown(days.get(day, {}), daily.counts_of(found))
    except StoreUnavailable as error:
        problems.append(str(error))
    confirmed = daily.to_confirmed(sums)
    return Numbers(
        today=days.get(now, dict.fromkeys(daily.WHATS, 0)),
        usual=daily.usual(days, now),
        days=_filled(days, now),
        to_blocked=daily.to_blocked(sums),
        to_confirmed=confirmed,
        confirmations=daily.confirmations(sums, confirmed, *waiting) if waiting else None,
        problem="; ".join(problems),
    )


def _grown(kept: Counts, counted: Counts) -> Counts:
    return {what: max(kept.get(what, 0), counted[what]) for what in daily.WHATS}


def _filled(days: dict[date, Counts], now: date) -> dict[date, Counts]:
    """Every day since the first that was counted; one in between without anything is 0."""
    if not days:
        return {}
    span = (now - min(days)).days
    order = [now - timedelta(days=back) for back in range(span, -1, -1)]
    return {day: days.get(day, dict.fromkeys(daily.WHATS, 0)) for day in order}


def _accounts(gateway: Gateway, seen: Sights) -> Iterator[Part]:
    for one in seen.accounts:
        quiet_s = seen.now_s - one.accepted_s
        tone, said = "good", "messages come in"
        if not one.accepted_s:
            tone, said = "calm", "no message in the last 30 days"
        if one.silent_after_s and quiet_s > one.silent_after_s:
            tone, said = "bad", "silent for longer than it should be"
        provider = gateway.settings.accounts[one.name].provider
        name = one.name if provider == one.name else f"{one.name} ({provider})"
        yield Part(name, tone, said, int(one.accepted_s * 1_000_000))


def _processes(processes: ProcessSnapshot | None) -> Iterator[Part]:
    if processes is None:
        return
    for kind in KINDS:
        some, last = processes.of(kind), processes.last_seen.get(kind)
        hosts = len(processes.hosts(kind))
        said = f"{len(some)} at work" + (f" on {hosts} hosts" if hosts > 1 else "")
        if any(one.problem for one in some):
            yield Part(kind, "warn", f"{said}, with an older configuration", processes.now_us)
        elif some:
            yield Part(kind, "good", said, processes.now_us)
        elif kind != "web":  # that one is at work shows in that it answers
            sign_us = processes.now_us - int(last.ago_s * 1_000_000) if last else 0
            yield Part(kind, "bad", "not at work", sign_us)


def _collaborators(seen: Sights) -> Iterator[Part]:
    now_us = int(seen.now_s * 1_000_000)
    for name, said in seen.ready.items():
        part = _collaborator(name, said)
        yield replace(part, sign_us=0 if part.tone == "bad" else now_us)
    for one in seen.spools:
        said = f"{one.count:,} messages wait" if one.count else "empty"
        tone = "warn" if one.count else "good"
        yield Part(f"spool of {one.host}", tone, said, int(one.at_s * 1_000_000))


def _collaborator(name: str, said: str) -> Part:
    if said == "ok":
        return Part(name, "good", "works")
    if said.startswith("ok; "):
        return Part(name, "warn", said.removeprefix("ok; "))
    return Part(name, "bad", said)
