"""Texts that wait for a person, as the store holds them: of which numbers, and since when."""

from __future__ import annotations

from dataclasses import dataclass

from smsgate.domain.messages import ms_of
from smsgate.store.keys import partition_of
from smsgate.store.store import Store


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A number's texts to one program that are in review."""

    program: str
    number: str
    first: str
    """Inbox id of the text since which it waits."""
    newest: str
    """Inbox id of the newest text that waits; a decision must have seen it."""

    @property
    def key(self) -> str:
        """Partition and inbox id of the newest text; by it a decision says what was seen."""
        return f"{partition_of(self.number)}-{self.newest}"

    @property
    def since_us(self) -> int:
        """When the first text came."""
        return ms_of(self.first) * 1000


def list_open(store: Store) -> list[OpenReview]:
    """Return everything that waits, oldest first; one round trip."""
    found = [
        _open(*item)
        for partition in store.inbox_reader.all_review_holds()
        for item in partition.items()
    ]
    return sorted(found, key=lambda one: one.since_us)


def list_open_of(store: Store, number: str) -> list[OpenReview]:
    """Return what waits of one number, by program."""
    found = [_open(*item) for item in store.inbox_reader.review_holds(partition_of(number)).items()]
    return sorted((one for one in found if one.number == number), key=lambda one: one.program)


def _open(field: str, ids: str) -> OpenReview:
    program, _, number = field.partition(":")
    first, _, newest = ids.partition(" ")
    return OpenReview(program, number, first, newest or first)
