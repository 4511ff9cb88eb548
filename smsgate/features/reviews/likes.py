"""Texts like one that was decided: the same words, whatever their case and punctuation."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.features.reviews.likeness import same_words
from smsgate.pipeline.open_reviews import Open, all_open
from smsgate.records import Records
from smsgate.records.stories import Worded
from smsgate.store import Store

PERIOD_US = 30 * 24 * 3600 * 1_000_000
_REVIEWS, _TRAIL = 3_000, 150
"""How many texts that waited, and ordinary ones of each partition, are looked through: the
newest."""


@dataclass(frozen=True, slots=True)
class Alike:
    """What the same words came to lately."""

    count: int
    """Other texts with the same words in the last 30 days, of those that were looked through."""
    waiting: list[Open]
    """Those of them that wait for a person."""
    partly: bool = False
    """Whether there were more texts than are looked through."""


def alike(store: Store, records: Records, number: str, program: str, text: str) -> Alike:
    """Other texts to the program with the same words.

    Texts that waited for a person, and ordinary ones from the trail. Raises ``StoreUnavailable``;
    while the records are away only the trail is looked through.
    """
    words = same_words(text)
    if not words:
        return Alike(0, [])
    since_us = store.health.now_us() - PERIOD_US
    waiting = {(one.program, one.number): one for one in all_open(store)}
    waited = _waited(records, since_us)
    count, found = _ordinary(store, number, program, words), {}
    for one in waited:
        same = one.program == program and one.number != number and same_words(one.text) == words
        held = waiting.get((program, one.number)) if same else None
        if held and held.first == held.newest and held.since_us == one.received_us:
            found[held.key] = held
        count += same
    return Alike(count, [*found.values()], len(waited) == _REVIEWS)


def _waited(records: Records, since_us: int) -> list[Worded]:
    with suppress(RecordsUnavailable, RecordsNotReady):
        return records.stories.worded("review", since_us, _REVIEWS)
    return []


def _ordinary(store: Store, number: str, program: str, words: str) -> int:
    return sum(
        entry.program == program and entry.number != number and same_words(entry.text) == words
        for entry in store.trail.newest_of_all(_TRAIL)
    )
