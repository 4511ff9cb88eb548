"""How one number stands with every program, since when and why: from the store and the records.

Where one of them is away, what the other one has is shown, with a sentence about what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from smsgate.consent import Event, Mark, Standing
from smsgate.errors import (
    RecordsNotReady,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
    UnknownProgram,
)
from smsgate.gate import Answer
from smsgate.gateway.gateway import Gateway
from smsgate.gateway.reviews.reviewing import Open, open_of
from smsgate.messages import ALL, Stored
from smsgate.phone import is_e164
from smsgate.settings import Program
from smsgate.store.keys import lane_of

_INBOX = 500
"""How many entries of the lane's inbox are looked through for what is not applied yet."""
_CONSENTS = 20


@dataclass(frozen=True, slots=True)
class WithProgram:
    """How a number stands with one program."""

    program: Program
    allowed: bool | None
    """What the gate says; None where it cannot tell."""
    reason: str
    """Of the gate; empty where it is allowed or where nobody can tell."""
    since_us: int
    """0 where it is not known."""
    why: str
    blocked_in_records: bool | None
    """As the records have it; None where they are away or know nothing of the number."""
    consent: bool
    waits: Open | None
    """A text that waits for a person."""


@dataclass(slots=True)
class State:
    """How a number stands."""

    number: str
    phone: bool
    """Whether it is a phone number: what is none is recorded, never suppressed."""
    programs: list[WithProgram] = field(default_factory=list)
    locked: bool = False
    locked_by: Event | None = None
    everywhere: bool = False
    """Whether it opted out of everything, also of programs of tomorrow."""
    consents: list[Event] = field(default_factory=list)
    """Newest first."""
    pending: list[Stored] = field(default_factory=list)
    """What waits to be applied."""
    problems: list[str] = field(default_factory=list)
    """What cannot be shown, and why."""


@dataclass(slots=True)
class _Found:
    """What store and records say, as far as they can be asked."""

    answers: dict[str, Answer] = field(default_factory=dict)
    standing: Standing | None = None
    """Of the store."""
    recorded: Standing | None = None
    waits: dict[str, Open] = field(default_factory=dict)

    @property
    def known(self) -> Standing:
        """The newest that is known."""
        return self.standing or self.recorded or Standing()

    @property
    def marks(self) -> Mapping[str, Mark]:
        """The store keeps them for two days, the records for ever."""
        older = self.recorded.state.marks if self.recorded else {}
        return {**older, **(self.standing.state.marks if self.standing else {})}


def state_of(gateway: Gateway, number: str) -> State:
    """How a number (E.164, or as it was recorded) stands. Raises nothing of ours."""
    state = State(number, phone=is_e164(number))
    found = _Found()
    try:
        _ask_store(gateway, state, found)
    except (StoreUnavailable, StoreNotReady) as error:
        state.problems.append(f"Nobody may be texted while the gate cannot tell: {error}.")
    try:
        _ask_records(gateway, state, found)
    except (RecordsUnavailable, RecordsNotReady) as error:
        state.problems.append(f"Since when and why cannot be shown in full: {error}.")
    state.locked, state.everywhere = found.known.locked, found.known.everywhere
    if state.phone:
        state.programs = [_with(one, found) for one in gateway.settings.programs]
    return state


def _ask_store(gateway: Gateway, state: State, found: _Found) -> None:
    number, lane = state.number, lane_of(state.number)
    state.pending = [one for one in gateway.store.inbox.latest(lane, _INBOX) if _about(one, number)]
    if not state.phone:
        return
    programs = [one.name for one in gateway.settings.programs]
    _, standings = gateway.store.looks.standings(lane, [number], programs)
    found.standing = standings[number]
    found.waits = {one.program: one for one in open_of(gateway.store, number)}
    for name in programs:
        found.answers[name] = _asked(gateway, number, name)


def _asked(gateway: Gateway, number: str, program: str) -> Answer:
    """What the gate says; of a program that it does not know yet, that."""
    try:
        return gateway.gate.check([number], program=program)[0]
    except UnknownProgram as error:
        return Answer(number, None, why=str(error))


def _ask_records(gateway: Gateway, state: State, found: _Found) -> None:
    known = gateway.records.reading.number(state.number)
    found.recorded = known.standing if known else None
    stories = gateway.records.stories
    told = stories.told(state.number, ("consent", "opt_in"), 3 * _CONSENTS)
    given = [one.event for one in told if one.event.entry and one.event.entry.consent]
    state.consents = given[:_CONSENTS]
    if found.known.locked:
        locks = stories.told(state.number, ("lock",), 1)
        state.locked_by = locks[0].event if locks else None


def _about(stored: Stored, number: str) -> bool:
    return stored.entry.number == number or number in stored.entry.numbers


def _with(program: Program, found: _Found) -> WithProgram:
    answer = found.answers.get(program.name, Answer("", None))
    scope = ALL if answer.reason == "opted_out_all" else program.name
    mark = found.marks.get(scope)
    mark = mark if mark is not None and mark.stops and answer.reason.startswith("opt") else None
    recorded, waits = found.recorded, found.waits.get(program.name)
    return WithProgram(
        program=program,
        allowed=answer.allowed,
        reason=answer.reason,
        since_us=_since_us(answer, mark, waits),
        why=answer.why or (mark.why if mark else ""),
        blocked_in_records=recorded.blocked(program.name) if recorded else None,
        consent=program.name in found.known.consents,
        waits=waits,
    )


def _since_us(answer: Answer, mark: Mark | None, waits: Open | None) -> int:
    if mark is not None:
        return mark.since_us
    if answer.since:
        return int(datetime.fromisoformat(answer.since).timestamp() * 1_000_000)
    return waits.since_us if waits and answer.reason == "review" else 0
