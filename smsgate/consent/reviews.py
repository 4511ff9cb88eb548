"""Texts that wait for a person: which of them an entry settles. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from smsgate.consent.events import Event
from smsgate.domain.messages import ALL, Entry, inbox_place

REVIEWED = "reviewed"
"""The rule of a person's decision about a text that waited."""
REOPENED = "reopened"
"""The rule of taking such a decision back."""
REVIEW_DEADLINE_US = 24 * 3600 * 1_000_000
"""How long a text may wait for a person: an opt-out must be honoured within a reasonable time, ten
business days at most (47 CFR 64.1200(a)(10)); ours is the next day."""


def decision_id(key: str) -> str:
    """The message id of a decision about what waits by that key."""
    return f"{REVIEWED}-{key}"


def settled_up_to(entry: Entry, id_: str) -> str:
    """The inbox id up to which an entry settles what waits.

    Where a person found that it is no opt-out, that is only for what the person saw.
    """
    found = entry.source == "operator" and entry.decision.rule == REVIEWED
    return (seen_id(entry) if found and not entry.decision.intent.stops else "") or id_


def seen_id(entry: Entry) -> str:
    """The inbox id of the newest text that the person who decided had seen."""
    _, _, key = entry.message_id.partition(decision_id(""))
    return key.partition("-")[2]


def undecided(story: Iterable[Event]) -> dict[str, list[str]]:
    """The inbox ids of a number's undecided texts, by program."""
    waiting: dict[str, list[str]] = {}
    for event in story:
        if event.kind in ("review", "undo"):
            waiting.setdefault(event.program, []).append(event.inbox_id)
        elif event.entry is not None and _decides(event):
            scope = event.scope or event.program
            ends = inbox_place(settled_up_to(event.entry, event.inbox_id))
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
