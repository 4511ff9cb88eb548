"""Texts that wait for a person: which they are, since when, and what they say.

Until a person has decided, marketing programs may not text the number; no time releases it. What
the person decides stands in ``deciding.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from smsgate.consent.events import Event
from smsgate.consent.reviews import REOPENED, undecided
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.domain.messages import Entry, ms_of
from smsgate.records import Records
from smsgate.store import Store
from smsgate.store.keys import partition_of

INBOX, LEDGER = 2_000, 5_000
"""How many entries of a partition are looked through for texts that the records do not have yet."""
_EARLIER = 20


@dataclass(frozen=True, slots=True)
class Open:
    """A number that waits for a person, with one program."""

    program: str
    number: str
    first: str
    """Inbox id of the text since which it waits."""
    newest: str
    """Inbox id of the newest text that waits; a decision must have seen it."""

    @property
    def key(self) -> str:
        """The name of the wait: partition and inbox id of the newest text."""
        return f"{partition_of(self.number)}-{self.newest}"

    @property
    def since_us(self) -> int:
        """When the first text came."""
        return ms_of(self.first) * 1000


@dataclass(frozen=True, slots=True)
class Case:
    """What waits, and the text."""

    open: Open
    since_us: int
    """When the text came; earlier than the wait began where a decision was taken back."""
    entry: Entry | None
    """The text and how it was understood; None where it is not known any more."""

    @property
    def text(self) -> str:
        """What the subscriber wrote, as far as it is known."""
        return self.entry.text if self.entry else ""


def all_open(store: Store) -> list[Open]:
    """Everything that waits, oldest first; one round trip."""
    found = [
        _open(*item) for partition in store.numbers.all_review_holds() for item in partition.items()
    ]
    return sorted(found, key=lambda one: one.since_us)


def open_of(store: Store, number: str) -> list[Open]:
    """What waits of one number, by program."""
    rows = store.numbers.review_holds(partition_of(number))
    found = [_open(field, ids) for field, ids in rows.items() if field.endswith(f":{number}")]
    return sorted((one for one in found if one.number == number), key=lambda one: one.program)


def cases_of(store: Store, records: Records, some: Sequence[Open]) -> list[Case]:
    """The texts of what waits, in the same order.

    They stand in the records, in the ledger, or in the inbox where no worker has run. A database
    that is away must not hide that there is something to decide. Raises ``StoreUnavailable``.
    """
    found = _recorded(records, some)
    partitions = {partition_of(one.number) for one in some if _id(one) not in found}
    for partition in partitions:
        found |= {(partition, one.id): one.entry for one in store.inbox.latest(partition, INBOX)}
        found |= _entries(store.ledger.newest(partition, LEDGER))
    if partitions:  # what moved meanwhile is in the records by now
        found |= _recorded(records, [one for one in some if _id(one) not in found])
    return [_case(store, records, one, found.get(_id(one))) for one in some]


def still_open(records: Records) -> Iterator[tuple[str, str, str]]:
    """Program, number, and as the store has them the first and the newest text that wait."""
    numbers = dict.fromkeys(
        one.event.number for kind in ("review", "undo") for one in records.reading.of_kind(kind)
    )
    for number, story in zip(numbers, records.whole_stories.of(numbers), strict=True):
        for program, waiting in undecided(one.event for one in story).items():
            yield program, number, " ".join(dict.fromkeys((waiting[0], waiting[-1])))


def original(store: Store, records: Records, entry: Entry, until_us: int) -> Event | None:
    """The text about which a decision was taken back by ``entry``: the newest that waited before.

    Raises ``StoreUnavailable``.
    """
    found: list[Event] = []
    with suppress(RecordsUnavailable, RecordsNotReady):
        stories = records.stories.of_kinds(entry.number, ("review",), _EARLIER)
        found = [recorded.event for recorded in reversed(stories)]
    found += store.ledger.newest(partition_of(entry.number), LEDGER)
    wanted = ("review", entry.number, entry.program)
    for event in reversed(found):
        text = event.entry is not None and event.entry.source == "text"
        same = (event.kind, event.number, event.program) == wanted
        if text and same and event.received_us <= until_us:
            return event
    return None


def _open(field: str, ids: str) -> Open:
    program, _, number = field.partition(":")
    first, _, newest = ids.partition(" ")
    return Open(program, number, first, newest or first)


def _id(one: Open) -> tuple[int, str]:
    return partition_of(one.number), one.first


def _entries(events: Iterable[Event]) -> dict[tuple[int, str], Entry]:
    return {(partition_of(one.number), one.inbox_id): one.entry for one in events if one.entry}


def _recorded(records: Records, some: Sequence[Open]) -> dict[tuple[int, str], Entry]:
    with suppress(RecordsUnavailable, RecordsNotReady):
        places = [(one.number, one.since_us) for one in some]
        return _entries(one.event for one in records.stories.at(places)) if places else {}
    return {}


def _case(store: Store, records: Records, one: Open, entry: Entry | None) -> Case:
    if entry is None or entry.decision.rule != REOPENED:
        return Case(one, one.since_us, entry)
    found = original(store, records, entry, one.since_us)
    return Case(one, found.received_us if found else one.since_us, found.entry if found else None)
