"""Decisions of people about texts that waited: what was decided, by whom, and about which text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from smsgate.consent.events import Event
from smsgate.consent.reviews import REOPENED, REVIEWED, decision_id, seen_id
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.domain.messages import Entry, inbox_place, ms_of
from smsgate.pipeline.open_reviews import original
from smsgate.records import Records
from smsgate.store import Store
from smsgate.store.keys import PARTITIONS, partition_of

UNDO_US = 48 * 3600 * 1_000_000
"""How long a decision can be taken back: as long as the marks of a number are kept."""
_NEWEST = 500
"""Entries of a partition, and decisions by hand, among which one is looked for."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was made."""

    key: str
    """Its name: partition and inbox id."""
    decided: str
    """``opt_out``, ``none`` or ``undo``."""
    entry: Entry
    at_us: int
    outcome: str
    """Of its event; empty where it is not applied yet."""

    @property
    def undoes(self) -> str:
        """The key of the decision that it takes back."""
        return self.entry.message_id.removeprefix(f"{REOPENED}-") if self.decided == "undo" else ""

    @property
    def about(self) -> tuple[str, int]:
        """Number and receipt of the text that was decided; 0 where that is not known."""
        id_ = seen_id(self.entry)
        return self.entry.number, ms_of(id_) * 1000 if id_ else 0


class Made:
    """Finds decisions. Raises ``StoreUnavailable``; while the records are away, less is found."""

    def __init__(self, store: Store, records: Records) -> None:
        """Use these collaborators; nothing is asked yet."""
        self._store = store
        self._records = records

    def find(self, key: str) -> Decided | None:
        """A decision by its key: in the inbox, the ledger, or the records of the last two days."""
        return next((one for one in self._of_partition(key) if one.key == key), None)

    def newest(self, number: str, program: str) -> Decided | None:
        """The newest decision about a number's texts to a program."""
        made = self._of_partition(f"{partition_of(number)}-")
        wanted = (number, program)
        mine = [one for one in made if (one.entry.number, one.entry.program) == wanted]
        return max(mine, key=lambda one: inbox_place(one.key.partition("-")[2]), default=None)

    def about(self, key: str) -> Decided | None:
        """The decision about what waited by that key."""
        wanted = decision_id(key)
        return next(
            (one for one in self._of_partition(key) if one.entry.message_id == wanted), None
        )

    def texts(self, some: Sequence[Decided]) -> dict[str, str]:
        """By key of a decision the text that it was about, where that is still known."""
        places = {one.about: one.key for one in some if one.about[1]}
        events = self._store.ledger.newest_of_all(_NEWEST)
        with suppress(RecordsUnavailable, RecordsNotReady):
            events += [one.event for one in self._records.stories.at([*places])]
        found = {(event.number, event.received_us): event for event in events}
        pairs = ((key, found.get(place)) for place, key in places.items())
        return {key: self._text(event) for key, event in pairs if event is not None}

    def _text(self, event: Event) -> str:
        """What waited: the text, or the one about which a decision was taken back before."""
        entry = event.entry
        if entry is None or entry.decision.rule != REOPENED:
            return entry.text if entry else ""
        first = original(self._store, self._records, entry, event.received_us)
        return first.entry.text if first is not None and first.entry is not None else ""

    def lately(self, period_us: int, limit: int) -> list[Decided]:
        """What was decided within a period, newest first."""
        waiting = self._waiting(self._store.inbox.busy())
        found = {one.key: one for one in (*waiting, *self._made(period_us))}
        return sorted(found.values(), key=lambda one: one.at_us, reverse=True)[:limit]

    def _of_partition(self, key: str) -> Iterator[Decided]:
        """The decisions of the partition that a key names, as an entry moves: so none is missed."""
        partition = key.partition("-")[0]
        if partition.isdecimal() and int(partition[:9]) < PARTITIONS:
            yield from self._waiting([int(partition)])
            yield from self._made(UNDO_US, int(partition))

    def _waiting(self, partitions: Sequence[int]) -> list[Decided]:
        """What is not applied yet."""
        found = [
            one for partition in partitions for one in self._store.inbox.latest(partition, _NEWEST)
        ]
        made = (_decided(one.entry, one.id, one.received_us, "") for one in found)
        return [one for one in made if one is not None]

    def _made(self, period_us: int, partition: int | None = None) -> Iterator[Decided]:
        ledger = self._store.ledger
        events = (
            ledger.newest_of_all(_NEWEST)
            if partition is None
            else ledger.newest(partition, _NEWEST)
        )
        since_us = self._store.health.now_us() - period_us
        with suppress(RecordsUnavailable, RecordsNotReady):
            events += [one.event for one in self._records.stories.by_hand(since_us, _NEWEST)]
        for event in events:
            if event.entry is not None and event.received_us >= since_us:
                found = _decided(event.entry, event.inbox_id, event.received_us, event.outcome)
                if found is not None:
                    yield found


def _decided(entry: Entry, id_: str, at_us: int, outcome: str) -> Decided | None:
    rule, intent = entry.decision.rule, entry.decision.intent
    if entry.source != "operator" or rule not in (REVIEWED, REOPENED):
        return None
    what = "undo" if rule == REOPENED else "opt_out" if intent.stops else "none"
    return Decided(f"{partition_of(entry.number)}-{id_}", what, entry, at_us, outcome)
