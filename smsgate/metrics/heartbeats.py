"""What the processes say of themselves once a second, and what follows of their silence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

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
    outside: str
    """Sixteen bits of a hash of what the environment gives, secrets among it."""
    since_us: int
    """When it began to run that configuration, on its host's clock."""
    applied: str = ""
    """Id of the newest ``Applied`` that it has dealt with."""
    problem: str = ""
    """Why it keeps another version than the one that was applied."""
    restart: tuple[str, ...] = ()
    """Variables that have changed and that it cannot follow without a restart."""
    software: str = ""
    """Version of smsgate."""
    started_us: int = 0
    """When the process started, on Redis's clock; 0 where it does not say."""


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The newest heartbeat of any process of a kind."""

    host: str
    ago_s: float
    """By Redis's clock."""


@dataclass(frozen=True, slots=True)
class ProcessSnapshot:
    """The processes that run at one moment."""

    now_us: int
    """That moment, on Redis's clock."""
    running: tuple[Process, ...] = ()
    """By kind, host and process id."""
    last_seen: Mapping[str, LastSeen] = field(default_factory=dict)
    """By kind; one that gave no heartbeat for a week is left out."""

    def of(self, kind: str) -> list[Process]:
        """The running processes of a kind."""
        return [one for one in self.running if one.name == kind]

    @property
    def stopped(self) -> tuple[str, ...]:
        """The kinds of which no process runs."""
        return tuple(kind for kind in KINDS if not self.of(kind))

    def hosts(self, kind: str) -> Mapping[str, int]:
        """By host how many processes of a kind run there."""
        return Counter(one.host for one in self.of(kind))

    def where(self, kind: str) -> str:
        """How many processes of a kind run where, such as ``2 on web-1, 1 on web-2``."""
        return ", ".join(f"{count} on {host}" for host, count in self.hosts(kind).items())
