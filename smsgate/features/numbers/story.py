"""One number: how it stands with every program, since when and why, and what happened to it.

From the store and the records. Where one of them is away, what the other one has is shown, with a
sentence about what is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from smsgate.consent.events import DeadLetter, Event
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
from smsgate.features.numbers.memberships import RecordedOrigins, origins_of_number
from smsgate.pipeline.forwards import KIND
from smsgate.pipeline.gate import GateAnswer
from smsgate.pipeline.reviews import OpenReview, list_open_of
from smsgate.pipeline.services import Services
from smsgate.records import HistoryPlace, Recorded
from smsgate.records.projections import (
    CONSENT,
    EXCEPTION,
    LOCKED,
    OPTED_OUT,
    MembershipKey,
    keys_of,
)
from smsgate.settings import Program
from smsgate.store.keys import partition_of
from smsgate.store.refusals import RefusedHour
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
    cause: Event | None
    """What blocked it, where the gate does not say why: a lock, or an imported list."""
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
    delivery_reports: dict[str, Event] = field(default_factory=dict)
    """By the provider's id of a reply that stands here: what it told of it afterwards."""
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


def read_story(services: Services, number: str, before: HistoryPlace | None = None) -> NumberStory:
    """How a number (E.164, or as it was recorded) stands, and its events before a place.

    Raises nothing of ours: the story names what is missing.
    """
    return _StoryReader(services, number).read(before)


class _StoryReader:
    def __init__(self, services: Services, number: str) -> None:
        self._services, self._store, self._records = services, services.store, services.records
        self._number, self._partition = number, partition_of(number)
        self._story = NumberStory(number, phone=is_e164(number))
        self._answers: dict[str, GateAnswer] = {}
        self._waits: dict[str, OpenReview] = {}
        self._waiting: list[Event] = []
        """What the records do not have yet, newest first."""
        self._origins: RecordedOrigins | None = None
        """None where the records are away."""

    def read(self, before: HistoryPlace | None) -> NumberStory:
        story = self._story
        try:
            self._ask_gate()
        except (StoreUnavailable, StoreNotReady, UnknownProgram) as error:
            story.is_store_away = isinstance(error, StoreUnavailable)
            said = str(error)
            why = said if said.startswith(CANNOT_TELL) else f"{CANNOT_TELL}: {said}"
            story.problems.append(f"No number may be texted: {why}.")
        texts = self._ask_store(before)  # before the records: what moves is in both
        recorded = self._ask_records(before)
        origins = self._origins or {}
        if not self._answers:
            story.held = origins.keys()
        given = [one.event for key, one in origins.items() if key.state == CONSENT]
        story.consents = [one for one in given if one and one.entry and one.entry.consent]
        if story.phone:
            story.programs = [self._program(one) for one in self._services.settings.programs]
        recorded, texts = _one_page(recorded, texts, story)
        known = {one.event.id for one in recorded}
        items = [TimelineEntry(one) for one in self._waiting if not before and one.id not in known]
        items += [TimelineEntry(one.event, one.erased) for one in recorded]
        items, story.delivery_reports = _nested(items)
        if not (before or story.is_store_away):
            self._add_unsettled(items)
        # Each text goes among the events by its time; the order of the events themselves stays.
        story.items = sorted([*items, *texts], key=lambda one: -happened_us(one.event))
        return story

    def _ask_gate(self) -> None:
        story, number = self._story, self._number
        latest = self._store.inbox_reader.latest(self._partition, _INBOX)
        story.pending = [one for one in latest if number in numbers_in(one.entry)]
        if not story.phone:
            return
        story.refused = self._store.refusals.after_opt_out(number)
        programs = self._services.settings.programs
        names = [one.name for one in programs]
        story.held = keys_of(self._store.numbers.consent_states_of([number], names)[number])
        self._waits = {one.program: one for one in list_open_of(self._store, number)}
        self._answers = self._services.gate.check_programs(number, programs)

    def _ask_store(self, before: HistoryPlace | None) -> list[TimelineEntry]:
        """Read what the records do not have yet; return the ordinary texts before a place.

        They are on no record, so an event is made of each: ``text``, ``sampled``.
        """
        story = self._story
        if story.is_store_away:
            story.problems.append(f"{_UNSEEN}.")
            return []
        # A text of the same microsecond as an event stands behind it.
        before_us = before.received_us + (before.seq > 0) if before else 0
        try:
            events = self._store.ledger_reader.newest(self._partition, _LEDGER)
            found = self._store.sample_log.of_number(self._number, before_us, PAGE + 1)
        except StoreUnavailable as error:
            story.is_store_away = True
            story.problems.append(f"{_UNSEEN}: {error}.")
            return []
        mine = [one for event in events if (one := event_for(event, self._number)) is not None]
        if len(events) == _LEDGER:
            story.problems.append(
                "The records are far behind: only the newest events are shown until they catch up."
            )
        self._waiting = mine[::-1]
        return [
            TimelineEntry(
                Event("", "text", "sampled", one.number, one.program, entry=one, received_us=at_us)
            )
            for at_us, one in found
        ]

    def _ask_records(self, before: HistoryPlace | None) -> list[Recorded]:
        try:
            if self._records.absent and any(self._store.ledger.kept().values()):
                raise RecordsNotReady("they are on another host: set DATABASE_URL")
            self._origins = origins_of_number(self._records.database, self._number)
            return self._records.reader.page_of_number(self._number, before, PAGE + 1)
        except RecordsUnavailable as error:
            self._story.problems.append(
                f"Older events, and since when and why, cannot be shown in full: {error}."
            )
        except StoreUnavailable:
            pass  # the story says it already
        return []

    def _add_unsettled(self, items: Sequence[TimelineEntry]) -> None:
        answered = {
            f"{self._partition}-{one.event.inbox_id}": one
            for one in items
            if one.event.inbox_id and one.event.kind != RECEIPT
        }
        with suppress(StoreUnavailable):
            for id_, reply in self._store.unsent_replies.unsettled([*answered]).items():
                answered[id_].unsettled = reply

    def _program(self, program: Program) -> ProgramConsentState:
        name = program.name
        answer = self._answers.get(name, GateAnswer("", None))
        recorded = _reason(self._origins or {}, name)
        reason = answer.reason if answer.allowed is not None else recorded
        since_us, why, cause = 0, answer.why, None
        if answer.since:
            since_us = int(datetime.fromisoformat(answer.since).timestamp() * 1_000_000)
        if reason in ("locked", "opted_out", "opted_out_all") and not (since_us and why):
            renamed = self._services.settings.programs.renamed
            names = (name, *(old for old, new in renamed.items() if new == name))
            at_us, cause = self._cause(reason, names)
            since_us = at_us or since_us
            if cause and cause.entry and cause.entry.source == "text" and reason != "locked":
                decision = cause.entry.decision
                why, cause = why or f"{decision.rule} {decision.keyword}".strip(), None
        waits = self._waits.get(name)
        if answer.reason == "review" and self._waits:
            waits = waits or min(self._waits.values(), key=lambda one: one.since_us)
            since_us = since_us or waits.since_us
        return ProgramConsentState(
            program=program,
            allowed=answer.allowed,
            reason=answer.reason,
            since_us=since_us,
            why=why,
            cause=cause,
            blocked=bool(reason) and reason not in ("hold", "review", "no_consent"),
            blocked_in_records=None if self._origins is None else bool(recorded),
            consent=(CONSENT, name) in self._story.held,
            waits=waits,
        )

    def _cause(self, reason: str, names: Sequence[str]) -> tuple[int, Event | None]:
        """Since when a program's ``reason`` holds, and the event that made it so.

        ``names``: the program's name, and those that it had before.
        """
        scopes = names if reason == "opted_out" else (ALL,)
        for event in self._waiting:
            is_lock, entry = event.kind == "lock", event.entry
            is_block = event.outcome == "applied" and entry and entry.decision.intent.stops
            if is_block and (is_lock if reason == "locked" else event.scope in scopes):
                return event.event_time_us or event.received_us, event
        state = LOCKED if reason == "locked" else OPTED_OUT
        for scope in scopes:
            origin = (self._origins or {}).get(MembershipKey(state, scope))
            if origin is not None:
                return origin.since_us, origin.event
        return 0, None


def _reason(held: Mapping[MembershipKey, object], program: str) -> str:
    """Why a program may not text a number, by what the number is in; empty where it may."""
    if (LOCKED, ALL) in held:
        return "locked"
    if (OPTED_OUT, program) in held:
        return "opted_out"
    is_out = (OPTED_OUT, ALL) in held and (EXCEPTION, program) not in held
    return "opted_out_all" if is_out else ""


def _one_page(
    recorded: list[Recorded], texts: list[TimelineEntry], story: NumberStory
) -> tuple[list[Recorded], list[TimelineEntry]]:
    """The newest of both that fill one page; the story then says where the next one begins."""
    places = [one.place for one in recorded]
    places += [HistoryPlace(happened_us(one.event), 0) for one in texts]
    if len(places) <= PAGE:
        return recorded, texts
    last = story.older = sorted(places, reverse=True)[PAGE - 1]
    return (
        [one for one in recorded if one.place >= last],
        [one for one in texts if (happened_us(one.event), 0) >= last],
    )


def happened_us(event: Event) -> int:
    """When it happened."""
    return event.received_us or event.applied_us


def _follows(event: Event) -> bool:
    """Whether it is the outcome of a text: our reply, or the application's."""
    return event.reply is not None or event.kind == KIND


def _nested(entries: list[TimelineEntry]) -> tuple[list[TimelineEntry], dict[str, Event]]:
    """Each reply under what it answers, and by provider id the receipts of replies shown here.

    What belongs to something that does not stand here stands alone.
    """
    events = [one.event for one in entries]
    answers: dict[str, list[Event]] = defaultdict(list)
    for event in filter(_follows, events):
        answers[event.inbox_id].append(event)
    causes = [one for one in entries if not _follows(one.event) and one.event.kind != RECEIPT]
    for cause in causes:
        if cause.event.inbox_id:
            cause.replies = answers.get(cause.event.inbox_id, [])
    answered = {one.event.inbox_id for one in causes}
    alone = [one for one in entries if _follows(one.event) and one.event.inbox_id not in answered]
    stories = [event for one in (*causes, *alone) for event in (one.event, *one.replies)]
    replies = {event.provider_id for event in stories if event.reply}
    reports = {
        one.provider_id: one for one in events if one.kind == RECEIPT and one.provider_id in replies
    }
    shown = {id(one) for one in (*causes, *alone)}
    return [
        one
        for one in entries
        if id(one) in shown or (one.event.kind == RECEIPT and one.event.provider_id not in reports)
    ], reports
