"""Texts that wait for a person: deciding, taking a decision back, and the conversation around.

A decision is an entry of the inbox like any other. It is for one text that was looked at: where
somebody else decided that one already, or a newer text came meanwhile, nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from smsgate.consent.events import ConsentState, Event
from smsgate.consent.reviews import REOPENED
from smsgate.consent.rules import REVIEWED, decision_id
from smsgate.domain.errors import NoSuchReview, RecordsUnavailable, ReviewChanged, StoreNotReady
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent, inbox_place
from smsgate.domain.phone import e164
from smsgate.event_text import sentence, title
from smsgate.features.reviews.decisions import ReviewDecision, ReviewDecisions
from smsgate.features.reviews.reader import ReviewCase, ReviewReader
from smsgate.pipeline.forwards import KIND as FORWARD
from smsgate.settings import Settings
from smsgate.store.keys import partition_of
from smsgate.store.reader import OpenReview
from smsgate.store.store import Store

_MAX_LINES = 16
"""Recorded events, and ordinary texts, of a conversation: the newest."""
_MAX_LEDGER, _MAX_INBOX = 1_000, 200
"""Events and entries of the partition among which those of the number are looked for."""
_ORDINARY_SPAN_US = 24 * 3600 * 1_000_000
"""Until how long after the text ordinary texts are shown."""


@dataclass
class ReviewService:
    """What people do about texts that wait. Every method raises ``StoreUnavailable``."""

    settings: Settings
    store: Store
    decisions: ReviewDecisions

    def decide(self, decided: str, number: str, program: str, actor: str, seen: str = "") -> str:
        """Decide ``opt_out`` or ``none``, or ``undo`` the newest decision; return its key.

        ``seen`` is the key of what was looked at, needed for ``none``, so that no unread opt-out is
        released, and where more than one text waits. Raises ``InvalidNumber``, ``NoSuchReview``
        where nothing waits, ``ReviewChanged`` where that was decided, or a newer text came.
        """
        number = e164(number)
        if decided == "undo":
            return self.undo(self.decisions.newest(number, program), actor)
        waiting = self.store.inbox_reader.open_reviews_of(number)
        found = next((one for one in waiting if one.program == program), None)
        if found is None:
            raise NoSuchReview(
                f"no text from {number} to {program!r} is in review: see `smsgate review list`"
            )
        if seen and seen != found.key:
            raise ReviewChanged("a newer text from this number arrived: read it too")
        if not seen and (decided == "none" or found.first != found.newest):
            raise ReviewChanged(
                "say which texts you read: name the key that `smsgate review list` shows as `seen`"
            )
        keys = self.decide_each(decided, [found], actor)
        if not keys:
            raise ReviewChanged("someone else just did that")
        return keys[0]

    def decide_each(self, decided: str, some: Sequence[OpenReview], actor: str) -> list[str]:
        """Decide several alike; return the keys of decisions, without what others decided."""
        intent = {"opt_out": Intent.OPT_OUT, "none": Intent.NONE}[decided]
        programs = self.settings.programs
        states: dict[str, ConsentState] = {}
        with suppress(StoreNotReady):  # decisions are made without where it is unknown
            numbers = [one.number for one in some] if intent.stops else []
            states = self.store.numbers.consent_states_of(numbers, [one.name for one in programs])
        entries = []
        for one in some:
            program = programs.get(one.program)
            scope = program.stop_scope if program else ALL
            entry = Entry(
                number=one.number,
                program=one.program,
                decision=Decision(intent, rule=REVIEWED, note=f"{actor} decided: {decided}"),
                scope=scope if intent.stops else "",
                source="operator",
                actor=actor,
                # So that of two decisions about one text only the first counts.
                message_id=decision_id(one.key),
                membership_before=states[one.number].membership() if one.number in states else None,
            )
            entries.append(entry)
        return self._enter(entries)

    def undo(self, found: ReviewDecision | None, actor: str) -> str:
        """Take a decision back, so that its text waits again; return the key of that.

        An opt-out is lifted only if nothing newer was said of the number, which is settled when
        the entry is applied. Raises ``NoSuchReview``, ``ReviewChanged`` where it was done before.
        """
        if found is None:
            raise NoSuchReview(
                "nothing was decided about that in the last 48 hours; to lift an older opt-out, "
                "restore the number: on its page, by `smsgate restore`, or by DELETE "
                "/v1/suppressions"
            )
        if found.decided == "undo":
            raise NoSuchReview("the decision was already undone: its text is in review")
        before = found.entry
        lifts = found.decided == "opt_out" and found.outcome in ("", "applied")
        note = f"{actor} undid the decision of {before.actor}"
        entry = Entry(
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
        keys = self._enter([entry])
        if not keys:
            raise ReviewChanged("someone else just did that")
        return keys[0]

    def _enter(self, entries: Sequence[Entry]) -> list[str]:
        """Store entries; return the keys of those that nobody had stored before."""
        added = self.store.inbox.add([Arrival(entry) for entry in entries])
        pairs = zip(entries, added, strict=True)
        return [
            f"{partition_of(one.number)}-{done.id}" for one, done in pairs if not done.duplicate
        ]


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


def read_conversation(reader: ReviewReader, case: ReviewCase) -> tuple[list[ConversationLine], str]:
    """Return what is newest, in order, and what cannot be shown. Raises ``StoreUnavailable``."""
    store, number, problem = reader.store, case.number, ""
    partition = partition_of(number)
    lines: dict[str, ConversationLine] = {}
    for stored in store.inbox_reader.latest(partition, _MAX_INBOX):
        entry, at_us = stored.entry, stored.received_us
        if entry.number == number and entry.source == "text":
            waits = entry.decision.intent is Intent.REVIEW
            line = ConversationLine(at_us, "them", "Not applied yet", entry.text, waits)
            lines[stored.id] = line
    events = store.ledger_reader.newest([partition], _MAX_LEDGER)
    try:
        recorded = reader.records.reader.page_of_number(number, None, _MAX_LINES)
        events = [*(one.event for one in reversed(recorded)), *events]
    except RecordsUnavailable as error:
        problem = f"Earlier texts cannot be shown: {error}."
    for event in events:
        if event.number == number and event.kind != FORWARD:  # that is about a text, and is none
            lines[event.id if event.reply else event.inbox_id] = _line(event, case)
    until_us = case.received_us + _ORDINARY_SPAN_US
    for at_us, entry in store.sample_log.of_number(number, until_us, _MAX_LINES):
        lines[f"ordinary-{at_us}"] = ConversationLine(at_us, "them", "Ordinary text", entry.text)
    return sorted(lines.values(), key=lambda one: one.at_us), problem


def _line(event: Event, case: ReviewCase) -> ConversationLine:
    at_us, entry = event.received_us or event.applied_us, event.entry
    if event.reply is not None:
        return ConversationLine(at_us, "us", sentence(event), event.reply.text)
    if entry is None or entry.source != "text":
        actor, text = (entry.actor, entry.text) if entry is not None else ("", "")
        what = " · ".join(filter(None, (title(event), actor)))
        return ConversationLine(at_us, "staff", what, text)
    same = event.program == case.program
    asked = same and event.received_us == case.received_us
    first, newest = inbox_place(case.first), inbox_place(case.newest)
    waits = same and event.kind == "review" and first <= inbox_place(event.inbox_id) <= newest
    return ConversationLine(at_us, "them", title(event), entry.text, asked or waits, asked)
