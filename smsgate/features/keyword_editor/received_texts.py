"""What subscribers texted, as far as it is kept: from the sample log, the records and the ledger.

Whoever reads it may stop after any page and go on later, in another process. So that what was read
until then is a fair sample, the sources take turns: of the sample log one partition after the other
(which partition a number has is as good as drawn by lot), of the records the newest texts, up to a
bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.domain.messages import Entry
from smsgate.records import Records
from smsgate.records.received import Behind
from smsgate.store import Store
from smsgate.store.keys import PARTITIONS

PAGE = 500
OF_RECORDS = 40_000
"""Texts of the records that are read at most."""
OF_LEDGER = 5_000
"""Events of a partition's ledger; it is longer only where the records have been away for long."""
_ALL = -1
_PLACE = re.compile(
    r"(\d{1,3})\|(\d{1,15}-\d{1,12})?\|(-1|\d{1,6})\|(?:(\d{1,17}):([A-Za-z0-9-]{1,64}))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Place:
    """How far the texts were read."""

    partition: int = 0
    """Whose sample log and ledger come next; ``PARTITIONS`` where all were read."""
    behind: str = ""
    """Id of the last text of the partition's sample log that was read."""
    count: int = 0
    """Texts of the records that were read; -1 where they have no more."""
    records: Behind | None = None
    """The last of them."""

    def __str__(self) -> str:
        """As a form keeps it."""
        at = f"{self.records.received_us}:{self.records.event_id}" if self.records else ""
        return f"{self.partition}|{self.behind}|{self.count}|{at}"

    @property
    def share(self) -> float:
        """How much of everything was read, from 0 to 1."""
        recorded = 1.0 if self.count == _ALL else min(1.0, self.count / OF_RECORDS)
        return (min(1.0, self.partition / PARTITIONS) + recorded) / 2

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.partition >= PARTITIONS and self.count == _ALL


def place_of(text: str) -> Place:
    """What ``str(place)`` was; the beginning where it is none."""
    found = _PLACE.fullmatch(text)
    if found is None:
        return Place()
    partition, behind, count, us, id_ = found.groups(default="")
    return Place(int(partition), behind, int(count), Behind(int(us), id_) if us else None)


class Texts:
    """Reads the texts to all programs. Raises ``StoreUnavailable``.

    While the records are away, it is what the store has.
    """

    def __init__(
        self, store: Store, records: Records, *, ledger: bool = True, trail: bool = True
    ) -> None:
        """Use these collaborators. ``ledger``: what changed something; ``trail``: the rest."""
        self._store = store
        self._records = records
        self._ledger = ledger
        self._trail = trail

    def pages(self, place: Place) -> Iterator[tuple[list[Entry], Place]]:
        """Pages of texts, each with the place behind it."""
        while not place.ended:
            if place.partition < PARTITIONS:
                found, place = self._of_store(place)
                yield _texted(found), place
            if place.count != _ALL:
                found, place = self._of_records(place)
                yield _texted(found), place

    def _of_store(self, place: Place) -> tuple[list[Entry], Place]:
        """A page of a partition's sample log, then at its end the partition's ledger."""
        page = (
            self._store.sample_log.page(place.partition, place.behind, PAGE) if self._trail else []
        )
        if page:
            return [entry for _, entry in page], replace(place, behind=page[-1][0])
        found = self._of_ledger(place.partition) if self._ledger else []
        return found, replace(place, partition=place.partition + 1, behind="")

    def _of_ledger(self, partition: int) -> list[Entry]:
        """What is not in the records yet."""
        events = [*islice(self._store.ledger.of_partition(partition), OF_LEDGER)]
        try:
            known = self._records.reading.has([event.id for event in events]) if events else set()
        except (RecordsUnavailable, RecordsNotReady):
            known = set()
        return [event.entry for event in events if event.entry and event.id not in known]

    def _of_records(self, place: Place) -> tuple[list[Entry], Place]:
        try:
            page = self._records.received.page(place.records, PAGE) if self._ledger else []
        except (RecordsUnavailable, RecordsNotReady):
            page = []
        if not page:
            return [], replace(place, count=_ALL)
        last, count = page[-1].event, place.count + len(page)
        more = len(page) == PAGE and count < OF_RECORDS
        behind = Behind(last.received_us or last.applied_us, last.id)
        found = [one.event.entry for one in page if one.event.entry]
        return found, replace(place, count=count if more else _ALL, records=behind)


def _texted(entries: list[Entry]) -> list[Entry]:
    """Those that are texts to a program; of some the text was taken away since."""
    return [one for one in entries if one.text and one.program and one.source == "text"]
