"""The status of each component: accounts, processes, collaborators and spools. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smsgate.metrics.snapshot import KINDS
from smsgate.pipeline.monitoring import COLLABORATORS, SystemState
from smsgate.pipeline.spool import waiting
from smsgate.settings import Settings

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
    """Every component, the bad ones first: what is wrong with it, or how it does."""
    problems = {one.subject: one for one in reversed(state.conditions)} | {**state.unusable}
    rows = []
    for subject, row in _rows(settings, state, now_us):
        problem = problems.get(subject)
        if problem is None:
            rows.append(row)
            continue
        tone = "bad" if problem.is_failure else "warn"
        seen_us = None if subject in state.unusable else row.seen_us
        rows.append(ComponentStatus(row.name, tone, problem.title, seen_us))
    order = {tone: at for at, tone in enumerate(_BAD_TONES)}
    return sorted(rows, key=lambda one: order.get(one.tone, len(_BAD_TONES)))


def _rows(
    settings: Settings, state: SystemState, now_us: int
) -> Iterator[tuple[str, ComponentStatus]]:
    """By the subject of its conditions, each component where nothing is wrong with it."""
    snapshot = state.snapshot
    processes = snapshot.processes if snapshot else None
    accepted = {one.name: one.accepted_s for one in snapshot.accounts} if snapshot else {}
    for account in settings.accounts.values():
        name, provider = account.name, account.provider
        title = name if provider == name else f"{name} ({provider})"
        row = ComponentStatus(title, "bad", "unknown", None)
        if name in accepted:
            tone = "good" if accepted[name] else "neutral"
            text = "receiving" if accepted[name] else "no message in the last 30 days"
            row = ComponentStatus(title, tone, text, int(accepted[name] * 1_000_000))
        yield f"account {name}", row
    for kind in KINDS:
        row = ComponentStatus(kind, "bad", "unknown", None)
        if processes is not None:
            last, hosts = processes.last_seen.get(kind), len(processes.hosts(kind))
            text = f"{len(processes.of(kind))} running" + (f" on {hosts} hosts" * (hosts > 1))
            seen_us = processes.now_us - int(last.ago_s * 1_000_000) if last else 0
            row = ComponentStatus(kind, "good" if hosts else "bad", text, seen_us)
        # That a ``web`` runs shows in that it answers.
        if kind != "web" or row.tone == "good":
            yield kind, row
    waits = {"records": state.archiving, "spool": ""}
    if state.spool.count:
        waits["spool"] = f"{waiting(state.spool.count)} for the store"
    for name in COLLABORATORS:
        text = waits.get(name, "")
        tone = "warn" if text else "good"
        if name == "records" and snapshot is None:
            tone, text = "warn", "reachable, lag unknown"
        yield name, ComponentStatus(name, tone, text or "operational", now_us)
    for one in snapshot.spools if snapshot else ():
        title = f"spool of {one.place}"
        yield title, ComponentStatus(title, "good", "empty", int(one.at_s * 1_000_000))
