"""Apply an entry that carries numbers of a list: all at once, and as one event."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from smsgate import __version__
from smsgate.consent.events import (
    ConsentState,
    Event,
    ListGroup,
    NumberState,
    PublishedProgram,
    event_id,
)
from smsgate.consent.list_import import apply_listed, as_plain, undo_listed
from smsgate.domain.messages import ALL, Entry, StoredEntry, ms_of
from smsgate.store.keys import hold_field
from smsgate.store.numbers import Effects, Move
from smsgate.store.store import Store

UNDO, UNDONE = "undo_import", "import_undone"
"""The action of an entry that undoes an import, and the kind of its event."""


class ListApplier:
    """Applies it to the numbers of a list, those that stand alike together."""

    def __init__(self, store: Store, published: Mapping[str, PublishedProgram]) -> None:
        """Use this store; ``published`` are the programs that are configured."""
        self._store = store
        self._published = published

    def effects(self, partition: int, stored: StoredEntry) -> Effects:
        """What the entry does to its numbers. Raises ``StoreUnavailable``, ``StoreNotReady``."""
        entry, inbox = stored.entry, self._store.inbox_reader
        programs = sorted({*self._published, *_named(entry)} - {"", ALL})
        numbers = [*dict.fromkeys(entry.numbers)]
        found = self._store.numbers.consent_states(partition, numbers, programs)
        waiting = inbox.review_holds(partition)
        is_undo, plain = entry.action == UNDO, as_plain(stored)
        last_list = inbox.last_list(partition) if is_undo else ""
        since = dict(zip(entry.numbers, entry.since_us, strict=False))
        sources = dict(zip(entry.numbers, entry.external_sources, strict=False))
        names = self._published if entry.scope == ALL else [entry.scope or entry.program]
        effects, listed = Effects({}, {}), list[ListGroup]()
        for before, some in [
            *found.alike,
            *((one, [key]) for key, one in found.remembered.items()),
        ]:
            transition = (
                undo_listed(stored, before, last_list, found.now_us)
                if is_undo
                else apply_listed(plain, before, self._published, found.now_us)
            )
            after = transition.after
            is_changed = after != before
            group = ListGroup(
                numbers=tuple(some),
                outcome=transition.outcome,
                before=_state(before, entry.program),
                after=_state(after, entry.program),
                consent_state=after if is_changed else None,
                previous=_sets(before) if _sets(after) != _sets(before) else None,
                note=transition.note,
                since_us=tuple(since.get(number, 0) for number in some) if since else (),
                external_sources=tuple(map(sources.__getitem__, some)) if sources else (),
            )
            listed.append(group)
            if is_changed and after.state == before.state:
                effects.moves.append(Move(some, before, after))
            elif is_changed:  # more is remembered of them than sets say: one by one
                effects.before.update(dict.fromkeys(some, before))
                effects.after.update(dict.fromkeys(some, after))
            if transition.closes_review and waiting:
                fields = (hold_field(name, number) for name in names for number in some)
                effects.decided.extend((one, stored.id) for one in fields if one in waiting)
        effects.events.append(_event(partition, stored, listed, found.now_us))
        return effects


def _event(partition: int, stored: StoredEntry, listed: list[ListGroup], now_us: int) -> Event:
    entry = stored.entry
    outcomes = {group.outcome for group in listed}
    kind = UNDONE if entry.action == UNDO else "import"
    return Event(
        id=event_id(ms_of(stored.id), str(partition), stored.id, kind, entry.message_id),
        kind=kind,
        outcome=outcomes.pop() if len(outcomes) == 1 else "applied",
        number="",
        program=entry.program,
        scope=entry.scope,
        listed=tuple(listed),
        inbox_id=stored.id,
        entry=replace(entry, numbers=(), since_us=(), external_sources=()),
        event_time_us=stored.event_time_us,
        received_us=stored.received_us,
        applied_us=now_us,
        software=__version__,
    )


def _named(entry: Entry) -> set[str]:
    """The programs that an entry names, be they configured or not."""
    after = entry.list_undo.membership_after if entry.list_undo else None
    memberships = [one for one in (entry.membership_before, after) if one]
    names = ((*one.opted_out, *one.exceptions, *one.consents) for one in memberships)
    return {entry.program}.union(*names)


def _sets(consent_state: ConsentState) -> ConsentState:
    return replace(consent_state, state=NumberState())


def _state(consent_state: ConsentState, program: str) -> str:
    return "blocked" if consent_state.blocked(program) else "allowed"
