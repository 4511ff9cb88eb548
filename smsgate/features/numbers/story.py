"""One number: how it stands with every program, since when and why, and what happened to it.

From the store and the records. Where one of them is away, what the other one has is shown, with a
sentence about what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from smsgate import decision_text, event_text
from smsgate.consent.events import (
    CONSENT,
    EXCEPTION,
    LOCKED,
    OPTED_OUT,
    DeadLetter,
    Event,
    MembershipKey,
)
from smsgate.consent.list_import import event_for
from smsgate.domain.errors import (
    RecordsNotReady,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
    UnknownProgram,
)
from smsgate.domain.messages import ALL, Reply, StoredEntry, numbers_in
from smsgate.domain.phone import is_e164
from smsgate.features.numbers.memberships import RecordedOrigin, origins_of_number
from smsgate.pipeline.forwards import KIND
from smsgate.pipeline.gate import Gate, GateAnswer
from smsgate.records import HistoryPlace, Recorded, Records
from smsgate.settings import Program, Settings
from smsgate.store.keys import partition_of
from smsgate.store.reader import OpenReview
from smsgate.store.refusals import RefusedHour
from smsgate.store.store import Store
from smsgate.store.write_lease import CANNOT_TELL

PAGE = 30
_INBOX = 500
"""How many entries of the partition's inbox are looked through for what is not applied yet."""
_LEDGER = 2_000
"""How many events of the partition's ledger are looked through; all, while the records keep up."""
RECEIPT = "receipt"
_UNSEEN = "What happened in the last moments, and ordinary texts, cannot be shown"


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
    """Who or what blocked it, in words."""
    blocked: bool
    """Whether an opt-out or a lock holds: by the gate, or by the records where it cannot tell."""
    blocked_in_records: bool | None
    """As the records have it; None where they are away."""
    consent: bool
    """Whether one is on record."""
    waits: OpenReview | None
    """A text that waits for a person: to this program, else the oldest one."""


@dataclass(slots=True)
class TimelineEntry:
    """One thing that happened, and what followed from it."""

    event: Event
    erased: bool = False
    """Whether its texts were erased."""
    replies: list[Event] = field(default_factory=list)
    """What became of our reply, and of the message at the application, newest first."""
    unsettled: Reply | DeadLetter | None = None
    """A reply that waits to be sent, or was given up."""

    @property
    def happened_us(self) -> int:
        """When it happened."""
        return self.event.received_us or self.event.applied_us


@dataclass(slots=True)
class NumberStory:
    """How a number stands, and a page of what happened to it."""

    number: str
    phone: bool
    """Whether it is a phone number: anything else is recorded, never suppressed."""
    programs: list[ProgramConsentState] = field(default_factory=list)
    held: Collection[tuple[str, str]] = ()
    """What it is in, by the store, or by the records where that is away."""
    consents: list[Event] = field(default_factory=list)
    """Those that are in force."""
    pending: list[StoredEntry] = field(default_factory=list)
    """What waits to be applied."""
    refused: list[RefusedHour] = field(default_factory=list)
    """Sends that the gate refused after an opt-out, oldest first."""
    items: list[TimelineEntry] = field(default_factory=list)
    """Newest first."""
    older: HistoryPlace | None = None
    """Where the next page begins; None at the end."""
    problems: list[str] = field(default_factory=list)
    """What cannot be shown, and why."""
    is_store_away: bool = False
    """Whether Redis did not answer: each further question to it may take as long again."""

    @property
    def locked(self) -> bool:
        """Whether it is locked."""
        return (LOCKED, ALL) in self.held

    @property
    def everywhere(self) -> bool:
        """Whether it opted out of everything, also of programs of tomorrow."""
        return (OPTED_OUT, ALL) in self.held

    @property
    def will_be_locked(self) -> bool:
        """Whether it is locked once everything that waits is applied."""
        actions = [one.entry.action for one in self.pending]
        locks = [one for one in actions if one in ("lock", "unlock")]
        return locks[-1] == "lock" if locks else self.locked


class StoryReader:
    """Reads stories of numbers."""

    def __init__(self, settings: Settings, store: Store, records: Records, gate: Gate) -> None:
        self._programs = settings.programs
        self._store, self._records, self._gate = store, records, gate

    def read(self, number: str, before: HistoryPlace | None = None) -> NumberStory:
        """How a number (E.164, or as it was recorded) stands, and its events before a place.

        Raises nothing of ours: the story names what is missing.
        """
        story = NumberStory(number, phone=is_e164(number))
        answers: dict[str, GateAnswer] = {}
        waits: list[OpenReview] = []
        try:
            latest = self._store.inbox_reader.latest(partition_of(number), _INBOX)
            story.pending = [one for one in latest if number in numbers_in(one.entry)]
            if story.phone:
                story.refused = self._store.refusals.after_opt_out(number)
                names = [one.name for one in self._programs]
                stands = self._store.numbers.consent_states_of([number], names)[number]
                story.held = stands.memberships()
                waits = self._store.inbox_reader.open_reviews_of(number)
                answers = self._gate.check_programs(number, self._programs)
        except (StoreUnavailable, StoreNotReady, UnknownProgram) as error:
            story.is_store_away = isinstance(error, StoreUnavailable)
            said = str(error)
            why = said if said.startswith(CANNOT_TELL) else f"{CANNOT_TELL}: {said}"
            story.problems.append(f"No number may be texted: {why}.")
        waiting, texts = self._ask_store(story, before)  # before the records: what moves is in both
        origins, recorded = self._ask_records(story, before)
        if not answers:
            story.held = (origins or {}).keys()
        given = [one.event for key, one in (origins or {}).items() if key.state == CONSENT]
        story.consents = [one for one in given if one and one.entry and one.entry.consent]
        if story.phone:
            made = None if origins is None else {*origins}
            newest = {**(origins or {}), **_origins_of(reversed(waiting))}
            story.programs = [
                self._state(
                    one, story, answers.get(one.name, GateAnswer("", None)), newest, made, waits
                )
                for one in self._programs
            ]
        known = {one.event.id for one in recorded}
        items = [TimelineEntry(one.event, one.erased) for one in recorded]
        places = [
            *(one.place for one in recorded),
            *(HistoryPlace(one.happened_us, 0) for one in texts),
        ]
        if len(places) > PAGE:
            last = story.older = sorted(places, reverse=True)[PAGE - 1]
            items = [one for one, of in zip(items, recorded, strict=True) if of.place >= last]
            texts = [one for one in texts if (one.happened_us, 0) >= last]
        if not before:
            items = [*(TimelineEntry(one) for one in waiting if one.id not in known), *items]
        items = _nested(items)
        if not (before or story.is_store_away):
            self._add_unsettled(partition_of(number), items)
        # Each text goes among the events by its time; the order of the events themselves stays.
        story.items = sorted([*items, *texts], key=lambda one: -one.happened_us)
        return story

    def _ask_store(
        self, story: NumberStory, before: HistoryPlace | None
    ) -> tuple[list[Event], list[TimelineEntry]]:
        """Events that the records do not have yet, newest first, and ordinary texts.

        Those are on no record, so an event is made of each: ``text``, ``sampled``.
        """
        if story.is_store_away:
            story.problems.append(f"{_UNSEEN}.")
            return [], []
        # A text of the same microsecond as an event stands behind it.
        before_us = before.received_us + (before.seq > 0) if before else 0
        try:
            events = self._store.ledger_reader.newest([partition_of(story.number)], _LEDGER)
            found = self._store.sample_log.of_number(story.number, before_us, PAGE + 1)
        except StoreUnavailable as error:
            story.is_store_away = True
            story.problems.append(f"{_UNSEEN}: {error}.")
            return [], []
        if len(events) == _LEDGER:
            story.problems.append(
                "The records are far behind: only the newest events are shown until they catch up."
            )
        mine = [part for one in reversed(events) if (part := event_for(one, story.number))]
        return mine, [
            TimelineEntry(
                Event("", "text", "sampled", one.number, one.program, entry=one, received_us=at_us)
            )
            for at_us, one in found
        ]

    def _ask_records(
        self, story: NumberStory, before: HistoryPlace | None
    ) -> tuple[Mapping[MembershipKey, RecordedOrigin] | None, list[Recorded]]:
        """What the number is in by the records, or None where they are away; and their events."""
        origins = None
        try:
            if self._records.database.absent and any(self._store.ledger.kept().values()):
                raise RecordsNotReady("they are on another host: set DATABASE_URL")
            origins = origins_of_number(self._records.database, story.number)
            return origins, self._records.reader.page_of_number(story.number, before, PAGE + 1)
        except RecordsUnavailable as error:
            story.problems.append(
                f"Older events, and since when and why, cannot be shown in full: {error}."
            )
        except StoreUnavailable:
            pass  # the story says it already
        return origins, []

    def _add_unsettled(self, partition: int, items: Sequence[TimelineEntry]) -> None:
        answered = {
            f"{partition}-{one.event.inbox_id}": one
            for one in items
            if one.event.inbox_id and one.event.kind != RECEIPT
        }
        with suppress(StoreUnavailable):
            for id_, reply in self._store.unsent_replies.unsettled([*answered]).items():
                answered[id_].unsettled = reply

    def _state(
        self,
        program: Program,
        story: NumberStory,
        answer: GateAnswer,
        origins: Mapping[MembershipKey, RecordedOrigin],
        recorded: Collection[MembershipKey] | None,
        waits: Sequence[OpenReview],
    ) -> ProgramConsentState:
        name = program.name
        reason = answer.reason if answer.allowed is not None else _reason(recorded or (), name)
        # The gate knows of the last 48 hours, the records of everything.
        since_us, why = 0, event_text.source(decision_text.because(answer.why))
        if answer.since:
            since_us = int(datetime.fromisoformat(answer.since).timestamp() * 1_000_000)
        former = [old for old, new in self._programs.renamed.items() if new == name]
        keys = {
            "locked": [MembershipKey(LOCKED, ALL)],
            "opted_out": [MembershipKey(OPTED_OUT, one) for one in (name, *former)],
            "opted_out_all": [MembershipKey(OPTED_OUT, ALL)],
        }.get(reason, [])
        origin = next((origins[one] for one in keys if one in origins), None)
        if origin is not None:
            since_us = since_us or origin.since_us
            why = (
                event_text.cause(origin.event.entry) if origin.event and origin.event.entry else why
            )
        waiting = next((one for one in waits if one.program == name), None)
        if answer.reason == "review" and waits:
            waiting = waiting or min(waits, key=lambda one: one.since_us)
            since_us = since_us or waiting.since_us
        return ProgramConsentState(
            program=program,
            allowed=answer.allowed,
            reason=answer.reason,
            since_us=since_us,
            why=why,
            blocked=bool(keys),
            blocked_in_records=None if recorded is None else bool(_reason(recorded, name)),
            consent=(CONSENT, name) in story.held,
            waits=waiting,
        )


def _reason(held: Collection[MembershipKey], program: str) -> str:
    """Why a program may not text a number, by what the number is in; empty where it may."""
    if (LOCKED, ALL) in held:
        return "locked"
    if (OPTED_OUT, program) in held:
        return "opted_out"
    is_out = (OPTED_OUT, ALL) in held and (EXCEPTION, program) not in held
    return "opted_out_all" if is_out else ""


def _origins_of(events: Iterable[Event]) -> Mapping[MembershipKey, RecordedOrigin]:
    """What opt-outs and locks put a number into, oldest first."""
    found = {}
    for one in events:
        if one.outcome == "applied" and one.entry and one.entry.decision.intent.stops:
            is_lock = one.kind == "lock"
            key = MembershipKey(LOCKED if is_lock else OPTED_OUT, ALL if is_lock else one.scope)
            found[key] = RecordedOrigin(one.event_time_us or one.received_us, one)
    return found


def _nested(entries: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Each reply under what it answers, and each delivery report where its reply stands.

    What belongs to something that does not stand here stands alone.
    """
    causes = {
        one.event.inbox_id: one for one in entries if one.event.inbox_id and not _follows(one.event)
    }
    found, replies = list[TimelineEntry](), dict[str, TimelineEntry]()
    for one in sorted(entries, key=lambda one: one.event.kind == RECEIPT):
        event = one.event
        owner = causes.get(event.inbox_id) if _follows(event) else None
        if event.kind == RECEIPT:
            owner = replies.get(event.provider_id)
        if owner is None:
            found.append(one)
        else:
            owner.replies.append(event)
        if event.reply and event.provider_id:
            replies[event.provider_id] = owner or one
    return found


def _follows(event: Event) -> bool:
    """Whether it is the outcome of something: our reply, the application's, a delivery report."""
    return event.reply is not None or event.kind in (KIND, RECEIPT)
