"""The gate: may I text this number? Every sender asks here before it texts.

The gate fails closed: where it cannot tell (the store away, flushed, evicting, half loaded; the
program unknown) it raises, and never says "allowed".

    gate = Gate.from_url("redis://127.0.0.1:6379/0")
    if gate.allows("+14155550123", program="alerts"):
        ...
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from smsgate.consent.events import Mark, NumberState, PublishedProgram
from smsgate.domain.errors import (
    InvalidNumber,
    LinksNotReady,
    StoreNotReady,
    StoreUnavailable,
    Suppressed,
)
from smsgate.domain.messages import ALL
from smsgate.domain.phone import e164
from smsgate.domain.signed_times import iso_time
from smsgate.metrics.counters import GATE
from smsgate.store.connection import TIMEOUT_S, open_redis
from smsgate.store.gate_check import (
    CONSENT,
    EVERYWHERE,
    EXCEPTION,
    HELD,
    HELD_ALL,
    LOCKED,
    OPTED_OUT,
    REVIEW,
    GateReader,
)
from smsgate.store.health import Health
from smsgate.store.metrics import Metrics
from smsgate.store.refusals import Refusal, Refusals
from smsgate.threaded_gate import ThreadedGate

if TYPE_CHECKING:  # a program that only asks needs neither cryptography nor pydantic
    from smsgate.links import Links
    from smsgate.pipeline.spool import Spool
    from smsgate.settings import Program

_NO_STATE = NumberState()


GateReason = Literal[
    "", "locked", "opted_out", "opted_out_all", "hold", "review", "no_consent", "invalid"
]
"""Why a number may not be texted; empty where it may."""
Since = Annotated[
    str | None,
    msgspec.Meta(
        description="ISO 8601, UTC; null where it is not known.",
        extra_json_schema={"format": "date-time"},
    ),
]


class GateAnswer(msgspec.Struct, frozen=True, gc=False):
    """What the gate says of one number.

    ``allowed`` is None where ``number`` is no phone number. ``since`` and ``why`` are known for
    48 hours; after that the records have them.
    """

    number: str
    allowed: bool | None
    reason: GateReason = ""
    since: Since = None
    why: str = ""


class Gate:
    """Answers from the store, with one read of a partition for each number."""

    def __init__(
        self,
        numbers: GateReader,
        health: Health,
        refusals: Refusals | None = None,
        links: Links | None = None,
        metrics: Metrics | None = None,
        spool: Spool | None = None,
    ) -> None:
        """Read these parts of a store; without ``links`` it makes no opt-out links.

        ``spool``: of this host, whose opt-outs the store does not have yet.
        """
        self._links = links
        self._metrics = metrics
        self._known: set[str] = set()
        self._numbers = numbers
        self._health = health
        self._refusals = refusals
        self._spool = spool

    @classmethod
    def from_url(cls, url: str, timeout: float = TIMEOUT_S, links: Links | None = None) -> Gate:
        """A gate on the store at that Redis URL. ``timeout`` in seconds, for each round trip.

        With ``links`` (``smsgate.links.Links``) it makes opt-out links too.
        """
        client = open_redis(url, timeout)
        return cls(GateReader(client), Health(client), Refusals(client), links, Metrics(client))

    def allows(self, number: str, *, program: str) -> bool:
        """Whether the program may text the number.

        Raises ``InvalidNumber`` where it is none, ``UnknownProgram``, and ``StoreUnavailable``
        or ``StoreNotReady`` where the gate cannot tell.
        """
        return is_allowed(self.check([number], program=program)[0])

    def check(self, numbers: Sequence[str], *, program: str) -> list[GateAnswer]:
        """What the gate says of each number, in the order asked.

        Numbers are read as E.164, with or without blanks and punctuation; anything else gets the
        reason ``invalid``. Raises ``UnknownProgram``, ``StoreUnavailable``, ``StoreNotReady``, and
        ``TypeError`` for a single number instead of a list. Each number counts as a send that was
        asked for.
        """
        if isinstance(numbers, str):  # of "" every letter may be texted
            raise TypeError("numbers is a list: write [number], or ask allows(number, …).")
        try:
            refused = self.refused(numbers, program=program)
        except (StoreUnavailable, StoreNotReady):
            self._count("", {"could_not_tell": len(numbers)})
            raise
        allowed = {"allowed": len(numbers) - len(refused)}
        self._count(program, allowed | Counter(one.reason for one in refused.values()))
        return _in_order(numbers, refused)

    def look_up(self, numbers: Sequence[str], *, program: str) -> list[GateAnswer]:
        """As ``check``, for people who look at numbers: nothing is counted."""
        return _in_order(numbers, self.refused(numbers, program=program))

    def check_programs(self, number: str, programs: Iterable[Program]) -> dict[str, GateAnswer]:
        """By program what ``look_up`` says of a number; it raises as ``allows``."""
        answers = {one.name: self.look_up([number], program=one.name)[0] for one in programs}
        for answer in answers.values():
            is_allowed(answer)
        return answers

    def refused(self, numbers: Sequence[str], *, program: str) -> dict[int, GateAnswer]:
        """Like ``check``, but return only the numbers that may not be texted, by position."""
        if self._spool is not None:
            self._spool.refuse_opt_outs()  # before the store, into which they may go meanwhile
        self._health.refuse_eviction()
        valid, problems = _read(numbers)
        snapshot = self._numbers.check(valid, program)
        published = snapshot.program
        found: dict[int, GateAnswer] = {}
        places = [at for at in range(len(numbers)) if at not in problems] if problems else None
        for at in range(len(valid)) if published.require_consent else snapshot.places():
            place = places[at] if places else at
            state = snapshot.states.get(at, _NO_STATE)
            answer = _answer(numbers[place], snapshot.bits[at], program, published, state)
            if not answer.allowed:
                found[place] = answer
        for place, problem in problems.items():
            found[place] = GateAnswer(numbers[place], None, "invalid", why=problem)
        return found

    def require(self, numbers: Sequence[str], *, program: str, by: str = "gate") -> None:
        """Return where the program may text every one of the numbers; for use just before a send.

        Raises ``InvalidNumber`` for the first that is no phone number, as ``allows`` does, else
        ``Suppressed`` where it may not text one of them; each after counting the send as stopped
        (``by`` says who was stopped). Raises what ``check`` raises where it cannot tell.
        """
        answers = self.check(numbers, program=program)
        refused = {one.number: one.reason for one in answers if not one.allowed}
        if not refused:
            return
        if self._refusals is not None:
            with suppress(StoreUnavailable):  # a count that is lost must not look like an outage
                self._refusals.add([Refusal(at, program, why, by) for at, why in refused.items()])
        for answer in answers:
            is_allowed(answer)
        raise Suppressed(program, refused)

    def link(self, number: str, program: str) -> str:
        """The opt-out link for a number, as it goes into a text: ``https://sms.example.com/o/…``.

        The first link for a program costs a round trip, to see that there is such a program.
        Raises ``InvalidNumber``, ``UnknownProgram``, ``LinksNotReady``, ``StoreUnavailable``.
        """
        if self._links is None:
            raise LinksNotReady("Make the gate with links=Links(public_url, secrets).")
        if program not in self._known:
            self.check([], program=program)
            self._known.add(program)
        return self._links.make(e164(number), program, time.time())

    def _count(self, program: str, reasons: Mapping[str, int]) -> None:
        for reason, times in reasons.items():
            if times and self._metrics is not None:
                self._metrics.count(GATE, program, reason, times=times)


class AsyncGate(ThreadedGate[GateAnswer]):
    """The gate for programs that run in an event loop.

    async with AsyncGate.from_url("redis://127.0.0.1:6379/0") as gate:
        if await gate.allows("+14155550123", program="alerts"):
            ...
    """

    _gate: Gate
    _busy_error = StoreUnavailable

    @classmethod
    def from_url(
        cls, url: str, timeout: float = TIMEOUT_S, links: Links | None = None
    ) -> AsyncGate:
        """As ``Gate.from_url``."""
        client = open_redis(url, timeout)
        metrics = Metrics(client)

        def close() -> None:
            metrics.close()
            client.close()

        gate = Gate(GateReader(client), Health(client), Refusals(client), links, metrics)
        return cls(gate, close, timeout)

    async def link(self, number: str, program: str) -> str:
        """As ``Gate.link``."""
        return await self._call(lambda: self._gate.link(number, program))


def _in_order(numbers: Sequence[str], refused: Mapping[int, GateAnswer]) -> list[GateAnswer]:
    found = [GateAnswer(asked, True) for asked in numbers]
    for place, answer in refused.items():
        found[place] = answer
    return found


def is_allowed(answer: GateAnswer) -> bool:
    """Whether the number may be texted. Raises ``InvalidNumber`` if it is no phone number."""
    if answer.allowed is None:
        raise InvalidNumber(answer.why)
    return answer.allowed


def _read(numbers: Sequence[str]) -> tuple[list[str], dict[int, str]]:
    """Return the numbers in E.164, and by position what is wrong with each invalid one."""
    valid: list[str] = []
    problems: dict[int, str] = {}
    for place, number in enumerate(numbers):
        try:
            valid.append(e164(number))
        except InvalidNumber as error:
            problems[place] = str(error)
    return valid, problems


def _answer(
    asked: str, bits: int, program: str, published: PublishedProgram, state: NumberState
) -> GateAnswer:
    """The most binding reason first: lock, sets, holds, reviews, then the missing consent."""
    if bits & LOCKED:
        return GateAnswer(asked, False, "locked", why="locked: never to be texted again")
    if bits & OPTED_OUT:
        return _blocked(asked, "opted_out", state.marks.get(program))
    if bits & EVERYWHERE and not bits & EXCEPTION:
        return _blocked(asked, "opted_out_all", state.marks.get(ALL))
    if bits & (HELD | HELD_ALL):
        scope = ALL if bits & HELD_ALL else program
        return GateAnswer(asked, False, "hold", why=f"an opt-out ({scope}) is being applied")
    if bits & REVIEW and published.kind == "marketing":
        return GateAnswer(asked, False, "review", why="a text is in review")
    if published.require_consent and not bits & CONSENT:
        return GateAnswer(asked, False, "no_consent", why="no consent of this number is on record")
    return GateAnswer(asked, True)


def _blocked(asked: str, reason: GateReason, mark: Mark | None) -> GateAnswer:
    if mark is None or not mark.stops:
        return GateAnswer(asked, False, reason)
    return GateAnswer(asked, False, reason, iso_time(mark.since_us, "seconds"), mark.why)
