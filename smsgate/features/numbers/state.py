"""How one number stands with every program, since when and why: from the store and the records.

Where one of them is away, what the other one has is shown, with a sentence about what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from smsgate.consent.events import ConsentState, Event, Mark
from smsgate.consent.list_import import event_for
from smsgate.domain.errors import (
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
    UnknownProgram,
)
from smsgate.domain.messages import ALL, StoredEntry, numbers_in
from smsgate.domain.phone import is_e164
from smsgate.pipeline.gate import GateAnswer
from smsgate.pipeline.reviews import OpenReview, list_open_of
from smsgate.pipeline.services import Services
from smsgate.records import Records
from smsgate.settings import Program
from smsgate.store.keys import partition_of
from smsgate.store.refusals import RefusedHour
from smsgate.store.store import Store
from smsgate.store.write_lease import CANNOT_TELL

LOCK = "lock"
_LEDGER = 2_000
"""Events of the partition that are not in the records yet: all, while the records keep up."""
_LOCKS, _LISTS, _OPT_OUTS = 5, 20, 50


def of_ledger(store: Store, number: str) -> list[Event]:
    """Those that the records may not have yet, newest first. Raises ``StoreUnavailable``."""
    events = store.ledger_reader.newest(partition_of(number), _LEDGER)
    mine = (event_for(event, number) for event in reversed(events))
    return [*_blocking(event for event in mine if event is not None)]


def of_records(records: Records, number: str) -> list[Event]:
    """The newest on record, newest first. Raises ``RecordsUnavailable``."""
    stories = records.history
    found = [
        *stories.consent_events(number, (LOCK,), _LOCKS),
        *stories.of_kinds(number, ("opt_out", "opt_out_all"), _OPT_OUTS),
        *stories.of_lists(number, None, _LISTS),
    ]
    newest = sorted(found, key=lambda one: one.seq, reverse=True)
    return [*_blocking(one.event for one in newest)]


def cause_of(events: Iterable[Event], reason: str, programs: Collection[str]) -> Event | None:
    """The event that made a program's ``reason`` (``locked``, ``opted_out``, ``opted_out_all``).

    ``events``: newest first. ``programs``: the program's name, and those that it had before.
    """
    if reason == "locked":
        return next((one for one in events if one.kind == LOCK), None)
    scopes = (ALL,) if reason == "opted_out_all" else programs
    return next((one for one in events if one.scope in scopes), None)


def _blocking(events: Iterable[Event]) -> Iterable[Event]:
    return (
        one
        for one in events
        if one.outcome == "applied" and one.entry is not None and one.entry.decision.intent.stops
    )


_INBOX = 500
"""How many entries of the partition's inbox are looked through for what is not applied yet."""
_CONSENTS = 20
BLOCKED = ("opted_out", "opted_out_all", "locked")


@dataclass(frozen=True, slots=True)
class ProgramConsentState:
    """How a number stands with one program."""

    program: Program
    allowed: bool | None
    """What the gate says; None where it cannot tell."""
    reason: str
    """Of the gate; empty where it is allowed or where nobody can tell."""
    since_us: int
    """0 where it is not known."""
    why: str
    cause: Event | None
    """What blocked it, where no mark says why: a lock, or an imported list."""
    blocked: bool
    """Whether an opt-out or a lock holds: by the gate, or by the records where it cannot tell."""
    blocked_in_records: bool | None
    """As the records have it; None where they are away or know nothing of the number."""
    consent: bool
    """Whether one is on record."""
    waits: OpenReview | None
    """A text that waits for a person: to this program, else one that holds it."""


@dataclass(slots=True)
class NumberOverview:
    """How a number stands."""

    number: str
    phone: bool
    """Whether it is a phone number: anything else is recorded, never suppressed."""
    programs: list[ProgramConsentState] = field(default_factory=list)
    locked: bool = False
    locked_by: Event | None = None
    everywhere: bool = False
    """Whether it opted out of everything, also of programs of tomorrow."""
    consents: list[Event] = field(default_factory=list)
    """Newest first."""
    pending: list[StoredEntry] = field(default_factory=list)
    """What waits to be applied."""
    refused: list[RefusedHour] = field(default_factory=list)
    """Sends that the gate refused after an opt-out, oldest first."""
    problems: list[str] = field(default_factory=list)
    """What cannot be shown, and why."""
    is_store_away: bool = False
    """Whether Redis did not answer: each further question to it may take as long again."""

    @property
    def will_be_locked(self) -> bool:
        """Whether it is locked once everything that waits is applied."""
        actions = [one.entry.action for one in self.pending]
        locks = [one for one in actions if one in ("lock", "unlock")]
        return locks[-1] == "lock" if locks else self.locked


@dataclass(slots=True)
class _Answers:
    """What store and records say, as far as they can be asked."""

    answers: dict[str, GateAnswer] = field(default_factory=dict)
    consent_state: ConsentState | None = None
    """Of the store."""
    recorded: ConsentState | None = None
    waits: dict[str, OpenReview] = field(default_factory=dict)
    covering: OpenReview | None = None
    """The oldest of ``waits`` that holds every marketing program."""
    blocking: list[Event] = field(default_factory=list)
    """The events that blocked it, newest first; see ``blocking_events``."""

    @property
    def known(self) -> ConsentState:
        """The newest that is known."""
        return self.consent_state or self.recorded or ConsentState()

    @property
    def is_blocked(self) -> bool:
        """Whether any opt-out or lock holds."""
        return self.known.locked or self.known.everywhere or bool(self.known.opted_out)

    @property
    def marks(self) -> Mapping[str, Mark]:
        """The store keeps them for two days, the records for ever."""
        older = self.recorded.state.marks if self.recorded else {}
        return {**older, **(self.consent_state.state.marks if self.consent_state else {})}


def state_of(services: Services, number: str) -> NumberOverview:
    """How a number (E.164, or as it was recorded) stands. Raises nothing of ours."""
    state = NumberOverview(number, phone=is_e164(number))
    found = _Answers()
    try:
        _ask_store(services, state, found)
    except (StoreUnavailable, StoreNotReady) as error:
        state.is_store_away = isinstance(error, StoreUnavailable)
        state.problems.append(f"No number may be texted: {_shut(error)}.")
    try:
        _ask_records(services, state, found)
    except RecordsUnavailable as error:
        state.problems.append(f"Since when and why cannot be shown in full: {error}.")
    state.locked, state.everywhere = found.known.locked, found.known.everywhere
    state.locked_by = cause_of(found.blocking, "locked", ()) if state.locked else None
    if state.phone:
        renamed = services.settings.programs.renamed
        state.programs = [_with(one, found, renamed) for one in services.settings.programs]
    return state


def _shut(error: StoreUnavailable | StoreNotReady) -> str:
    """Why the gate cannot tell; it begins with that it cannot."""
    said = str(error)
    return said if said.startswith(CANNOT_TELL) else f"{CANNOT_TELL}: {said}"


def _ask_store(services: Services, state: NumberOverview, found: _Answers) -> None:
    number, partition = state.number, partition_of(state.number)
    state.pending = [
        one
        for one in services.store.inbox_reader.latest(partition, _INBOX)
        if number in numbers_in(one.entry)
    ]
    if not state.phone:
        return
    state.refused = services.store.refusals.after_opt_out(number)
    programs = [one.name for one in services.settings.programs]
    consent_states = services.store.numbers.consent_states_of([number], programs)
    found.consent_state = consent_states[number]
    found.waits = {one.program: one for one in list_open_of(services.store, number)}
    narrow = {one.name for one in services.settings.programs if one.scope == "program"}
    covering = [one for name, one in found.waits.items() if name not in narrow]
    found.covering = min(covering, key=lambda one: one.since_us, default=None)
    for name in programs:
        found.answers[name] = _asked(services, number, name)
    if found.is_blocked:
        found.blocking = of_ledger(services.store, number)


def _asked(services: Services, number: str, program: str) -> GateAnswer:
    """What the gate says; of a program that it does not know yet, that."""
    try:
        return services.gate.look_up([number], program=program)[0]
    except UnknownProgram as error:
        return GateAnswer(number, None, why=str(error))


def _ask_records(services: Services, state: NumberOverview, found: _Answers) -> None:
    known = services.records.reader.number(state.number)
    found.recorded = known.consent_state if known else None
    history = services.records.history
    recorded = history.consent_events(state.number, ("consent", "opt_in"), 3 * _CONSENTS)
    recorded += history.of_kinds(state.number, ("restored",), _CONSENTS)
    given = [one.event for one in recorded if one.event.entry and one.event.entry.consent]
    given.sort(key=lambda event: event.received_us, reverse=True)
    state.consents = given[:_CONSENTS]
    if found.is_blocked:
        found.blocking += of_records(services.records, state.number)


def _with(program: Program, found: _Answers, renamed: Mapping[str, str]) -> ProgramConsentState:
    answer = found.answers.get(program.name, GateAnswer("", None))
    recorded, waits = found.recorded, found.waits.get(program.name)
    if waits is None and answer.reason == "review":
        waits = found.covering
    reason = answer.reason if answer.allowed is not None else _reason(recorded, program.name)
    names = {program.name, *(old for old, name in renamed.items() if name == program.name)}
    mark = _mark(found.marks, reason, program.name)
    cause = cause_of(found.blocking, reason, names) if mark is None and reason in BLOCKED else None
    return ProgramConsentState(
        program=program,
        allowed=answer.allowed,
        reason=answer.reason,
        since_us=_since_us(answer, mark, cause, waits),
        why=answer.why or (mark.why if mark else ""),
        cause=cause,
        blocked=reason in BLOCKED,
        blocked_in_records=recorded.blocked(program.name) if recorded else None,
        consent=program.name in found.known.consents,
        waits=waits,
    )


def _reason(consent_state: ConsentState | None, program: str) -> str:
    """Why a program may not text a number, by the sets alone."""
    if consent_state is None or not consent_state.blocked(program):
        return ""
    if consent_state.locked:
        return "locked"
    return "opted_out" if program in consent_state.opted_out else "opted_out_all"


def _mark(marks: Mapping[str, Mark], reason: str, program: str) -> Mark | None:
    """The mark of the opt-out that is the reason."""
    if not reason.startswith("opted_out"):
        return None
    mark = marks.get(ALL if reason == "opted_out_all" else program)
    return mark if mark is not None and mark.stops else None


def _since_us(
    answer: GateAnswer, mark: Mark | None, cause: Event | None, waits: OpenReview | None
) -> int:
    if mark is not None:
        return mark.since_us
    if cause is not None:
        return cause.event_time_us or cause.received_us
    if answer.since:
        return int(datetime.fromisoformat(answer.since).timestamp() * 1_000_000)
    return waits.since_us if waits and answer.reason == "review" else 0
