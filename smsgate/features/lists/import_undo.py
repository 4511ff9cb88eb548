"""Undo of a whole import: each number returns to its state before the list.

A number of which something newer was said or done keeps what it has. What to put back is read from
the histories of the numbers; the entries that do it say how far those were read, and are applied
only where nothing came in between. So a run that was killed is simply run again, and of two runs at
once each number is put back by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from smsgate.consent.events import ConsentState, Event
from smsgate.consent.renamed_programs import recorded_consent_state
from smsgate.consent.reviews import undecided
from smsgate.domain.entry_parts import ListUndo
from smsgate.domain.messages import ALL, Decision, Entry, Intent
from smsgate.features.lists.imports import (
    UNDONE_OUTCOME,
    apply_entries,
    import_of,
    parts_of,
    record_import,
)
from smsgate.features.lists.results import ListResult, counting
from smsgate.interface.operation import Progress
from smsgate.pipeline.list_entries import UNDO, UNDONE
from smsgate.pipeline.services import Services
from smsgate.store.keys import PARTITIONS

CHUNK = 400
"""Numbers whose histories are read, and that are put back, together."""
_NO_EFFECT = ("refused", "kept", "stale", "recorded", "asked")
"""Outcomes of events that changed nothing."""


def undo_list(
    services: Services,
    id_: str,
    progress: Progress,
    result: Path | None = None,
    *,
    actor: str = "",
    reason: str = "",
) -> ListResult:
    """Undo a list, and wait until that is applied; without an actor say what that would do.

    ``result`` is where to write the numbers that are kept. Raises ``NoSuchList``,
    ``StoreUnavailable``, ``StoreNotReady``, and where histories cannot be read
    ``RecordsUnavailable``, ``RecordsDiffer``.
    """
    services.archiver.move_all()
    record = import_of(services.records, id_)
    found = ListResult(import_id=id_, applied=bool(actor))
    undo = Entry(
        number="",
        program=record.program,
        decision=Decision(Intent.NONE, rule="import_undone", note=reason),
        source="import",
        actor=actor,
        action=UNDO,
        undoes=id_,
    )
    with counting(found, result) as count:
        for partition in range(PARTITIONS):
            groups = (
                one for part in parts_of(services.records, id_, partition) for one in part.listed
            )
            numbers = [*dict.fromkeys(number for group in groups for number in group.numbers)]
            for at in range(0, len(numbers), CHUNK):
                for outcomes in _undo(services, partition, numbers[at : at + CHUNK], undo):
                    for number, outcome in outcomes.items():
                        count(outcome, number, 0)
                    progress("Undoing" if actor else "Reading histories", found.rows, 0)
    back = found.outcomes.get("undone" if actor else "would_undo", 0)
    numbers_back = "1 number" if back == 1 else f"{back:,} numbers"
    change = f"{numbers_back} {'' if actor else 'would be '}put back, {found.unused:,} kept."
    found.changes = [f"{record.file or id_}: {change}"]
    if actor and back:
        what = (id_, record.program, actor, reason, found.changes[0])
        record_import(services, *what, outcome=UNDONE_OUTCOME)
        services.archiver.move_all()  # so that the file can be imported anew at once
    return found


def _undo(
    services: Services, partition: int, numbers: Sequence[str], undo: Entry
) -> Iterator[dict[str, str]]:
    """Put back what can be, if somebody acts; gives by number what became of it, at every try."""
    outcomes, left = {"applied": "undone", "kept": "kept"}, numbers
    renamed = services.settings.programs.renamed
    while left:
        # First: what is applied by then is in the histories that are read after it.
        seen = services.store.inbox_reader.cursors([partition])[partition]
        found: dict[str, str] = {}
        alike: dict[Entry, list[str]] = defaultdict(list)
        for number, history in services.history.of_numbers(left).items():
            effect = effect_of_list(history, undo, seen, renamed)
            if isinstance(effect, Entry) and undo.actor:
                alike[effect].append(number)
            else:
                found[number] = effect if isinstance(effect, str) else "would_undo"
        entries = [replace(entry, numbers=tuple(some)) for entry, some in alike.items()]
        # What was stale, since another list was applied meanwhile, is looked at again; and so is
        # what a worker applied.
        for event in apply_entries(services, entries):
            for group in event.listed:
                if group.outcome in outcomes:
                    found |= dict.fromkeys(group.numbers, outcomes[group.outcome])
        yield found
        left = [number for number in left if number not in found]


def effect_of_list(
    history: Sequence[Event], undo: Entry, seen: str, renamed: Mapping[str, str]
) -> str | Entry:
    """What became of a number by a list, by its events, oldest first, read up to ``seen``.

    That is ``unchanged`` by the list, ``undone`` before, ``kept``, or ``undo`` as it puts the
    number back. ``renamed`` gives a program's name by its former one.
    """
    list_id = undo.undoes
    states = [ConsentState()]  # before each event, and after the last
    for event in history:
        known = event.consent_state
        states.append(recorded_consent_state(known, renamed) if known is not None else states[-1])
    places = [at for at, event in enumerate(history) if _is_part(event, list_id)]
    changing = [at for at in places if states[at].membership() != states[at + 1].membership()]
    if not changing:
        return "unchanged"
    first, last = places[0], places[-1]
    for at in range(first + 1, len(history)):
        event = history[at]
        undoes = event.entry.undoes if event.entry is not None else ""
        if event.kind == UNDONE and event.outcome == "applied" and undoes == list_id:
            return "undone"
        if at not in places and _matters(event, states[at], states[at + 1]):
            return "kept"
    # An older opt-out that held, of which there is no event any more.
    is_unknown = any(
        history[at].before == "blocked" and not states[at].blocked(history[at].program)
        for at in places
    )
    if is_unknown or undecided(history[:first]):
        return "kept"
    scopes = {history[at].scope or history[at].program for at in changing}
    return replace(
        undo,
        program=history[first].program,
        scope=scopes.pop() if len(scopes) == 1 else ALL,
        membership_before=states[first].membership(),
        list_undo=ListUndo(states[last + 1].membership(), seen),
    )


def _is_part(event: Event, list_id: str) -> bool:
    id_ = event.entry.message_id if event.entry is not None else ""
    return event.kind == "import" and id_.startswith(f"{list_id}-")


def _matters(event: Event, before: ConsentState, after: ConsentState) -> bool:
    if before.membership() != after.membership() or before.locked != after.locked:
        return True
    entry = event.entry
    if entry is None or event.reply is not None or event.outcome in _NO_EFFECT:
        return False
    return entry.decision.intent.stops or entry.decision.intent is Intent.OPT_IN
