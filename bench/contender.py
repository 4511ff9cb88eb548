"""Who is measured, and what came of it so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from bench.load import Figures, Plan, run_apart
from bench.whole import Server

MOST_PER_S = 20_000
"""More than any of them takes: so many requests are made ready for a second."""


@dataclass
class Contender:
    """One server and the text that it is sent."""

    name: str
    title: str
    server: Server
    text: str
    counted: bool = True
    """Whether all that is accepted must be found in the server's store."""
    rounds: list[Figures] = field(default_factory=list)
    paced: list[Figures] = field(default_factory=list)
    """At half of what the tutorial app takes."""
    calm: list[Figures] = field(default_factory=list)
    """At few a second."""
    sent: int = 0
    accepted: int = 0

    @property
    def refused(self) -> int:
        """Answers that were not 2xx, and those that did not come."""
        return self.sent - self.accepted

    @property
    def per_second(self) -> float:
        """The median of the rounds."""
        return median(one.per_second for one in self.rounds)

    def take(self, seconds: float, connections: int, rate: float = 0.0) -> Figures:
        """Measure once; no request is ever sent to it twice."""
        most = int((rate or MOST_PER_S) * seconds) + connections
        plan = Plan(
            self.server.port,
            connections,
            seconds,
            self.text,
            self.sent,
            most,
            rate,
            self.server.groups,
        )
        figures = run_apart(plan)
        self.sent += figures.sent
        self.accepted += figures.accepted
        return figures
