"""Texts that wait for a person: which they are, and what the person decided.

A decision is an entry of the inbox like any other. Until there is one, marketing programs may not
text the number; no time releases it.
"""

from __future__ import annotations

from dataclasses import dataclass

from smsgate.errors import NoSuchReview
from smsgate.messages import ALL, Decision, Entry, Intent, ms_of
from smsgate.phone import e164
from smsgate.settings import Settings
from smsgate.store import Store
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


def waiting(store: Store) -> list[Waiting]:
    """Everything that waits for a person, oldest first."""
    found = [one for lane in range(LANES) for one in _of_lane(store, lane)]
    return sorted(found, key=lambda one: one.since_us)


def decision_entry(
    settings: Settings, store: Store, decided: str, number: str, program: str, actor: str
) -> Entry:
    """The entry for a person's decision: ``opt_out``, ``none``, or ``undo`` of a ``none``.

    Raises ``NoSuchReview`` where nothing waits, ``InvalidNumber``.
    """
    known = e164(number)
    waits = any((one.program, one.number) == (program, known) for one in _of_number(store, known))
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


_DECISIONS = {
    "opt_out": (Intent.OPT_OUT, REVIEWED),
    "none": (Intent.NONE, REVIEWED),
    "undo": (Intent.REVIEW, REOPENED),
}


def _of_number(store: Store, number: str) -> list[Waiting]:
    return [one for one in _of_lane(store, lane_of(number)) if one.number == number]


def _of_lane(store: Store, lane: int) -> list[Waiting]:
    """The texts stand in the ledger, or still in the inbox where no worker has run."""
    open_ids = store.looks.reviews(lane)
    if not open_ids:
        return []
    entries = {one.id: one.entry for one in store.inbox.read(lane, 10_000).entries}
    for event in store.ledger.of_lane(lane):
        if event.entry is not None:
            entries[event.inbox_id] = event.entry
    return [_waiting(field, id_, entries.get(id_)) for field, id_ in open_ids.items()]


def _waiting(field: str, id_: str, entry: Entry | None) -> Waiting:
    program, _, number = field.partition(":")
    if entry is None:
        return Waiting(program, number, ms_of(id_) * 1000, "", "its text is not known any more")
    decision = entry.decision
    why = " ".join(part for part in (decision.rule, decision.keyword, decision.note) if part)
    return Waiting(program, number, ms_of(id_) * 1000, entry.text, why)
