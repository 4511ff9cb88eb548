"""Undo of a whole import: each number returns to the sets that it was in before the list.

A number of which something newer was said or done keeps what it has; another list that has the
number counts until it is undone itself. What is newer is read from the records; the entries that
put numbers back say how far those were read, and are applied only where nothing came in between.
So a run that was killed is simply run again, and of two runs at once each number is put back by
one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import not_, select

from smsgate.consent.events import event_id
from smsgate.consent.renamed_programs import recorded_consent_state
from smsgate.consent.reviews import undecided
from smsgate.domain.entry_parts import ListUndo
from smsgate.domain.messages import Decision, Entry, Intent
from smsgate.features.lists.imports import (
    IMPORT_FILE,
    UNDONE_OUTCOME,
    Importer,
    begins_with,
    entry_of,
    import_event,
    list_of,
    parts_of,
    undone_lists,
)
from smsgate.features.lists.results import ListResult, counting
from smsgate.interface.operation import Progress
from smsgate.pipeline.list_entries import UNDO
from smsgate.records import Recorded, Records
from smsgate.records.reader import EVENTS, lists_with, recorded_of, rows_of
from smsgate.records.tables import events
from smsgate.store.keys import PARTITIONS

PARTS_AT_ONCE = 64
"""Parts of a list, each of up to 500 numbers of a partition, that are put back together."""
_LOOKS = 5
"""How often numbers are looked at, where another list is applied meanwhile."""
_NEWER = ("opt_out", "opt_out_all", "opt_in", "restored", "consent", "lock", "unlock", "undo")
"""Kinds of events by which a number was told otherwise; that of another list is one, too."""
_NO_EFFECT = ("refused", "kept", "stale", "recorded", "asked")
"""Outcomes of events that changed nothing."""


def undo_list(
    importer: Importer,
    id_: str,
    progress: Progress,
    result: Path | None = None,
    *,
    actor: str = "",
    reason: str = "",
) -> ListResult:
    """Undo a list, and wait until that is applied; without an actor say what that would do.

    ``result`` is where to write the numbers that are kept. Raises ``NotFound``,
    ``StoreUnavailable``, ``StoreNotReady``, ``RecordsUnavailable``, ``RecordsDiffer``.
    """
    importer.archiver.move_all()
    imported, undone = import_event(importer.records, id_), undone_lists(importer.records)
    undo = Entry(
        number="",
        program=imported.program,
        scope=imported.scope,
        decision=Decision(Intent.NONE, rule="import_undone", note=reason),
        source="import",
        actor=actor,
        action=UNDO,
        undoes=id_,
    )
    found = ListResult(import_id=id_, applied=bool(actor))
    with counting(found, result) as count:
        parts = parts_of(importer.records, id_)
        while some := [*islice(parts, PARTS_AT_ONCE)]:
            for number, outcome in _undo(importer, some, undo, undone):
                count(outcome, number, 0)
            progress("Undoing" if actor else "Reading the records", found.rows, 0)
    back = found.outcomes.get("undone" if actor else "would_undo", 0)
    is_new = back > 0 if id_ in undone else found.unused < found.rows
    if id_ not in undone:  # an earlier try was killed
        back += found.outcomes.get("undone_before", 0)
    numbers_back = "1 number" if back == 1 else f"{back:,} numbers"
    change = f"{numbers_back} {'' if actor else 'would be '}put back, {found.unused:,} kept."
    if id_ in undone and not is_new:
        change = f"it was undone already, {found.unused:,} kept."
    found.changes = [f"{entry_of(imported).decision.note or id_}: {change}"]
    if actor and is_new:
        # Of two first undos at once each counts what the other put back: one of them is recorded.
        first = event_id(imported.received_us // 1000, IMPORT_FILE, id_, UNDONE_OUTCOME)
        once = "" if id_ in undone else first
        importer.record(replace(undo, message_id=id_), found.changes[0], UNDONE_OUTCOME, once)
        importer.archiver.move_all()  # so that the file can be imported anew at once
    return found


def _undo(
    importer: Importer, parts: Sequence[Recorded], undo: Entry, undone_ids: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Put back what can be, if somebody acts; gives numbers, and what became of each."""
    outcomes = dict[str, str]()
    for _ in range(_LOOKS):
        waiting = [part for part in parts if any(_entries(importer, part, outcomes, undo, ""))]
        # First: what is applied by then is in the records that are read after it.
        seen = importer.store.inbox_reader.cursors([*range(PARTITIONS)])
        importer.archiver.move_all()
        entries = list[Entry]()
        for part in waiting:
            outcomes |= _since(importer.records, part, undo.undoes, undone_ids)
            entries += _entries(importer, part, outcomes, undo, seen[part.partition])
        if not (entries and undo.actor):
            break
        for event in importer.apply(entries):
            applied = (group.numbers for group in event.listed if group.outcome == "applied")
            outcomes |= dict.fromkeys(chain.from_iterable(applied), "undone")
    otherwise = "kept" if undo.actor else "would_undo"
    for group in (group for part in parts for group in part.event.listed):
        for number in group.numbers:
            yield number, outcomes.get(number, otherwise) if group.previous else "unchanged"


def _entries(
    importer: Importer, part: Recorded, done: dict[str, str], undo: Entry, seen: str
) -> Iterator[Entry]:
    """What puts back the numbers of a part that are not ``done``."""
    renamed = importer.settings.programs.renamed
    for group in part.event.listed:
        if group.previous is None or group.consent_state is None:
            continue
        before = recorded_consent_state(group.previous, renamed).membership()
        after = recorded_consent_state(group.consent_state, renamed).membership()
        numbers = tuple(one for one in group.numbers if one not in done)
        if numbers:
            yield replace(
                undo,
                program=part.event.program,
                scope=part.event.scope or part.event.program,
                membership_before=before,
                list_undo=ListUndo(after, seen),
                numbers=numbers,
            )


def _since(
    records: Records, part: Recorded, list_id: str, undone_ids: Collection[str]
) -> dict[str, str]:
    """Which numbers of a part were undone before, and which are to be kept.

    Lists that were undone count for nothing.
    """
    groups = [group for group in part.event.listed if group.previous is not None]
    numbers = [number for group in groups for number in group.numbers]
    is_newer = (events.c.partition == part.partition) & (events.c.seq > part.seq)
    kept, undone = set[str](), set[str]()
    others = is_newer & events.c.id.in_(lists_with(numbers)) & not_(begins_with(f"{list_id}-"))
    for row in rows_of(records.database, EVENTS.where(others)):
        event = recorded_of(row).event
        is_ours = list_of(event) == list_id
        for group in event.listed:
            if group.outcome not in _NO_EFFECT and (is_ours or list_of(event) not in undone_ids):
                (undone if is_ours else kept).update(group.numbers)
    said = is_newer & events.c.kind.in_(_NEWER) & events.c.outcome.not_in(_NO_EFFECT)
    asked = select(events.c.number, events.c.kind).where(events.c.number.in_(numbers))
    rows = rows_of(records.database, asked.where(said | (events.c.kind == "review")))
    kept |= {row.number for row in rows if row.kind != "review"}
    # A list ended the wait of a text for a person, who would never see it.
    set_aside, reviewed = {*undone_ids, list_id}, sorted({row.number for row in rows} - kept)
    for number, story in zip(reviewed, records.reader.of_numbers(reviewed), strict=True):
        told = [one.event for one in story]
        for place, event in enumerate(told):
            if event.kind == "import" and list_of(event) in set_aside:
                ended = undecided(told[:place]) != undecided(told[: place + 1])
                kept |= {number} if ended else set()
    return dict.fromkeys(kept, "kept") | dict.fromkeys(undone, "undone_before")
