"""How each part of smsgate is: accounts, processes, and the collaborators behind them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from smsgate.metrics.heartbeats import KINDS, ProcessSnapshot
from smsgate.metrics.snapshot import SystemSnapshot
from smsgate.pipeline.spool import waiting
from smsgate.settings import Settings
from smsgate.store.connection import REFUSES_WRITES

UNKNOWN = "unknown"
_OK = "ok"
_TONES = ("bad", "warn")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of smsgate: whether it is well, and when it last gave a sign."""

    name: str
    tone: str
    """``good``, ``warn``, ``bad``, or ``calm`` where there is nothing to judge."""
    said: str
    sign_us: int | None = 0
    """0 is never; None is unknown."""


@dataclass(frozen=True, slots=True)
class Status:
    """What one collaborator says of itself, or why it cannot be read."""

    said: str | None = None
    """``ok``, ``ok; …`` or what is wrong; None where it cannot be told."""
    unknown: str = ""
    """Why it cannot be read; empty where it can."""
    mend: str = ""
    """What mends it, where that is known."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A collaborator that cannot be read, or cannot do its work."""

    name: str
    title: str
    """Its name, with that of another one where both have one cause."""
    is_unknown: bool
    """Whether it cannot be read; else it says itself that it is not ready."""
    said: str
    """What is wrong."""
    mend: str


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What stands behind smsgate: ``store``, ``queue``, ``spool`` and ``records``."""

    status: Mapping[str, Status]
    is_one_redis: bool
    """Whether store and queue are in the same Redis."""

    def is_unknown(self, name: str) -> bool:
        """Whether it cannot be read."""
        return bool(self.status[name].unknown)

    def troubles(self) -> list[Trouble]:
        """What must be told first: what is unknown, then what is not ready."""
        found = {
            name: Trouble(name, name, bool(one.unknown), one.unknown or one.said or "", one.mend)
            for name, one in self.status.items()
            if one.unknown or (one.said and not _is_ok(one.said) and not self._hides(name))
        }
        if self.is_one_redis and {"store", "queue"} <= found.keys():
            del found["queue"]  # one cause is told once
            found["store"] = replace(found["store"], title="store and queue")
        return sorted(found.values(), key=lambda one: not one.is_unknown)

    def _hides(self, name: str) -> bool:
        """Whether what a collaborator says of itself tells of another one's trouble.

        What the records say comes from comparing them with the store: that events wait in one that
        takes no writes, or that its memory is full, follows from that.
        """
        return name == "records" and (self.is_unknown("store") or self._is_store_read_only)

    @property
    def _is_store_read_only(self) -> bool:
        return (self.status["store"].said or "").startswith(REFUSES_WRITES)


def parts(
    settings: Settings, seen: SystemSnapshot | None, collaborators: Collaborators, now_us: int
) -> list[Part]:
    """Every part, those that are not well first. ``seen`` is None where the store is unknown."""
    found = [
        *_accounts(settings, seen),
        *_processes(seen.processes if seen else None),
        *_collaborators(collaborators, now_us),
        *_spools(seen),
    ]
    order = {tone: at for at, tone in enumerate(_TONES)}
    return sorted(found, key=lambda one: order.get(one.tone, len(_TONES)))


def _is_ok(said: str) -> bool:
    return said == _OK or said.startswith(f"{_OK}; ")


def _accounts(settings: Settings, seen: SystemSnapshot | None) -> Iterator[Part]:
    if seen is None:
        for account in settings.accounts.values():
            yield Part(_title(account.name, account.provider), "bad", UNKNOWN, None)
        return
    for one in seen.accounts:
        quiet_s = seen.now_s - one.accepted_s
        tone, said = "good", "messages come in"
        if not one.accepted_s:
            tone, said = "calm", "no message in the last 30 days"
        if one.silent_after_s and quiet_s > one.silent_after_s:
            tone, said = "bad", "silent for longer than it should be"
        title = _title(one.name, settings.accounts[one.name].provider)
        yield Part(title, tone, said, int(one.accepted_s * 1_000_000))


def _title(account: str, provider: str) -> str:
    return account if provider == account else f"{account} ({provider})"


def _processes(processes: ProcessSnapshot | None) -> Iterator[Part]:
    for kind in KINDS:
        if processes is not None:
            yield from _kind(kind, processes)
        elif kind != "web":
            yield Part(kind, "bad", UNKNOWN, None)


def _kind(kind: str, processes: ProcessSnapshot) -> Iterator[Part]:
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


def _collaborators(found: Collaborators, now_us: int) -> Iterator[Part]:
    for name, one in found.status.items():
        if one.unknown:
            yield Part(name, "bad", f"{UNKNOWN}: {one.unknown}", None)
        elif name == "records" and (one.said is None or found.is_unknown("store")):
            yield Part(name, "warn", "answers; how far behind is unknown", now_us)
        elif one.said is None:
            yield Part(name, "bad", UNKNOWN, None)
        elif one.said == _OK:
            yield Part(name, "good", "works", now_us)
        elif _is_ok(one.said):
            yield Part(name, "warn", one.said.removeprefix(f"{_OK}; "), now_us)
        else:
            yield Part(name, "bad", one.said)


def _spools(seen: SystemSnapshot | None) -> Iterable[Part]:
    for one in seen.spools if seen else ():
        said = waiting(one.count) if one.count else "empty"
        tone = "warn" if one.count else "good"
        yield Part(f"spool of {one.host}", tone, said, int(one.at_s * 1_000_000))
