"""What happened, from both places where it stands: the records, and the ledgers before them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smsgate import __version__
from smsgate.consent.events import Event, event_id
from smsgate.consent.list_import import event_for, numbers_of
from smsgate.domain.errors import RecordsNotReady
from smsgate.domain.messages import Decision, Entry, Intent
from smsgate.records import Recorded, Records
from smsgate.store.keys import partition_of
from smsgate.store.store import Store


class History:
    """Finds events, oldest first.

    Each method raises ``StoreUnavailable``, ``RecordsUnavailable``: a history
    with holes in it is none.
    """

    def __init__(self, store: Store, records: Records) -> None:
        """Read the ledgers of this store, which moves its events to these records."""
        self._store = store
        self._records = records

    def of_number(self, number: str) -> list[Event]:
        """The events of a number (E.164)."""
        return self.of_numbers([number])[number]

    def of_numbers(self, numbers: Sequence[str]) -> dict[str, list[Event]]:
        """The events of different numbers, by number."""
        # The ledgers first: what moves meanwhile is in both.
        waiting: dict[str, list[Event]] = {number: [] for number in numbers}
        for partition in sorted({partition_of(number) for number in numbers}):
            for event in self._store.ledger_reader.of_partition(partition):
                for number in numbers_of(event) & waiting.keys():
                    part = event_for(event, number)
                    waiting[number] += [part] if part is not None else []
        self._refuse_elsewhere()
        stories = self._records.reader.of_numbers(numbers)
        return {
            number: _together(story, waiting[number])
            for number, story in zip(numbers, stories, strict=True)
        }

    def _refuse_elsewhere(self) -> None:
        if self._records.database.absent and any(self._store.ledger.kept().values()):
            raise RecordsNotReady(
                "the records are on another host or in another place: set DATABASE_URL, or work "
                "where the clock runs"
            )


def _together(recorded: Iterable[Recorded], waiting: list[Event]) -> list[Event]:
    events = [one.event for one in recorded]
    known = {event.id for event in events}
    return events + [event for event in waiting if event.id not in known]


def operator_event(
    kind: str,
    note: str,
    actor: str,
    reason: str,
    now_us: int,
    *about: str,
    number: str = "",
) -> Event:
    """What an operator did to smsgate itself, or to what it knows of a number.

    ``about`` goes into its id.
    """
    entry = Entry(
        number=number,
        program="",
        decision=Decision(Intent.NONE, rule=kind, note=reason),
        source="operator",
        actor=actor,
        phone=bool(number),
    )
    return Event(
        id=event_id(now_us // 1000, kind, *about),
        kind=kind,
        outcome="applied",
        number=number,
        entry=entry,
        received_us=now_us,
        applied_us=now_us,
        note=note,
        software=__version__,
    )
