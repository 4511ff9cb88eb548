"""What an imported list changed of a number, and what came after it: from its history. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smsgate.consent.events import Event, Standing
from smsgate.consent.renamed_programs import recorded_standing
from smsgate.consent.reviews import undecided
from smsgate.domain.messages import ALL, Intent, Stood
from smsgate.pipeline.list_entries import UNDONE

PENDING = "would_undo"
_NO_EFFECT = ("refused", "kept", "stale", "recorded", "asked")
"""Outcomes of events that said something and changed nothing."""


@dataclass(frozen=True, slots=True)
class ListEffect:
    """What a list did to a number, and whether that can be undone."""

    outcome: str
    """``would_undo``; or why not: ``unchanged``, ``undone_before``, ``newer``, ``waited``,
    ``not_known`` (see ``import_undo.SAID``)."""
    before: Stood = Stood()  # noqa: RUF009 - frozen
    """How the number stood before the list."""
    stands: Stood = Stood()  # noqa: RUF009 - frozen
    """How it stands since."""
    program: str = ""
    """That the list was for, or ``all``."""
    scope: str = ""
    """Where it changed something: ``all`` or the program."""
    undone_by: str = ""
    """Inbox id of the entry that put the number back."""


def effect_of_list(
    history: Sequence[Event], list_id: str, renamed: Mapping[str, str]
) -> ListEffect:
    """What became of a number by a list, by its events, oldest first.

    ``renamed`` gives a program's name by its former one.
    """
    places = [at for at, event in enumerate(history) if _is_part(event, list_id)]
    standings = _standings(history, renamed)
    changing = [at for at in places if standings[at].stood() != standings[at + 1].stood()]
    if not changing:
        return ListEffect("unchanged")
    first, last = places[0], places[-1]
    before = standings[first]
    outcome, undone_by = _since(history, standings, places, list_id)
    if outcome == PENDING and _unknown(history[first], before):
        outcome = "not_known"
    if outcome == PENDING and undecided(history[:first]):
        outcome = "waited"
    program = history[first].program
    return ListEffect(
        outcome,
        before.stood(),
        standings[last + 1].stood(),
        program,
        ALL if any(history[at].scope == ALL for at in changing) else program,
        undone_by,
    )


def _is_part(event: Event, list_id: str) -> bool:
    entry = event.entry
    return (
        event.kind == "import" and entry is not None and entry.message_id.startswith(f"{list_id}-")
    )


def _standings(history: Sequence[Event], renamed: Mapping[str, str]) -> list[Standing]:
    """How the number stood before each event, and after the last."""
    found = [Standing()]
    for event in history:
        now = found[-1] if event.standing is None else recorded_standing(event.standing, renamed)
        found.append(now)
    return found


def _since(
    history: Sequence[Event], standings: Sequence[Standing], places: Sequence[int], list_id: str
) -> tuple[str, str]:
    """Whether the list was undone and by which entry, or something newer was said or done."""
    for at in range(places[0] + 1, len(history)):
        event = history[at]
        if at in places:
            continue
        entry = event.entry
        undone = event.kind == UNDONE and entry is not None and entry.undoes == list_id
        if undone and event.outcome == "applied":
            return "undone_before", event.inbox_id
        if _matters(event, standings[at], standings[at + 1]):
            return "newer", ""
    return PENDING, ""


def _matters(event: Event, before: Standing, after: Standing) -> bool:
    if before.stood() != after.stood() or before.locked != after.locked:
        return True
    entry = event.entry
    if entry is None or event.reply is not None or event.outcome in _NO_EFFECT:
        return False
    return entry.decision.intent.stops or entry.decision.intent is Intent.OPT_IN


def _unknown(part: Event, before: Standing) -> bool:
    """Whether an older opt-out held of which there is no event any more."""
    return part.before == "blocked" and not before.blocked(part.program)
