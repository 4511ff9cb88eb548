"""Texts that wait for a person: deciding, taking a decision back, and the conversation around.

A decision is an entry of the inbox like any other. It is for one text that was looked at: where
somebody else decided that one already, or a newer text came meanwhile, nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from smsgate.consent.event_text import sentence, title
from smsgate.consent.events import ConsentState, Event
from smsgate.consent.reviews import REOPENED
from smsgate.consent.transitions import REVIEWED, decision_id
from smsgate.domain.entry_parts import SetMembership
from smsgate.domain.errors import (
    NoSuchReview,
    RecordsUnavailable,
    ReviewChanged,
    StoreNotReady,
)
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent, inbox_place
from smsgate.domain.phone import e164
from smsgate.pipeline.forwards import KIND as FORWARD
from smsgate.pipeline.reviews import (
    OpenReview,
    ReviewCase,
    ReviewDecision,
    ReviewDecisions,
    list_open_of,
)
from smsgate.pipeline.services import Services
from smsgate.store.keys import partition_of

_EVENTS_AROUND = 8
"""Recorded events before a text, and as many behind it, that its conversation has."""
_MAX_LEDGER, _MAX_INBOX = 1_000, 200
"""Events and entries of the partition among which those of the number are looked for."""
_ORDINARY_SPAN_MS, _MAX_ORDINARY = 24 * 3600 * 1000, 300
"""How far from the text, and among how many of the partition, ordinary texts are looked for."""


class ReviewService:
    """What people do about texts that wait. Every method raises ``StoreUnavailable``."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        self._store = services.store
        self._job_queue = services.job_queue
        self.decisions = ReviewDecisions(services.store, services.records)

    def decide(
        self,
        decided: str,
        number: str,
        program: str,
        actor: str,
        seen: str = "",
        *,
        is_seen_needed: bool = False,
    ) -> str:
        """Decide ``opt_out`` or ``none``, or ``undo`` the newest decision; return its key.

        ``seen`` is the key of what was looked at, needed where more than one text waits, and for
        ``none`` where ``is_seen_needed``. Raises ``InvalidNumber``, ``NoSuchReview`` where nothing
        waits, ``ReviewChanged`` where that was decided, or a newer text came.
        """
        number = e164(number)
        if decided == "undo":
            return self._undo_newest(number, program, actor)
        waiting = list_open_of(self._store, number)
        found = next((one for one in waiting if one.program == program), None)
        if found is None:
            raise NoSuchReview(
                f"no text from {number} to {program!r} is in review: see `smsgate review list`"
            )
        if seen and seen != found.key:
            raise ReviewChanged("a newer text from this number arrived: read it too")
        if not seen and found.first != found.newest:
            raise ReviewChanged(
                "more than one text from this number is in review: read them all, then name what "
                "you saw by the key that `smsgate review list` shows"
            )
        if (
            is_seen_needed and not seen and decided == "none"
        ):  # an unread opt-out must not be released
            raise ReviewChanged(
                "say which text you read: name the key that `smsgate review list` shows as `seen`"
            )
        return self._enter(self._decision_entry(decided, found, actor, self._memberships([number])))

    def decide_each(self, decided: str, some: Sequence[OpenReview], actor: str) -> list[str]:
        """Decide several alike; return the keys of decisions, without what others decided."""
        memberships = self._memberships([one.number for one in some])
        entries = [self._decision_entry(decided, one, actor, memberships) for one in some]
        added, partitions = self._store.inbox.add([Arrival(entry) for entry in entries])
        self._job_queue.notify_inboxes(partitions)
        pairs = zip(entries, added, strict=True)
        return [
            f"{partition_of(one.number)}-{done.id}" for one, done in pairs if not done.duplicate
        ]

    def undo(self, key: str, actor: str) -> str:
        """Take a decision back, so that its text waits again; return the key of that.

        An opt-out is lifted only if nothing newer was said of the number, which is settled when
        the entry is applied. Raises ``NoSuchReview``, ``ReviewChanged`` where it was done before.
        """
        found = self.decisions.find(key)
        if found is None or found.decided == "undo":
            raise NoSuchReview(
                "there is no such decision in the last 48 hours; to lift an older opt-out, use "
                "Restore on the page of the number"
            )
        return self._enter(_undo_entry(found, actor))

    def _undo_newest(self, number: str, program: str, actor: str) -> str:
        found = self.decisions.newest(number, program)
        if found is None:
            raise NoSuchReview(
                f"no text from {number} to {program!r} was decided in the last 48 hours; to lift "
                "an older opt-out, restore the number: on its page, by `smsgate restore`, or by "
                "DELETE /v1/suppressions"
            )
        if found.decided == "undo":
            raise NoSuchReview(
                f"the newest decision about {number} to {program!r} was already undone: its text "
                "is in review, see `smsgate review list`"
            )
        return self._enter(_undo_entry(found, actor))

    def _decision_entry(
        self, decided: str, about: OpenReview, actor: str, memberships: dict[str, SetMembership]
    ) -> Entry:
        intent = {"opt_out": Intent.OPT_OUT, "none": Intent.NONE}[decided]
        program = self._settings.programs.get(about.program)
        scope = about.program if program is not None and program.scope == "program" else ALL
        return Entry(
            number=about.number,
            program=about.program,
            decision=Decision(intent, rule=REVIEWED, note=f"{actor} decided: {decided}"),
            scope=scope if intent.stops else "",
            source="operator",
            actor=actor,
            # So that of two decisions about one text only the first counts.
            message_id=decision_id(about.key),
            membership_before=memberships.get(about.number) if intent.stops else None,
        )

    def _memberships(self, numbers: Sequence[str]) -> dict[str, SetMembership]:
        """Return the sets of each number; decisions are made without where it is unknown."""
        programs = [one.name for one in self._settings.programs]
        found: dict[str, ConsentState] = {}
        with suppress(StoreNotReady):
            found = self._store.numbers.consent_states_of(numbers, programs)
        return {number: consent_state.membership() for number, consent_state in found.items()}

    def _enter(self, entry: Entry) -> str:
        (added,), partitions = self._store.inbox.add([Arrival(entry)])
        if added.duplicate:
            raise ReviewChanged("someone else just did that")
        self._job_queue.notify_inboxes(partitions)
        return f"{partition_of(entry.number)}-{added.id}"


def _undo_entry(found: ReviewDecision, actor: str) -> Entry:
    before = found.entry
    lifts = found.decided == "opt_out" and found.outcome in ("", "applied")
    note = f"{actor} undid the decision of {before.actor}"
    return Entry(
        number=before.number,
        program=before.program,
        decision=Decision(Intent.REVIEW, rule=REOPENED, note=note),
        source="operator",
        actor=actor,
        message_id=f"{REOPENED}-{found.key}",
        action="undo" if lifts else "",
        membership_before=before.membership_before if lifts else None,
        undoes=found.key.partition("-")[2] if lifts else "",
    )


# --- the conversation around a text ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConversationLine:
    """A text, a reply, or an action of staff."""

    at_us: int
    who: str
    """``them``, ``us`` or ``staff``."""
    what: str
    text: str
    waits: bool = False
    """Whether it waits for a person as well."""
    asked: bool = False
    """Whether it is the text that is shown."""


def read_conversation(services: Services, case: ReviewCase) -> tuple[list[ConversationLine], str]:
    """Return the lines in order, and what cannot be shown. Raises ``StoreUnavailable``."""
    store, number, problem = services.store, case.open.number, ""
    partition = partition_of(number)
    lines: dict[str, ConversationLine] = {}
    for stored in store.inbox_reader.latest(partition, _MAX_INBOX):
        entry, at_us = stored.entry, stored.received_us
        if entry.number == number and entry.source == "text":
            waits = entry.decision.intent is Intent.REVIEW
            line = ConversationLine(at_us, "them", "Not applied yet", entry.text, waits)
            lines[stored.id] = line
    events = [
        one for one in store.ledger_reader.newest(partition, _MAX_LEDGER) if one.number == number
    ]
    try:
        recorded = services.records.history.around(number, case.since_us, _EVENTS_AROUND)
        events = [*(one.event for one in recorded), *events]
    except RecordsUnavailable as error:
        problem = f"Earlier texts cannot be shown: {error}."
    for event in events:
        if event.kind != FORWARD:  # it is about a text, and is none
            lines[event.id if event.reply else event.inbox_id] = _line(event, case)
    ordinary = store.sample_log.around(
        partition, case.since_us // 1000, _ORDINARY_SPAN_MS, _MAX_ORDINARY
    )
    for at, (ms, entry) in enumerate(ordinary):
        if entry.number == number:
            line = ConversationLine(ms * 1000, "them", "Ordinary text", entry.text)
            lines[f"ordinary-{at}"] = line
    return sorted(lines.values(), key=lambda one: one.at_us), problem


def _line(event: Event, case: ReviewCase) -> ConversationLine:
    at_us, entry = event.received_us or event.applied_us, event.entry
    if event.reply is not None:
        return ConversationLine(at_us, "us", sentence(event), event.reply.text)
    if entry is None or entry.source != "text":
        actor, text = (entry.actor, entry.text) if entry is not None else ("", "")
        what = " · ".join(filter(None, (title(event), actor)))
        return ConversationLine(at_us, "staff", what, text)
    same = event.program == case.open.program
    asked = same and event.received_us == case.since_us
    first, newest = inbox_place(case.open.first), inbox_place(case.open.newest)
    waits = same and event.kind == "review" and first <= inbox_place(event.inbox_id) <= newest
    return ConversationLine(at_us, "them", title(event), entry.text, asked or waits, asked)
