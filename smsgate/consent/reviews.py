"""Texts that wait for a person: which of them an entry decides. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from smsgate.consent.events import Event
from smsgate.consent.rules import REVIEWED, closed_up_to
from smsgate.domain.messages import ALL, inbox_place

REOPENED = "reopened"
"""The rule of taking such a decision back."""
REVIEW_DEADLINE_US = 24 * 3600 * 1_000_000
"""How long a text may wait for a person: an opt-out must be honoured within a reasonable time, ten
business days at most (47 CFR 64.1200(a)(10)); ours is the next day."""


def undecided(story: Iterable[Event]) -> dict[str, list[str]]:
    """The inbox ids of a number's undecided texts, by program."""
    waiting: dict[str, list[str]] = {}
    for event in story:
        if event.kind in ("review", "undo"):
            waiting.setdefault(event.program, []).append(event.inbox_id)
        elif event.entry is not None and _decides(event):
            scope = event.scope or event.program
            ends = inbox_place(closed_up_to(event.entry, event.inbox_id))
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
