"""The state of a running smsgate at one moment: its processes, and everything that waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from smsgate.domain.errors import Obstacle

KINDS = ("web", "worker", "sender", "clock")
"""Kinds of processes, as in the ``Procfile``. A deployment needs one of each at least."""


class Process(msgspec.Struct, frozen=True, omit_defaults=True):
    """One heartbeat."""

    id: str
    name: str
    """Its kind, one of ``KINDS``."""
    host: str
    pid: int
    version: str
    """Hash of the configuration that it runs."""
    content: str = ""
    """Hash of the keyword sets and replies that it uses; empty where it uses none."""
    changed: tuple[str, ...] = ()
    """Files of its configuration that were changed since it read them."""
    problem: str = ""
    """Why it does not use the newest keyword sets and replies."""
    software: str = ""
    """Version of smsgate."""
    started_us: int = 0
    """When the process started, on Redis's clock; 0 where it does not say."""


@dataclass(frozen=True, slots=True)
class ProcessSnapshot:
    """The processes that run at one moment."""

    now_us: int
    """That moment, on Redis's clock."""
    running: tuple[Process, ...] = ()
    """By kind, host and process id."""

    def of(self, kind: str) -> list[Process]:
        """The running processes of a kind."""
        return [one for one in self.running if one.name == kind]

    @property
    def stopped(self) -> tuple[str, ...]:
        """The kinds of which no process runs."""
        return tuple(kind for kind in KINDS if not self.of(kind))

    @property
    def mixed_s(self) -> float:
        """How long processes have run different versions of the configuration; 0 if they do not."""
        if len({one.version for one in self.running}) < 2:
            return 0.0
        return (self.now_us - max(one.started_us for one in self.running)) / 1_000_000

    def hosts(self, kind: str) -> Mapping[str, int]:
        """By host how many processes of a kind run there."""
        return Counter(one.host for one in self.of(kind))

    def where(self, kind: str) -> str:
        """How many processes of a kind run where, such as ``2 on web-1, 1 on web-2``."""
        return ", ".join(f"{count} on {host}" for host, count in self.hosts(kind).items())


class RebuildProgress(msgspec.Struct, frozen=True):
    """The progress of a rebuild of the store."""

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
    """What a host reports of the spool in one of its data directories."""

    host: str
    count: int
    oldest_s: float
    at_s: float
    """When it reported; seconds since 1970, by its own clock."""
    problem: str = ""
    """Why no message can be kept there."""
    folder: str = ""
    """The data directory."""

    @property
    def place(self) -> str:
        """Where it is, as people read it: ``web-1 (/var/lib/smsgate)``."""
        return f"{self.host} ({self.folder})" if self.folder else self.host


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How much waits in all partitions together, and for how long."""

    count: int
    oldest_s: float
    """How long the oldest has waited, by Redis's clock; 0 where nothing waits."""


_EMPTY = QueueDepth(0, 0.0)


class DeliveryCounts(msgspec.Struct, frozen=True):
    """How many deliveries to the operator's own programs there are."""

    pending: int = 0
    failed: int = 0
    oldest_us: int = 0
    """When the oldest pending one was made; 0 if there is none."""


@dataclass(frozen=True, slots=True)
class WaitingReplies:
    """The replies of one account that wait to be sent; where there are very many, a sample."""

    account: str
    count: int
    oldest_s: float
    """How long ago the message came that the oldest one answers."""
    expires_s: float
    """In how many seconds the first one may no longer be sent."""
    problem: str
    """The provider's newest error; empty where no attempt failed."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the partitions."""

    inbox: QueueDepth
    outbox: QueueDepth
    """Replies; the age counts from the message that the oldest one answers."""
    holds: QueueDepth
    reviews: QueueDepth
    dead: int
    """Replies that were given up and wait for a person."""
    clock: bool
    """Whether a process ``clock`` holds the lease: it does its rounds."""
    deliveries: QueueDepth = _EMPTY
    """Texts and changes of consent for the operator's own programs, as ``sender`` counted them."""
    deliveries_failed: int = 0
    """Those that wait for a person."""
    replies: tuple[WaitingReplies, ...] = ()
    """What ``outbox`` counts, by account."""
    dead_reasons: tuple[tuple[str, str, int], ...] = ()
    """Account, error and count of what ``dead`` counts, most first; of very many, a sample."""


class ListComparison(msgspec.Struct, frozen=True, omit_defaults=True):
    """A provider's own opt-out list, compared with ours."""

    at_s: float
    """When reading the list began, in seconds since 1970."""
    listed: int = 0
    """Entries of the list."""
    there_only: int = 0
    """Entries about numbers that came back here after they had opted out there."""
    foreign: int = 0
    """Entries of senders that no program has; they are not taken."""
    unreadable: int = 0
    """Entries without a phone number."""


class OptOutListState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of an account's list."""

    position: int = 0
    """Of the newest event of the records whose opt-outs the provider was told."""
    within: int = 0
    """How many numbers of the event after that the provider was told."""
    page: str = ""
    """The next page of the list that is being read."""
    reading: ListComparison | None = None
    """What was read of the list so far; None while it is not being read."""
    comparison: ListComparison | None = None
    """The newest one of the whole list."""
    taken: int = 0
    reported: int = 0
    refusals: dict[str, int] = {}
    """Opt-outs that the provider does not take, by its reason in our words."""
    is_behind: bool = False
    """Whether opt-outs are recorded that the provider was not told yet."""
    problem: str = ""
    """Why the newest call failed; empty where it did not."""
    failing_since_us: int = 0
    failures: int = 0
    """Calls in a row that failed."""
    due_us: int = 0
    """Before this no call is made."""
    v: int = 1


@dataclass(frozen=True, slots=True)
class AccountTraffic:
    """An account: its webhook requests, and its provider's own opt-out list."""

    name: str
    accepted_s: float
    """When one was last accepted, in seconds since 1970; 0 where none was for 30 days."""
    silent_after_s: float
    """How long it may be silent without a condition; 0 is for ever."""
    refused: int
    """How many were refused in the last ten minutes, as far as they were looked into."""
    has_secret: bool = True
    """Whether it can take texts at all."""
    unblocked: tuple[str, ...] = ()
    """Who sent opt-outs that blocked nobody, in the last week, newest first."""
    opt_out_list: OptOutListState | None = None
    """None where the account does not ask for it, or the clock has not begun with it."""


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
    alert_failures: Mapping[str, str] = field(default_factory=dict)
    """By address of alerts, why it did not take the newest message."""

    @property
    def stopped(self) -> tuple[str, ...]:
        """The kinds of which surely no process runs."""
        return self.processes.stopped if self.processes is not None else ()
