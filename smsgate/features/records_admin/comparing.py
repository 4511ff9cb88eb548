"""Compared: whether the store's sets hold exactly the numbers that the records say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from smsgate.consent.events import NumberState, Standing
from smsgate.domain.messages import ALL
from smsgate.pipeline.archive import Recording
from smsgate.records import Records
from smsgate.store import Store
from smsgate.store.commits import memberships
from smsgate.store.keys import PARTITIONS

_NOTHING = NumberState()
_LOOKED = 200
"""Numbers that are looked at again together."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that stands otherwise in the store than in the records."""

    number: str
    store: Standing
    records: Standing


def differences(store: Store, records: Records, recording: Recording) -> Iterator[Difference]:
    """The numbers that differ, partition by partition, after everything that waits was recorded.

    What changes while it is compared is looked at again, and counts only if it still differs.
    Raises ``StoreUnavailable``, ``StoreNotReady``, ``RecordsUnavailable``, ``RecordsDiffer`` ….
    """
    recording.move_all()
    in_store: dict[int, dict[tuple[str, str], set[int]]] = defaultdict(lambda: defaultdict(set))
    for partition, kind, scope, numbers in store.restoring.members():
        in_store[partition][kind, scope] |= numbers
    programs = sorted({scope for partition in in_store.values() for _, scope in partition} - {ALL})
    for partition in range(PARTITIONS):
        suspects = _suspects(in_store.pop(partition, {}), _recorded(records, partition))
        if suspects:
            recording.move_all()
        for at in range(0, len(suspects), _LOOKED):
            yield from _still(store, records, partition, suspects[at : at + _LOOKED], programs)


def _recorded(records: Records, partition: int) -> dict[tuple[str, str], set[int]]:
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for one in records.reading.numbers(partition):
        for place in memberships(one.standing):
            found[place].add(int(one.number))
    return found


def _suspects(
    here: dict[tuple[str, str], set[int]], there: dict[tuple[str, str], set[int]]
) -> list[str]:
    found: set[int] = set()
    for place in here.keys() | there.keys():
        found |= here.get(place, set()) ^ there.get(place, set())
    return [f"+{number}" for number in sorted(found)]


def _still(
    store: Store, records: Records, partition: int, numbers: list[str], programs: list[str]
) -> Iterator[Difference]:
    # A number may be in a partition that is not its own.
    standings = store.numbers.standings(partition, numbers, programs).by_number()
    for number in numbers:
        recorded = records.reading.number(number)
        there = _plain(recorded.standing if recorded else Standing())
        here = _plain(standings[number])
        if here != there:
            yield Difference(number, here, there)


def _plain(standing: Standing) -> Standing:
    """Without what is remembered for 48 hours only."""
    return msgspec.structs.replace(standing, state=_NOTHING)
