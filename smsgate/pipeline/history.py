"""What happened, from both places where it stands: the records, and the ledgers before them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smsgate.consent.events import Event, numbers_of, told_of
from smsgate.domain.errors import RecordsNotReady
from smsgate.records import Recorded, Records
from smsgate.store import Store
from smsgate.store.keys import PARTITIONS, partition_of


def of_number(store: Store, records: Records, number: str) -> list[Event]:
    """The events of a number, oldest first.

    Raises ``StoreUnavailable``, ``RecordsUnavailable``, ``RecordsNotReady``: a history with
    holes in it is none.
    """
    waiting = store.ledger.of_number(number)  # first: what moves meanwhile is in both
    _refuse_elsewhere(store, records)
    return _together(records.reading.of_number(number), waiting)


def of_numbers(store: Store, records: Records, numbers: Sequence[str]) -> dict[str, list[Event]]:
    """The events of different numbers, oldest first. Raises as ``of_number``."""
    waiting: dict[str, list[Event]] = {number: [] for number in numbers}
    for partition in sorted({partition_of(number) for number in numbers}):
        for event in store.ledger.of_partition(partition):
            for number in numbers_of(event) & waiting.keys():
                told = told_of(event, number)
                waiting[number] += [told] if told is not None else []
    _refuse_elsewhere(store, records)
    stories = records.whole_stories.of(numbers)
    return {
        number: _together(story, waiting[number])
        for number, story in zip(numbers, stories, strict=True)
    }


def of_kind(store: Store, records: Records, kind: str) -> list[Event]:
    """Every event of a kind, in the order of receipt. Raises as ``of_number``."""
    events = (
        event for partition in range(PARTITIONS) for event in store.ledger.of_partition(partition)
    )
    waiting = [event for event in events if event.kind == kind]
    _refuse_elsewhere(store, records)
    found = _together(records.reading.of_kind(kind), waiting)
    return sorted(found, key=lambda event: event.received_us)


def _together(recorded: Iterable[Recorded], waiting: list[Event]) -> list[Event]:
    events = [one.event for one in recorded]
    known = {event.id for event in events}
    return events + [event for event in waiting if event.id not in known]


def _refuse_elsewhere(store: Store, records: Records) -> None:
    if records.absent and any(store.ledger.kept().values()):
        raise RecordsNotReady(
            "the records are on another host or in another place: set DATABASE_URL, or work where "
            "the clock runs"
        )
