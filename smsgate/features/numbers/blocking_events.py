"""The events that block a number: where no mark is kept of it, they say since when and why.

A lock has no mark, nor has a number of an imported list (of 100 million numbers they would take
more memory than the sets), nor one whose mark is gone with an older store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from smsgate.consent.events import Event, told_of
from smsgate.domain.messages import ALL
from smsgate.records import Records
from smsgate.store import Store
from smsgate.store.keys import partition_of

LOCK = "lock"
_LEDGER = 2_000
"""Events of the partition that are not in the records yet: all, while the records keep up."""
_LOCKS, _LISTS, _OPT_OUTS = 5, 20, 50


def of_ledger(store: Store, number: str) -> list[Event]:
    """Those that the records may not have yet, newest first. Raises ``StoreUnavailable``."""
    events = store.ledger.newest(partition_of(number), _LEDGER)
    told = (told_of(event, number) for event in reversed(events))
    return [*_blocking(event for event in told if event is not None)]


def of_records(records: Records, number: str) -> list[Event]:
    """The newest on record, newest first. Raises ``RecordsUnavailable``, ``RecordsNotReady``."""
    stories = records.stories
    found = [
        *stories.told(number, (LOCK,), _LOCKS),
        *stories.of_kinds(number, ("opt_out", "opt_out_all"), _OPT_OUTS),
        *stories.of_lists(number, None, _LISTS),
    ]
    newest = sorted(found, key=lambda one: one.seq, reverse=True)
    return [*_blocking(one.event for one in newest)]


def cause_of(events: Iterable[Event], reason: str, programs: Collection[str]) -> Event | None:
    """The event that made a program's ``reason`` (``locked``, ``opted_out``, ``opted_out_all``).

    ``events``: newest first. ``programs``: the program's name, and those that it had before.
    """
    if reason == "locked":
        return next((one for one in events if one.kind == LOCK), None)
    scopes = (ALL,) if reason == "opted_out_all" else programs
    return next((one for one in events if one.scope in scopes), None)


def _blocking(events: Iterable[Event]) -> Iterable[Event]:
    return (
        one
        for one in events
        if one.outcome == "applied" and one.entry is not None and one.entry.decision.intent.stops
    )
