"""The status of each component: accounts, processes, and the collaborators behind them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smsgate.metrics.snapshot import KINDS, ProcessSnapshot, SystemSnapshot
from smsgate.pipeline.monitoring import COLLABORATORS, SystemState
from smsgate.pipeline.spool import waiting
from smsgate.settings import Settings

UNKNOWN = "unknown"
_BAD_TONES = ("bad", "warn")


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """One row of the system status."""

    name: str
    tone: str
    """``good``, ``warn``, ``bad``, or ``neutral`` where there is nothing to judge."""
    text: str
    seen_us: int | None = 0
    """When it was last seen; 0 is never, None is unknown."""


def component_status(settings: Settings, state: SystemState, now_us: int) -> list[ComponentStatus]:
    """Every component, the bad ones first."""
    snapshot = state.snapshot
    found = [
        *_accounts(settings, snapshot),
        *_processes(snapshot.processes if snapshot else None),
        *_collaborators(state, now_us),
        *_spools(snapshot),
    ]
    order = {tone: at for at, tone in enumerate(_BAD_TONES)}
    return sorted(found, key=lambda one: order.get(one.tone, len(_BAD_TONES)))


def _accounts(settings: Settings, snapshot: SystemSnapshot | None) -> Iterator[ComponentStatus]:
    traffic = {one.name: one for one in snapshot.accounts} if snapshot else {}
    for account in settings.accounts.values():
        name, provider, one = account.name, account.provider, traffic.get(account.name)
        title = name if provider == name else f"{name} ({provider})"
        if snapshot is None or one is None:
            yield ComponentStatus(title, "bad", UNKNOWN, None)
            continue
        tone, text = "good", "receiving"
        if not one.accepted_s:
            tone, text = "neutral", "no message in the last 30 days"
        if one.silent_after_s and snapshot.now_s - one.accepted_s > one.silent_after_s:
            tone, text = "bad", "silent for too long"
        yield ComponentStatus(title, tone, text, int(one.accepted_s * 1_000_000))


def _processes(processes: ProcessSnapshot | None) -> Iterator[ComponentStatus]:
    """Processes by kind. That a ``web`` runs shows in that it answers: it is never bad."""
    for kind in KINDS:
        if processes is None:
            if kind != "web":
                yield ComponentStatus(kind, "bad", UNKNOWN, None)
            continue
        running, last = processes.of(kind), processes.last_seen.get(kind)
        hosts = len(processes.hosts(kind))
        text = f"{len(running)} running" + (f" on {hosts} hosts" if hosts > 1 else "")
        if any(one.problem for one in running):
            text = f"{text}, with older keyword sets or replies"
            yield ComponentStatus(kind, "warn", text, processes.now_us)
        elif running:
            yield ComponentStatus(kind, "good", text, processes.now_us)
        elif kind != "web":
            seen_us = processes.now_us - int(last.ago_s * 1_000_000) if last else 0
            yield ComponentStatus(kind, "bad", "not running", seen_us)


def _collaborators(state: SystemState, now_us: int) -> Iterator[ComponentStatus]:
    waits = {
        "spool": f"{waiting(state.spool.count)} for the store" if state.spool.count else "",
        "records": state.archiving,
    }
    for name in COLLABORATORS:
        own = [one for one in state.conditions if name in (one.subject, one.collaborator)]
        problem = state.unusable.get(name, next(iter(own), None))
        if problem is not None:
            tone = "bad" if problem.is_failure else "warn"
            yield ComponentStatus(name, tone, problem.title, now_us if tone == "warn" else None)
        elif name == "records" and state.snapshot is None:
            yield ComponentStatus(name, "warn", "reachable, lag unknown", now_us)
        elif waits.get(name):
            yield ComponentStatus(name, "warn", waits[name], now_us)
        else:
            yield ComponentStatus(name, "good", "operational", now_us)


def _spools(snapshot: SystemSnapshot | None) -> Iterator[ComponentStatus]:
    for one in snapshot.spools if snapshot else ():
        text = waiting(one.count) if one.count else "empty"
        tone = "warn" if one.count else "good"
        yield ComponentStatus(f"spool of {one.place}", tone, text, int(one.at_s * 1_000_000))
