"""Texts that wait for a person: which they are, and what the person decided.

A decision is an entry of the inbox like any other. Until there is one, marketing programs may not
text the number; no time releases it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smsgate.consent import Event
from smsgate.errors import NoSuchReview, RecordsNotReady, RecordsUnavailable
from smsgate.gateway.remembering import entry_of
from smsgate.messages import ALL, Decision, Entry, Intent, ms_of
from smsgate.phone import e164
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store import Store
from smsgate.store.inbox import hold_field
from smsgate.store.keys import LANES, lane_of

REVIEWED = "reviewed"
"""The rule of a person's decision that a text asked for nothing."""
REOPENED = "reopened"
"""The rule of taking such a decision back."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A number whose text a person has to decide, and that text."""

    program: str
    number: str
    since_us: int
    text: str
    why: str
    """What made the classifier hesitate."""


def waiting(store: Store, records: Records) -> list[Waiting]:
    """Everything that waits for a person, oldest first."""
    found = [one for lane in range(LANES) for one in _of_lane(store, records, lane)]
    return sorted(found, key=lambda one: one.since_us)


def decision_entry(
    settings: Settings, store: Store, decided: str, number: str, program: str, actor: str
) -> Entry:
    """The entry for a person's decision: ``opt_out``, ``none``, or ``undo`` of a ``none``.

    Raises ``NoSuchReview`` where nothing waits, ``InvalidNumber``.
    """
    known = e164(number)
    waits = hold_field(program, known) in store.looks.reviews(lane_of(known))
    if decided != "undo" and not waits:
        raise NoSuchReview(f"no text of {known} to {program!r} waits: `smsgate review list` tells")
    intent, rule = _DECISIONS[decided]
    scope = ""
    if intent.stops:
        found = settings.programs.get(program)
        scope = program if found is not None and found.scope == "program" else ALL
    return Entry(
        number=known,
        program=program,
        decision=Decision(intent, rule=rule, note=f"{actor} decided: {decided}"),
        scope=scope,
        source="operator",
        actor=actor,
    )


def still_open(records: Records) -> Iterator[tuple[str, str, str]]:
    """Program, number and inbox id of each recorded text that nobody has decided yet."""
    numbers = dict.fromkeys(one.event.number for one in records.reading.of_kind("review"))
    for number in numbers:
        waiting: dict[str, str] = {}
        for one in records.reading.of_number(number):
            event = one.event
            if event.kind == "review":
                waiting.setdefault(event.program, event.inbox_id)
            elif _decides(event):
                scope = event.scope or event.program
                closed = [*waiting] if scope == ALL else [scope]
                for program in closed:
                    waiting.pop(program, None)
        yield from ((program, number, id_) for program, id_ in waiting.items())


def _decides(event: Event) -> bool:
    """Whether an event ended the wait: an opt-out that held, or a person's decision."""
    if event.entry is None:
        return False
    stops = event.entry.decision.intent.stops and event.outcome in ("applied", "repeat")
    return stops or event.entry.decision.rule == REVIEWED


_DECISIONS = {
    "opt_out": (Intent.OPT_OUT, REVIEWED),
    "none": (Intent.NONE, REVIEWED),
    "undo": (Intent.REVIEW, REOPENED),
}


def _of_lane(store: Store, records: Records, lane: int) -> list[Waiting]:
    """The texts stand in the records, in the ledger, or in the inbox where no worker has run."""
    open_ids = store.looks.reviews(lane)
    if not open_ids:
        return []
    entries = {one.id: one.entry for one in store.inbox.read(lane, 10_000).entries}
    for event in store.ledger.of_lane(lane):
        if event.entry is not None:
            entries[event.inbox_id] = event.entry
    return [
        _waiting(field, id_, entries.get(id_) or _recorded(records, field, id_))
        for field, id_ in open_ids.items()
    ]


def _recorded(records: Records, field: str, id_: str) -> Entry | None:
    """The text's entry; a database that is away must not hide that there is something to decide."""
    try:
        return entry_of(records, field.partition(":")[2], id_)
    except (RecordsUnavailable, RecordsNotReady):
        return None


def _waiting(field: str, id_: str, entry: Entry | None) -> Waiting:
    program, _, number = field.partition(":")
    if entry is None:
        return Waiting(program, number, ms_of(id_) * 1000, "", "its text is not known any more")
    decision = entry.decision
    why = " ".join(part for part in (decision.rule, decision.keyword, decision.note) if part)
    return Waiting(program, number, ms_of(id_) * 1000, entry.text, why)
