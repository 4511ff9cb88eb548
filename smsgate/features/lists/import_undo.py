"""Undo of a whole import: each number returns to its state before the list.

A number of which something newer was said or done keeps what it has. What to put back is read from
the histories of the numbers; the entries that do it say how far those were read, and are applied
only where nothing came in between. So a run that was killed is simply run again, and of two runs at
once each number is put back by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from smsgate.consent.events import ConsentState, Event
from smsgate.consent.renamed_programs import recorded_consent_state
from smsgate.consent.reviews import undecided
from smsgate.domain.entry_parts import ListUndo
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.features.lists.import_record import (
    UNDONE_OUTCOME,
    import_of,
    parts_of,
    record_import,
)
from smsgate.features.lists.results import ListResult, counting
from smsgate.interface.operation import Progress
from smsgate.pipeline.apply import InboxApplier
from smsgate.pipeline.history import History
from smsgate.pipeline.list_entries import UNDO, UNDONE
from smsgate.pipeline.services import Services
from smsgate.store.keys import PARTITIONS

PENDING = "would_undo"
CHUNK = 400
"""Numbers whose histories are read, and that are put back, together."""
_TRIES = 20
"""How often numbers are looked at again while other lists are applied in their partition."""
_NO_EFFECT = ("refused", "kept", "stale", "recorded", "asked")
"""Outcomes of events that changed nothing."""


def effect_of_list(
    history: Sequence[Event], list_id: str, renamed: Mapping[str, str]
) -> str | Entry:
    """What became of a number by a list, by its events, oldest first.

    That is ``unchanged`` by the list, ``undone`` before, ``kept``, or the entry that puts it back,
    without its numbers. ``renamed`` gives a program's name by its former one.
    """
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
        if event.kind == UNDONE and event.outcome == "applied" and _undoes(event) == list_id:
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
    return Entry(
        number="",
        program=history[first].program,
        decision=Decision(Intent.NONE, rule="import_undone"),
        source="import",
        scope=scopes.pop() if len(scopes) == 1 else ALL,
        action=UNDO,
        membership_before=states[first].membership(),
        undoes=list_id,
        list_undo=ListUndo(states[last + 1].membership()),
    )


def _undoes(event: Event) -> str:
    return event.entry.undoes if event.entry is not None else ""


def _is_part(event: Event, list_id: str) -> bool:
    entry = event.entry
    return (
        event.kind == "import" and entry is not None and entry.message_id.startswith(f"{list_id}-")
    )


def _matters(event: Event, before: ConsentState, after: ConsentState) -> bool:
    if before.membership() != after.membership() or before.locked != after.locked:
        return True
    entry = event.entry
    if entry is None or event.reply is not None or event.outcome in _NO_EFFECT:
        return False
    return entry.decision.intent.stops or entry.decision.intent is Intent.OPT_IN


class ImportUndo:
    """Undoes imports.

    Everything raises ``NoSuchList``, ``StoreUnavailable``, ``StoreNotReady``, and where histories
    cannot be read ``RecordsUnavailable``, ``RecordsDiffer``.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store, self._records = services.store, services.records
        # Of its own, so that the events that it applied come back here alone.
        self._applier = InboxApplier(
            services.settings, services.content, services.store, services.job_queue
        )

    def run(
        self,
        id_: str,
        progress: Progress,
        result: Path | None = None,
        *,
        actor: str = "",
        reason: str = "",
    ) -> ListResult:
        """Undo a list, and wait until that is applied; without an actor say what that would do.

        ``result`` is where to write the numbers that are kept.
        """
        self._services.archiver.move_all()
        record, found = import_of(self._records, id_), ListResult(import_id=id_)
        with counting(found, result) as count:
            for partition in range(PARTITIONS):
                for some in self._chunks(id_, partition):
                    outcomes = self._undo(id_, partition, some, actor, reason)
                    for number, outcome in outcomes.items():
                        count(outcome, number, 0)
                    progress("Undoing" if actor else "Reading histories", found.rows, 0)
        would, back = (found.outcomes.get(one, 0) for one in (PENDING, "undone"))
        numbers = "1 number" if would + back == 1 else f"{would + back:,} numbers"
        change = f"{numbers} {'would be ' * bool(would)}put back, {found.unused:,} kept."
        found.changes = [f"{record.file or id_}: {change}"]
        found.applied = bool(actor)
        if actor and back:
            what = (id_, record.program, actor, reason, found.changes[0])
            record_import(self._services, *what, outcome=UNDONE_OUTCOME)
            self._services.archiver.move_all()  # so that the file can be imported anew at once
        return found

    def _chunks(self, id_: str, partition: int) -> Iterator[list[str]]:
        """The numbers of a list in a partition, each once."""
        parts = parts_of(self._records, id_, partition)
        groups = (group for part in parts for group in part.listed)
        numbers = [*dict.fromkeys(number for group in groups for number in group.numbers)]
        for at in range(0, len(numbers), CHUNK):
            yield numbers[at : at + CHUNK]

    def _undo(
        self, id_: str, partition: int, numbers: Sequence[str], actor: str, reason: str
    ) -> dict[str, str]:
        """Put back what can be, if somebody acts; gives of each number what became of it."""
        found: dict[str, str] = dict.fromkeys(numbers, PENDING)
        renamed = self._services.settings.programs.renamed
        for _ in range(_TRIES):
            left = [number for number, outcome in found.items() if outcome == PENDING]
            # First: what is applied by then is in the histories that are read after it.
            seen = self._store.inbox_reader.cursors([partition])[partition]
            alike: dict[Entry, list[str]] = defaultdict(list)
            for number, history in History(self._store, self._records).of_numbers(left).items():
                effect = effect_of_list(history, id_, renamed)
                if isinstance(effect, str):
                    found[number] = effect
                else:
                    alike[effect].append(number)
            if not alike or not actor:
                return found
            entries = [
                msgspec.structs.replace(
                    entry,
                    numbers=tuple(some),
                    actor=actor,
                    decision=msgspec.structs.replace(entry.decision, note=reason),
                    list_undo=msgspec.structs.replace(entry.list_undo, seen=seen),
                )
                for entry, some in alike.items()
                if entry.list_undo is not None
            ]
            found |= self._enter(partition, entries)
            if PENDING not in found.values():
                return found
        return {one: "busy" if outcome == PENDING else outcome for one, outcome in found.items()}

    def _enter(self, partition: int, entries: Iterable[Entry]) -> dict[str, str]:
        """Enter entries and wait until they are applied, here or by a worker.

        Gives of numbers what became of them; what another worker applied, and what was stale, is
        to be looked at again.
        """
        added, _ = self._store.inbox.add([Arrival(entry) for entry in entries])
        ids, found = [one.id for one in added], dict[str, str]()
        outcomes = {"applied": "undone", "kept": "kept"}
        while self._store.inbox_reader.waits(partition, ids[-1]):
            for event in self._applier.drain_events(partition):
                for group in event.listed if event.inbox_id in ids else ():
                    if group.outcome in outcomes:
                        found |= dict.fromkeys(group.numbers, outcomes[group.outcome])
        return found
