"""Store and records compared number by number, and older records adopted.

Adopting records how numbers stand in the store. Without that the opt-outs that the records lack
would be in the store alone, and gone with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from smsgate import __version__
from smsgate.consent.events import ConsentState, Event, NumberState, event_id
from smsgate.domain.messages import ALL, Decision, Entry, Intent
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.history import operator_event
from smsgate.records import Records
from smsgate.records.removal import ADOPTED
from smsgate.store.keys import PARTITIONS, partition_of
from smsgate.store.numbers import memberships
from smsgate.store.store import Store

_NOTHING = NumberState()
_LOOKED = 200
"""Numbers that are looked at again together."""


@dataclass(frozen=True, slots=True)
class ConsentStateDifference:
    """A number that stands otherwise in the store than in the records."""

    number: str
    store: ConsentState
    records: ConsentState


def differences(
    store: Store, records: Records, archiver: LedgerArchiver
) -> Iterator[ConsentStateDifference]:
    """The numbers that differ, partition by partition, after everything that waits was recorded.

    What changes while it is compared is looked at again, and counts only if it still differs.
    Raises ``StoreUnavailable``, ``StoreNotReady``, ``RecordsUnavailable``, ``RecordsDiffer`` ….
    """
    archiver.move_all()
    in_store: dict[int, dict[tuple[str, str], set[int]]] = defaultdict(lambda: defaultdict(set))
    for partition, kind, scope, numbers in store.rebuild.members():
        in_store[partition][kind, scope] |= numbers
    programs = sorted({scope for partition in in_store.values() for _, scope in partition} - {ALL})
    for partition in range(PARTITIONS):
        suspects = _suspects(in_store.pop(partition, {}), _recorded(records, partition))
        if suspects:
            archiver.move_all()
        for at in range(0, len(suspects), _LOOKED):
            yield from _still(store, records, partition, suspects[at : at + _LOOKED], programs)


def _recorded(records: Records, partition: int) -> dict[tuple[str, str], set[int]]:
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for one in records.reader.numbers(partition):
        for place in memberships(one.consent_state):
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
) -> Iterator[ConsentStateDifference]:
    # A number may be in a partition that is not its own.
    consent_states = store.numbers.consent_states(partition, numbers, programs).by_number()
    for number in numbers:
        recorded = records.reader.number(number)
        there = _plain(recorded.consent_state if recorded else ConsentState())
        here = _plain(consent_states[number])
        if here != there:
            yield ConsentStateDifference(number, here, there)


def _plain(consent_state: ConsentState) -> ConsentState:
    """Without what is remembered for 48 hours only."""
    return msgspec.structs.replace(consent_state, state=_NOTHING)


_NOTE = "as it stood in the store when the records went on without its events"
_ROUNDS = 3
"""What changes while it is noted is looked at again."""


def adopt(
    store: Store,
    records: Records,
    archiver: LedgerArchiver,
    actor: str,
    reason: str,
    progress: Callable[[int], None],
) -> tuple[list[int], int]:
    """Go on with older records; gives their partitions, and how many numbers were noted in them.

    ``progress`` is told how many numbers were noted.
    Raises as ``LedgerArchiver.move``.
    """
    partitions, noted = _go_on(store, records, actor, reason), set[str]()
    for _ in range(_ROUNDS if partitions else 0):
        progress(len(noted))
        for one in differences(store, records, archiver):
            if partition_of(one.number) in partitions:
                event = _noted(one.number, one.store, store.health.now_us(), actor, reason)
                store.ledger.append(partition_of(one.number), event)
                noted.add(one.number)
                progress(len(noted))
        archiver.move_all()
    return partitions, len(noted)


def _go_on(store: Store, records: Records, actor: str, reason: str) -> list[int]:
    """Believe the records where they lack what the store was told that they have.

    What is missing is recorded in each partition concerned; gives these partitions.
    """
    kept, seqs = store.ledger.kept(), records.writer.seqs()
    lacking = {
        partition: seqs.get(partition, 0)
        for partition in kept
        if kept[partition] > seqs.get(partition, 0)
    }
    now_us = store.health.now_us()
    store.ledger.set_kept(lacking)
    for partition, seq in lacking.items():
        note = f"the records went on behind {seq}; the store had been told of {kept[partition]}"
        adopted = operator_event(ADOPTED, note, actor, reason, now_us, str(partition), note)
        store.ledger.append(partition, adopted)
    return [*lacking]


def _noted(number: str, consent_state: ConsentState, now_us: int, actor: str, reason: str) -> Event:
    decision = Decision(Intent.NONE, rule=ADOPTED, note=reason)
    about = Entry(number=number, program="", decision=decision, source="operator", actor=actor)
    return Event(
        id=event_id(now_us // 1000, ADOPTED, number, str(now_us)),
        kind=ADOPTED,
        outcome="applied",
        number=number,
        consent_state=consent_state,
        entry=about,
        received_us=now_us,
        applied_us=now_us,
        note=_NOTE,
        software=__version__,
    )
