"""Decisions that people made about texts in review, and which of them can be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from smsgate.consent.reviews import REOPENED
from smsgate.consent.rules import REVIEWED, decision_id, seen_id
from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.messages import Entry, inbox_place
from smsgate.features.reviews.reader import ReviewReader
from smsgate.store.keys import PARTITIONS, partition_of
from smsgate.store.reader import OpenReview

UNDO_US = 48 * 3600 * 1_000_000
"""How long a decision can be taken back: as long as the store keeps the last change of a number."""
_MAX_SEARCHED = 500
"""Entries of a partition, and manual decisions, among which one is looked for."""


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """A decision that a person made."""

    key: str
    """Partition and inbox id."""
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


@dataclass(frozen=True)
class ReviewDecisions:
    """Finds decisions. Raises ``StoreUnavailable``; while the records are away, less is found."""

    reader: ReviewReader

    def find(self, key: str) -> ReviewDecision | None:
        """Return a decision by its key, from inbox, ledger, or records of the last two days."""
        return next((one for one in self._of_partition(key) if one.key == key), None)

    def newest(self, number: str, program: str) -> ReviewDecision | None:
        """Return the newest decision about a number's texts to a program."""
        mine = [
            one
            for one in self._of_partition(f"{partition_of(number)}-")
            if (one.entry.number, one.entry.program) == (number, program)
        ]
        return max(mine, key=lambda one: inbox_place(one.key.partition("-")[2]), default=None)

    def about(self, key: str) -> ReviewDecision | None:
        """Return the decision about what waited by that key."""
        id_ = decision_id(key)
        return next((one for one in self._of_partition(key) if one.entry.message_id == id_), None)

    def texts(self, some: Sequence[ReviewDecision]) -> dict[str, str]:
        """Return by key of a decision the text that it was about, where that is still known."""
        about = {
            one.key: OpenReview(one.entry.program, one.entry.number, id_, id_)
            for one in some
            if (id_ := seen_id(one.entry))
        }
        cases = self.reader.cases_of([*about.values()])
        return {key: case.text for key, case in zip(about, cases, strict=True) if case.entry}

    def lately(self, period_us: int, limit: int) -> list[ReviewDecision]:
        """Return what was decided within a period, newest first."""
        found = {one.key: one for one in self._made(period_us)}
        return sorted(found.values(), key=lambda one: one.at_us, reverse=True)[:limit]

    def _of_partition(self, key: str) -> Iterator[ReviewDecision]:
        """Yield the decisions of the key's partition."""
        partition = key.partition("-")[0]
        if partition.isdecimal() and int(partition[:9]) < PARTITIONS:
            yield from self._made(UNDO_US, int(partition))

    def _made(self, period_us: int, partition: int | None = None) -> Iterator[ReviewDecision]:
        """Yield decisions, perhaps of one partition, as an entry moves: so none is missed."""
        store, records = self.reader.store, self.reader.records
        partitions = range(PARTITIONS) if partition is None else [partition]
        for at in store.inbox.busy() if partition is None else partitions:
            for one in store.inbox_reader.latest(at, _MAX_SEARCHED):
                yield from _decision(one.entry, one.id, one.received_us, "")
        events = store.ledger_reader.newest(partitions, _MAX_SEARCHED)
        since_us = store.health.now_us() - period_us
        with suppress(RecordsUnavailable):
            events += [
                one.event
                for one in records.reader.newest(
                    _MAX_SEARCHED, source="operator", since_us=since_us
                )
            ]
        for event in events:
            if event.entry is not None and event.received_us >= since_us:
                yield from _decision(event.entry, event.inbox_id, event.received_us, event.outcome)


def _decision(entry: Entry, id_: str, at_us: int, outcome: str) -> Iterator[ReviewDecision]:
    """Yield the decision of an entry; nothing if the entry is no decision."""
    rule = entry.decision.rule
    if entry.source == "operator" and rule in (REVIEWED, REOPENED):
        found = "opt_out" if entry.decision.intent.stops else "none"
        decided = "undo" if rule == REOPENED else found
        yield ReviewDecision(f"{partition_of(entry.number)}-{id_}", decided, entry, at_us, outcome)
