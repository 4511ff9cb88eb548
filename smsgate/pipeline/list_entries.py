"""Apply an entry that carries numbers of a list: all at once, and as one event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from smsgate import __version__
from smsgate.consent.events import ConsentState, Event, ListGroup, PublishedProgram, event_id
from smsgate.consent.list_import import as_plain, settle_listed, settle_undone
from smsgate.consent.transitions import Settlement
from smsgate.domain.messages import ALL, Entry, StoredEntry, ms_of
from smsgate.store.keys import hold_field
from smsgate.store.numbers import Effects, Move
from smsgate.store.store import Store

UNDO, UNDONE = "undo_import", "import_undone"
"""The action of an entry that undoes an import, and the kind of its event."""


class ListApplier:
    """Settles the numbers of a list, those that stand alike together."""

    def __init__(self, store: Store, published: Mapping[str, PublishedProgram]) -> None:
        """Use this store; ``published`` are the programs that are configured."""
        self._store = store
        self._published = published

    def effects(self, partition: int, stored: StoredEntry) -> Effects:
        """What the entry does to its numbers. Raises ``StoreUnavailable``, ``StoreNotReady``."""
        entry = stored.entry
        programs = sorted({*self._published, *_named(entry)} - {"", ALL})
        numbers = [*dict.fromkeys(entry.numbers)]
        consent_states = self._store.numbers.consent_states(partition, numbers, programs)
        waiting = self._store.inbox_reader.review_holds(partition)
        settle = self._settling(partition, stored, consent_states.now_us)
        effects, listed = Effects({}, {}), list[ListGroup]()
        since = dict(zip(entry.numbers, entry.since_us, strict=False))
        sources = dict(zip(entry.numbers, entry.external_sources, strict=False))
        groups = [
            *consent_states.alike,
            *((one, [number]) for number, one in consent_states.remembered.items()),
        ]
        for before, some in groups:
            settled = settle(before)
            after = settled.consent_state
            group = ListGroup(
                numbers=tuple(some),
                outcome=settled.outcome,
                before=_state(before, entry.program),
                after=_state(after, entry.program),
                consent_state=after if after != before else None,
                note=settled.note,
                since_us=tuple(since.get(number, 0) for number in some) if since else (),
                external_sources=tuple(map(sources.__getitem__, some)) if sources else (),
            )
            listed.append(group)
            _note(effects, some, before, after)
            if settled.closes_review and waiting:
                effects.decided.extend(self._closed(stored, some, waiting))
        effects.events.append(_event(partition, stored, listed, consent_states.now_us))
        return effects

    def _settling(
        self, partition: int, stored: StoredEntry, now_us: int
    ) -> Callable[[ConsentState], Settlement]:
        """Return a function from a consent state to the effect of the entry on it."""
        if stored.entry.action == UNDO:
            last_list = self._store.inbox_reader.last_list(partition)
            return lambda before: settle_undone(stored, before, last_list, now_us)
        plain = as_plain(stored)
        return lambda before: settle_listed(plain, before, self._published, now_us)

    def _closed(
        self, stored: StoredEntry, numbers: Iterable[str], waiting: Mapping[str, str]
    ) -> list[tuple[str, str]]:
        entry = stored.entry
        names = self._published if entry.scope == ALL else [entry.scope or entry.program]
        fields = (hold_field(name, number) for name in names for number in numbers)
        return [(one, stored.id) for one in fields if one in waiting]


def _note(effects: Effects, numbers: list[str], before: ConsentState, after: ConsentState) -> None:
    """Numbers of which more is remembered than sets say are written one by one."""
    if after == before:
        return
    if after.state == before.state:
        effects.moves.append(Move(numbers, before, after))
        return
    effects.before.update(dict.fromkeys(numbers, before))
    effects.after.update(dict.fromkeys(numbers, after))


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
        entry=msgspec.structs.replace(entry, numbers=(), since_us=(), external_sources=()),
        event_time_us=stored.event_time_us,
        received_us=stored.received_us,
        applied_us=now_us,
        software=__version__,
    )


def _named(entry: Entry) -> set[str]:
    """The programs that an entry names, be they configured or not."""
    memberships = [
        entry.membership_before,
        entry.list_undo.membership_after if entry.list_undo else None,
    ]
    names = {
        name
        for one in memberships
        if one
        for name in (*one.opted_out, *one.exceptions, *one.consents)
    }
    return {entry.program, *names}


def _state(consent_state: ConsentState, program: str) -> str:
    return "blocked" if consent_state.blocked(program) else "allowed"
