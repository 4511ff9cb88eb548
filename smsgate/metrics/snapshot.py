"""The state of a running smsgate at one moment: what waits where, which processes run."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from smsgate.metrics.heartbeats import ProcessSnapshot


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What hinders something, and what removes it."""

    problem: str
    remedy: str


class RebuildProgress(msgspec.Struct, frozen=True):
    """How far a rebuild of the store has come."""

    why: str
    """What the store had lost; empty where an operator asked for it."""
    what: str
    """What is restored just now: ``numbers``, ``messages`` …"""
    done: int
    total: int
    """0 where it is not known."""

    def text(self) -> str:
        """As people read it: ``120,000 of 1,000,000 numbers``."""
        total = f" of {self.total:,}" if self.total else ""
        return f"{self.done:,}{total} {self.what}"


class SpoolDepth(msgspec.Struct, frozen=True):
    """What one host reports of its spool."""

    host: str
    count: int
    oldest_s: float
    at_s: float
    """When it reported; seconds since 1970, by its own clock."""
    problem: str = ""
    """Why no message can be kept there."""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How much waits in all partitions together, and for how long."""

    count: int
    oldest_s: float
    """How long the oldest has waited, by Redis's clock; 0 where nothing waits."""


_EMPTY = QueueDepth(0, 0.0)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the partitions."""

    inbox: QueueDepth
    outbox: QueueDepth
    """Replies; the age is how long the first one has been due."""
    holds: QueueDepth
    reviews: QueueDepth
    dead: int
    """Replies that were given up and wait for a person."""
    clock: bool
    """Whether a process ``clock`` holds the lease: it does its rounds."""
    forwards: QueueDepth = _EMPTY
    """Messages for programs' applications."""
    forwards_dead: int = 0
    """Those that were given up and wait for a person."""


@dataclass(frozen=True, slots=True)
class AccountTraffic:
    """The webhook requests of an account."""

    name: str
    accepted_s: float
    """When one was last accepted, in seconds since 1970; 0 where none was for 30 days."""
    silent_after_s: float
    """How long it may be silent without a condition; 0 is for ever."""
    refused: int
    """How many were refused in the last ten minutes, as far as they were looked into."""


@dataclass(frozen=True, slots=True)
class SystemSnapshot:
    """All that alerts, doctor, dashboard and metrics look at."""

    now_s: float
    backlog: Backlog
    ledger: QueueDepth
    """Events that wait for the records."""
    memory: float
    """Which share of its memory bound Redis uses; 0 where it has none."""
    spools: tuple[SpoolDepth, ...]
    accounts: tuple[AccountTraffic, ...]
    weaknesses: tuple[str, ...]
    """What of Redis's settings could lose acknowledged writes; each a sentence."""
    processes: ProcessSnapshot | None
    """None if unknown: a Redis that refuses writes takes no heartbeats."""
    write_obstacle: Obstacle | None = None
    """Why Redis refuses writes. What processes and hosts reported is old then."""
    gate_obstacle: Obstacle | None = None
    """Why the gate cannot tell, where the store is ready."""
    store_obstacle: Obstacle | None = None
    """Why the store is not ready: it is new, lost its data, or is being rebuilt."""
    rebuild: RebuildProgress | None = None

    @property
    def stopped(self) -> tuple[str, ...]:
        """The kinds of which surely no process runs."""
        return self.processes.stopped if self.processes is not None else ()
