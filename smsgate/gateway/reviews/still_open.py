"""What the records say still waits for a person, for a store that is made anew from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smsgate.consent.events import Event
from smsgate.gateway.reviews.decided import covered
from smsgate.gateway.reviews.reviewing import REVIEWED
from smsgate.messages import ALL, inbox_place
from smsgate.records import Records


def still_open(records: Records) -> Iterator[tuple[str, str, str]]:
    """Program, number, and as the store has them the first and the newest text that wait."""
    numbers = dict.fromkeys(
        one.event.number for kind in ("review", "undo") for one in records.reading.of_kind(kind)
    )
    for number, story in zip(numbers, records.whole_stories.of(numbers), strict=True):
        for program, waiting in undecided(one.event for one in story).items():
            yield program, number, " ".join(dict.fromkeys((waiting[0], waiting[-1])))


def undecided(story: Iterable[Event]) -> dict[str, list[str]]:
    """By program the inbox ids of a number's texts that nobody has decided yet."""
    waiting: dict[str, list[str]] = {}
    for event in story:
        if event.kind in ("review", "undo"):
            waiting.setdefault(event.program, []).append(event.inbox_id)
        elif event.entry is not None and _decides(event):
            scope = event.scope or event.program
            ends = inbox_place(covered(event.entry, event.inbox_id))
            for program in [*waiting] if scope == ALL else [scope]:
                waiting[program] = [
                    id_ for id_ in waiting.get(program, ()) if inbox_place(id_) > ends
                ]
    return {program: ids for program, ids in waiting.items() if ids}


def _decides(event: Event) -> bool:
    """Whether an event ended the wait: an opt-out that held, or a person's decision."""
    if event.entry is None:
        return False
    stops = event.entry.decision.intent.stops and event.outcome in ("applied", "repeat")
    return stops or event.entry.decision.rule == REVIEWED
