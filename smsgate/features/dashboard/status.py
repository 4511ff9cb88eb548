"""The status of each component: accounts, processes, and the collaborators behind them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from smsgate.metrics.snapshot import KINDS, ProcessSnapshot, SystemSnapshot
from smsgate.pipeline.readiness import OK, is_well
from smsgate.pipeline.spool import waiting
from smsgate.settings import Settings
from smsgate.store.redis_errors import REFUSES_WRITES

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


@dataclass(frozen=True, slots=True)
class CollaboratorStatus:
    """What one collaborator reports, or why it cannot be read."""

    report: str | None = None
    """``ok``, ``ok; …`` or what is wrong; None if it cannot be told."""
    unknown: str = ""
    """Why it cannot be read; empty if it can."""
    remedy: str = ""
    """What helps, if that is known."""


@dataclass(frozen=True, slots=True)
class CollaboratorProblem:
    """A collaborator that cannot be read, or cannot do its work."""

    name: str
    title: str
    """Its name, with that of another one that has the same cause."""
    is_unknown: bool
    """Whether it cannot be read; otherwise it reports that it is not ready."""
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What stands behind smsgate: ``store``, ``queue``, ``spool`` and ``records``."""

    status: Mapping[str, CollaboratorStatus]
    is_one_redis: bool
    """Whether store and queue are in the same Redis."""

    def is_unknown(self, name: str) -> bool:
        """Whether it cannot be read."""
        return bool(self.status[name].unknown)

    def problems(self) -> list[CollaboratorProblem]:
        """What is unknown, then what is not ready. One cause is one problem."""
        found = {}
        for name, one in self.status.items():
            text = one.unknown or one.report or ""
            if one.unknown or (text and not is_well(text) and not self._is_consequence(name)):
                is_unknown = bool(one.unknown)
                found[name] = CollaboratorProblem(name, name, is_unknown, text, one.remedy)
        if self.is_one_redis and {"store", "queue"} <= found.keys():
            del found["queue"]
            found["store"] = replace(found["store"], title="store and queue")
        return sorted(found.values(), key=lambda one: not one.is_unknown)

    def _is_consequence(self, name: str) -> bool:
        """Whether a collaborator's report follows from another one's problem.

        The records are compared with the store: that events wait in a store that takes no writes,
        or that its memory is full, is the store's problem.
        """
        is_read_only = (self.status["store"].report or "").startswith(REFUSES_WRITES)
        return name == "records" and (self.is_unknown("store") or is_read_only)


def component_status(
    settings: Settings,
    snapshot: SystemSnapshot | None,
    collaborators: Collaborators,
    now_us: int,
) -> list[ComponentStatus]:
    """Every component, the bad ones first. ``snapshot`` is None if the store cannot be read."""
    found = [
        *_accounts(settings, snapshot),
        *_processes(snapshot.processes if snapshot else None),
        *_collaborators(collaborators, now_us),
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


def _collaborators(found: Collaborators, now_us: int) -> Iterator[ComponentStatus]:
    for name, one in found.status.items():
        if one.unknown:
            yield ComponentStatus(name, "bad", f"{UNKNOWN}: {one.unknown}", None)
        elif name == "records" and (one.report is None or found.is_unknown("store")):
            yield ComponentStatus(name, "warn", "reachable, lag unknown", now_us)
        elif one.report is None:
            yield ComponentStatus(name, "bad", UNKNOWN, None)
        elif one.report == OK:
            yield ComponentStatus(name, "good", "operational", now_us)
        elif is_well(one.report):
            yield ComponentStatus(name, "warn", one.report.removeprefix(f"{OK}; "), now_us)
        else:
            yield ComponentStatus(name, "bad", one.report)


def _spools(snapshot: SystemSnapshot | None) -> Iterator[ComponentStatus]:
    for one in snapshot.spools if snapshot else ():
        text = waiting(one.count) if one.count else "empty"
        tone = "warn" if one.count else "good"
        yield ComponentStatus(f"spool of {one.place}", tone, text, int(one.at_s * 1_000_000))
