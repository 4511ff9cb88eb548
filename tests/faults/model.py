"""What must be true of each number, whatever was broken meanwhile.

A message's event time is the moment at which the store first took it. The model does not see that
moment, only when each delivery was sent and how it was answered; so it knows an interval, and from
the intervals which message may have been the last one. Times are wall clock, in seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

UNDER_WAY = -1
LOST = 0
"""No answer came: the connection broke or timed out."""
REFUSED = 503
GRACE_S = 1.0
"""How long a request may still be on its way to the store after its sender has given up."""
OUTAGE_S = 20.0
"""The longest that a spool may wait; a spooled opt-in counts as old as the outage that it met."""
EFFECTS = ("stop", "start", "help")


@dataclass(slots=True)
class Attempt:
    """One delivery of a message."""

    sent: float
    done: float = inf
    status: int = UNDER_WAY

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 300


@dataclass(slots=True)
class Message:
    """One text; every delivery of it has the same id. ``sender`` is a number of its own."""

    id: str
    number: str
    kind: str
    text: str
    sender: str
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def acknowledged_at(self) -> float:
        """When the first 2xx came; never, where none did."""
        return min((one.done for one in self.attempts if one.acknowledged), default=inf)

    @property
    def acknowledged(self) -> bool:
        return self.acknowledged_at < inf

    @property
    def kept(self) -> bool:
        """Whether a 503 said that it could not be stored: it waits in the spool then."""
        return any(one.status == REFUSED for one in self.attempts)

    @property
    def must_exist(self) -> bool:
        return self.acknowledged or self.kept

    @property
    def taken_by(self) -> float:
        """When it had surely reached us, stored or kept in a spool; never, where nobody knows."""
        answered = (one.done for one in self.attempts if one.acknowledged or one.status == REFUSED)
        return min(answered, default=inf)

    @property
    def first_sent(self) -> float:
        return self.attempts[0].sent if self.attempts else inf

    @property
    def earliest(self) -> float:
        """The earliest moment at which it may count as sent."""
        doubtful = any(
            not one.acknowledged and one.sent < self.acknowledged_at for one in self.attempts
        )
        return self.first_sent - (OUTAGE_S if doubtful and self.kind == "start" else 0)

    def latest(self, pauses: Pauses) -> float:
        """The latest moment at which the store may first have taken it."""
        if self.acknowledged:
            return self.acknowledged_at
        return max((_latest(one, pauses) for one in self.attempts), default=-inf)


def _latest(attempt: Attempt, pauses: Pauses) -> float:
    held = [end for begin, end in pauses.spans if begin <= attempt.done and end >= attempt.sent]
    return max([attempt.done, *held]) + GRACE_S


class Pauses:
    """When Redis stood still: a request that waits in its socket is done after the pause."""

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    def begin(self, now: float) -> None:
        self.spans = [*self.spans, (now, inf)]

    def end(self, now: float) -> None:
        self.spans = [*self.spans[:-1], (self.spans[-1][0], now)]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An opt-out that came from the provider (21610), with its event time."""

    event_time: float


@dataclass(slots=True)
class Number:
    """One subscriber. Its texts are sent one after another unless a fault wants otherwise."""

    number: str
    messages: list[Message] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Message]:
        return [message for message in self.messages if message.kind in kinds and message.attempts]

    def blocking_stop(self, pauses: Pauses) -> Message | None:
        """The acknowledged STOP after which no START was sent: the gate must say no."""
        stops = [one for one in self.of("stop") if one.acknowledged]
        if not stops:
            return None
        newest = max(stops, key=lambda one: one.first_sent)
        return newest if self.still_blocks(newest, pauses) else None

    def still_blocks(self, stop: Message, pauses: Pauses) -> bool:
        return all(one.latest(pauses) < stop.first_sent for one in self.of("start"))

    def acceptable(self, pauses: Pauses) -> set[str]:
        """The final states that the order of event times may have led to."""
        known = [
            (one.earliest, one.latest(pauses), _state(one.kind), one.must_exist)
            for one in self.of("stop", "start")
        ]
        known += [(one.event_time, one.event_time, "blocked", True) for one in self.refusals]
        return _last(known)


def _last(known: Sequence[tuple[float, float, str, bool]]) -> set[str]:
    floor = max((earliest for earliest, _, _, exists in known if exists), default=-inf)
    states = {state for _, latest, state, _ in known if latest >= floor}
    return states if floor > -inf else states | {"allowed"}


def _state(kind: str) -> str:
    return "blocked" if kind == "stop" else "allowed"


class Model:
    """All numbers, and what was done to Redis."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self.numbers = [Number(number) for number in numbers]
        self.pauses = Pauses()
        self._newest: deque[Number] = deque(maxlen=50)

    def texted(self, number: Number) -> None:
        self._newest.append(number)

    def newest(self, count: int) -> list[Number]:
        """Numbers that texted last, each once."""
        found = {number.number: number for number in [*self._newest][-count:]}
        return [*found.values()]

    @property
    def messages(self) -> Iterator[Message]:
        for number in self.numbers:
            yield from number.messages
