"""Undo of a whole import: each number returns to its state before the list.

A number of which something newer was said or done keeps what it has. What to put back is read from
the histories of the numbers; the entries that do it say how far those were read, and are applied
only where nothing came in between. So a run that was killed is simply run again, and of two runs at
once each number is put back by one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec

from smsgate.consent.events import ConsentState, Event
from smsgate.consent.renamed_programs import recorded_consent_state
from smsgate.consent.reviews import undecided
from smsgate.domain.entry_parts import ListUndo, SetMembership
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.features.lists.import_record import (
    UNDONE_OUTCOME,
    import_of,
    parts_of,
    record_import,
)
from smsgate.features.lists.number_import import NumberImport
from smsgate.files import csv_file
from smsgate.interface.operation import Progress
from smsgate.pipeline.history import History
from smsgate.pipeline.list_entries import UNDO, UNDONE
from smsgate.pipeline.services import Services
from smsgate.store.keys import PARTITIONS

PENDING = "would_undo"
_NO_EFFECT = ("refused", "kept", "stale", "recorded", "asked")
"""Outcomes of events that changed nothing."""


@dataclass(frozen=True, slots=True)
class ListEffect:
    """What a list did to a number, and whether that can be undone."""

    outcome: str
    """``would_undo``; or why not: ``unchanged``, ``undone_before``, ``newer``, ``waited``,
    ``not_known`` (see ``import_undo.UNDO_OUTCOMES``)."""
    before: SetMembership = SetMembership()  # noqa: RUF009 - frozen
    """The sets of the number before the list."""
    after: SetMembership = SetMembership()  # noqa: RUF009 - frozen
    """Its sets since."""
    program: str = ""
    """That the list was for, or ``all``."""
    scope: str = ""
    """Where it changed something: the one program, or ``all``."""
    undone_by: str = ""
    """Inbox id of the entry that put the number back."""


def effect_of_list(
    history: Sequence[Event], list_id: str, renamed: Mapping[str, str]
) -> ListEffect:
    """What became of a number by a list, by its events, oldest first.

    ``renamed`` gives a program's name by its former one.
    """
    places = [at for at, event in enumerate(history) if _is_part(event, list_id)]
    consent_states = _consent_states(history, renamed)
    changing = [
        at
        for at in places
        if consent_states[at].membership() != consent_states[at + 1].membership()
    ]
    if not changing:
        return ListEffect("unchanged")
    first, last = places[0], places[-1]
    before = consent_states[first]
    outcome, undone_by = _outcome_since(history, consent_states, places, list_id)
    if outcome == PENDING and any(_is_unknown(history[at], consent_states[at]) for at in places):
        outcome = "not_known"
    if outcome == PENDING and undecided(history[:first]):
        outcome = "waited"
    program = history[first].program
    scopes = {history[at].scope or history[at].program for at in changing}
    return ListEffect(
        outcome,
        before.membership(),
        consent_states[last + 1].membership(),
        program,
        scopes.pop() if len(scopes) == 1 else ALL,
        undone_by,
    )


def _is_part(event: Event, list_id: str) -> bool:
    entry = event.entry
    return (
        event.kind == "import" and entry is not None and entry.message_id.startswith(f"{list_id}-")
    )


def _consent_states(history: Sequence[Event], renamed: Mapping[str, str]) -> list[ConsentState]:
    """The number's state before each event, and after the last."""
    found = [ConsentState()]
    for event in history:
        state = event.consent_state
        found.append(recorded_consent_state(state, renamed) if state is not None else found[-1])
    return found


def _outcome_since(
    history: Sequence[Event],
    consent_states: Sequence[ConsentState],
    places: Sequence[int],
    list_id: str,
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
        if _matters(event, consent_states[at], consent_states[at + 1]):
            return "newer", ""
    return PENDING, ""


def _matters(event: Event, before: ConsentState, after: ConsentState) -> bool:
    if before.membership() != after.membership() or before.locked != after.locked:
        return True
    entry = event.entry
    if entry is None or event.reply is not None or event.outcome in _NO_EFFECT:
        return False
    return entry.decision.intent.stops or entry.decision.intent is Intent.OPT_IN


def _is_unknown(part: Event, before: ConsentState) -> bool:
    """Whether an older opt-out held of which there is no event any more."""
    return part.before == "blocked" and not before.blocked(part.program)


CHUNK = 400
"""Numbers whose histories are read, and that are put back, together."""
_TRIES = 20
"""How often numbers are looked at again while other lists are applied in their partition."""
UNDO_OUTCOMES = {
    PENDING: "would be reverted",
    "undone": "reverted",
    "undone_before": "reverted earlier",
    "unchanged": "not changed by the import",
    "newer": "kept: changed since the import, or named by a later one",
    "waited": "kept: a text was in review at the time of the import",
    "not_known": "kept: the earlier status is no longer on record",
    "busy": "not done: other imports were running; undo again",
}
"""What becomes of a number of a list that is undone, and what that means."""
KEPT = ("newer", "waited", "not_known", "busy")


class UndoResult(msgspec.Struct, tag=True):
    """What became of the numbers of a list, or would."""

    import_id: str
    note: str
    """In a sentence."""
    outcomes: dict[str, int]
    applied: bool = False


_Work = Callable[[int, Sequence[str]], dict[str, str]]


class ImportUndo:
    """Undoes imports.

    Everything raises ``NoSuchList``, ``StoreUnavailable``, ``StoreNotReady``, and where histories
    cannot be read ``RecordsUnavailable``, ``RecordsDiffer``.
    """

    def __init__(self, services: Services) -> None:
        self._renamed = services.settings.programs.renamed
        self._store = services.store
        self._records = services.records
        self._archiver = services.archiver
        self._number_import = NumberImport(services)

    def preview(self, id_: str, progress: Progress, result: Path | None = None) -> UndoResult:
        """Say what undoing a list would do; nothing is changed.

        ``result`` is where to write a CSV file with the outcome of each number.
        """

        def previewed(_: int, numbers: Sequence[str]) -> dict[str, str]:
            return {number: one.outcome for number, one in self._effects(id_, numbers).items()}

        return self._run("Reading histories", id_, progress, result, previewed)

    def apply(
        self, id_: str, actor: str, reason: str, progress: Progress, result: Path | None = None
    ) -> UndoResult:
        """Undo a list, and wait until that is applied."""

        def undo(partition: int, numbers: Sequence[str]) -> dict[str, str]:
            return self._undo(id_, partition, numbers, actor, reason)

        self._archiver.move_all()
        record = import_of(self._records, id_)
        found = self._run("Undoing", id_, progress, result, undo)
        found.applied = True
        if found.outcomes.get("undone") or not record.undone_us:
            entry = Entry(
                number="",
                program=record.program,
                decision=Decision(Intent.NONE, rule=UNDONE, note=reason),
                source="import",
                actor=actor,
                message_id=record.id,
                phone=False,
            )
            record_import(self._store, entry, UNDONE_OUTCOME, found.note)
            self._archiver.move_all()  # so that the same file can be imported anew at once
        return found

    def _run(
        self, what: str, id_: str, progress: Progress, result: Path | None, work: _Work
    ) -> UndoResult:
        self._archiver.move_all()
        record, outcomes, done = import_of(self._records, id_), Counter[str](), 0
        with csv_file(result, ["number", "outcome", "why"]) if result else nullcontext() as write:
            for partition in range(PARTITIONS):
                for numbers in self._chunks(id_, partition):
                    found = work(partition, numbers)
                    outcomes.update(found.values())
                    if write is not None:
                        for number, outcome in found.items():
                            write([number, outcome, UNDO_OUTCOMES.get(outcome, "")])
                    done += len(numbers)
                    progress(what, done, 0)
        name = record.file or record.id
        return UndoResult(id_, _undo_text(name, outcomes), dict(outcomes.most_common()))

    def _chunks(self, id_: str, partition: int) -> Iterator[list[str]]:
        """The numbers of a list in a partition, each once."""
        parts = parts_of(self._records, id_, partition)
        numbers = [
            *dict.fromkeys(
                number for part in parts for group in part.listed for number in group.numbers
            )
        ]
        for at in range(0, len(numbers), CHUNK):
            yield numbers[at : at + CHUNK]

    def _effects(self, id_: str, numbers: Sequence[str]) -> dict[str, ListEffect]:
        histories = History(self._store, self._records).of_numbers(numbers)
        return {
            number: effect_of_list(history, id_, self._renamed)
            for number, history in histories.items()
        }

    def _undo(
        self, id_: str, partition: int, numbers: Sequence[str], actor: str, reason: str
    ) -> dict[str, str]:
        """Put back what can be; gives of each number what became of it."""
        found: dict[str, str] = {}
        left, mine, kept = [*numbers], set[str](), set[str]()
        for _ in range(_TRIES):
            # First: what is applied by then is in the histories that are read after it.
            seen = self._store.inbox_reader.cursors([partition])[partition]
            effects = self._effects(id_, left)
            for number, one in effects.items():
                found[number] = "undone" if one.undone_by in mine else one.outcome
            found |= dict.fromkeys(kept & found.keys(), "newer")
            left = [number for number in left if found[number] == PENDING]
            if not left:
                break
            pending = {number: effects[number] for number in left}
            ids, outcomes = self._enter(partition, _entries(id_, pending, seen, actor, reason))
            mine |= ids
            kept = {number for number, outcome in outcomes.items() if outcome == "kept"}
            # What another worker applied, and what was stale, is looked at again.
            undone = [number for number, outcome in outcomes.items() if outcome == "applied"]
            found |= dict.fromkeys(undone, "undone")
            left = [number for number in left if found[number] == PENDING]
            if not left:
                break
        found |= dict.fromkeys(left, "busy")
        return found

    def _enter(self, partition: int, entries: Iterable[Entry]) -> tuple[set[str], dict[str, str]]:
        """Enter entries and wait until they are applied, here or by a worker.

        Gives their inbox ids, and what became of each number, where that is known.
        """
        added, _ = self._store.inbox.add([Arrival(entry) for entry in entries])
        outcomes: dict[str, str] = {}
        for one in added:
            outcomes |= self._number_import.applied(partition, one.id)
        return {one.id for one in added}, outcomes


def _undo_text(name: str, outcomes: Counter[str]) -> str:
    would, kept = outcomes[PENDING], sum(outcomes[one] for one in KEPT)
    count = outcomes["undone"] + outcomes["undone_before"] + would
    numbers = "1 number" if count == 1 else f"{count:,} numbers"
    return f"{name}: {numbers} {'would be ' * bool(would)}put back, {kept:,} kept."


def undo_text(result: UndoResult) -> str:
    """A result for somebody at a terminal."""
    lines = [result.note]
    lines += [
        f"{count:>9,}  {name}: {UNDO_OUTCOMES[name]}" for name, count in result.outcomes.items()
    ]
    if not result.applied:
        lines.append("Nothing was changed. To undo it, run the command again without --preview.")
    return "\n".join(lines)


def _entries(
    id_: str, pending: Mapping[str, ListEffect], seen: str, actor: str, reason: str
) -> Iterator[Entry]:
    """An entry for all numbers with the same states before and after the list."""
    alike: dict[ListEffect, list[str]] = defaultdict(list)
    for number, effect in pending.items():
        alike[effect].append(number)
    for effect, numbers in alike.items():
        yield Entry(
            number="",
            program=effect.program,
            decision=Decision(Intent.NONE, rule="import_undone", note=reason),
            source="import",
            actor=actor,
            scope=effect.scope,
            action=UNDO,
            membership_before=effect.before,
            undoes=id_,
            list_undo=ListUndo(effect.after, seen),
            numbers=tuple(numbers),
        )
