"""The order in which texts wait for a person: the oldest first.

Before all others come those in which somebody may speak of ending their life.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.consent.rules import decision_id
from smsgate.features.reviews.cases import ReviewCase, read_cases
from smsgate.monitoring.conditions import span
from smsgate.records import Records
from smsgate.store.keys import partition_of
from smsgate.store.reader import OpenReview
from smsgate.store.store import Store

MAX_READ = 2_000
"""Texts that are read and put into order, the oldest."""
ROW_CHARS = 160
"""The longest text that the row of a table shows whole."""


class QueuePage(NamedTuple):
    """A page of what waits."""

    first: ReviewCase | None
    """What is next, whichever page this is."""
    reviews: Sequence[ReviewCase]
    total: int
    late: int
    """How many are past our own deadline."""


class ReviewQueue:
    """Orders what waits. Every method raises ``StoreUnavailable``."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store, self._records = store, records

    def page(self, start: int, count: int, program: str, text: str) -> QueuePage:
        """Return ``count`` of what waits from ``start``; of a program and with a text, if given."""
        waiting = self._read(self._store.inbox_reader.open_reviews()[:MAX_READ])
        found = [
            one
            for one in waiting
            if program in ("", one.program) and _folded(text) in _folded(one.text)
        ]
        found.sort(key=lambda one: (not (one.entry and is_urgent(one)), one.received_us))
        now_us = self._store.health.now_us()
        late = sum(now_us > one.received_us + REVIEW_DEADLINE_US for one in found)
        first = found[0] if found else None
        return QueuePage(first, found[start : start + count], len(found), late)

    def waiting(self, keys: Collection[str]) -> list[ReviewCase]:
        """Return what waits by these keys: not what was decided, or where a newer text came."""
        waiting = self._store.inbox_reader.open_reviews()
        return self._read([one for one in waiting if one.key in keys])

    def find(self, key: str) -> ReviewCase | None:
        """Return what waits by that key."""
        return next(iter(self.waiting([key])), None)

    def newer(self, key: str) -> str:
        """Return the key of what waits since the text of that key; empty where nothing does."""
        for one in self._store.inbox_reader.open_reviews():
            if f"{partition_of(one.number)}-{one.first}" == key:
                return one.key
        return ""

    def _read(self, some: Sequence[OpenReview]) -> list[ReviewCase]:
        """Read texts, without those with a decision that no worker has applied yet."""
        decided = self._store.inbox_reader.were_received(
            [(one.number, "", decision_id(one.key)) for one in some]
        )
        some = [one for one, met in zip(some, decided, strict=True) if not met]
        return read_cases(self._store, self._records, some)


def is_urgent(one: ReviewCase) -> bool:
    """Whether somebody may be speaking of ending their life."""
    return one.entry is None or one.entry.decision.rule == "self_harm"


def fits_row(one: ReviewCase) -> bool:
    """Whether the row of a table shows all that somebody must read before they decide."""
    return one.first == one.newest and not is_urgent(one) and 0 < len(one.text) <= ROW_CHARS


def time_left(received_us: int, now_us: int) -> str:
    """Say how long there is to our own deadline, or how long it is over, such as ``3 h left``."""
    left_us = received_us + REVIEW_DEADLINE_US - now_us
    return f"{span(abs(left_us) / 1_000_000)} {'left' if left_us >= 0 else 'late'}"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
