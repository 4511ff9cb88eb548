"""Store and records compared number by number, and older records adopted.

Adopting records how numbers stand in the store. Without that the opt-outs that the records lack
would be in the store alone, and gone with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from smsgate.consent.events import ConsentState, MembershipKey, NumberState
from smsgate.domain.messages import ALL
from smsgate.interface.operation import Progress
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.history import operator_event
from smsgate.records.removal import ADOPTED
from smsgate.store.keys import PARTITIONS, partition_of

_LOOKED = 200
"""Numbers that are looked at again together."""
_ROUNDS = 3
"""What changes while it is noted is looked at again."""


class AdoptionResult(msgspec.Struct, frozen=True):
    """In how many partitions the records were accepted, and how many numbers were noted in them."""

    partitions: int
    numbers: int


def differences(archiver: LedgerArchiver) -> Iterator[tuple[str, ConsentState, ConsentState]]:
    """Numbers that differ, and how they stand in store and records, after all that waits is moved.

    What changes while it is compared is looked at again, and counts only if it still differs.
    Raises ``StoreUnavailable``, ``StoreNotReady``, ``RecordsUnavailable``, ``RecordsDiffer`` ….
    """
    store, reader = archiver.store, archiver.records.reader
    archiver.move_all()
    in_store: dict[int, dict[MembershipKey, set[int]]] = defaultdict(lambda: defaultdict(set))
    for partition, key, members in store.rebuild.members():
        in_store[partition][key] |= members
    programs = sorted({scope for places in in_store.values() for _, scope in places} - {ALL})
    for partition in range(PARTITIONS):
        recorded: dict[MembershipKey, set[int]] = defaultdict(set)
        for row in reader.numbers(partition):
            for place in row.consent_state.memberships():
                recorded[place].add(int(row.number))
        here = in_store.pop(partition, {})
        suspects = set[int]().union(
            *(here.get(one, set()) ^ recorded.get(one, set()) for one in {*here, *recorded})
        )
        if suspects:
            archiver.move_all()
        ordered = [f"+{number}" for number in sorted(suspects)]
        for numbers in (ordered[at : at + _LOOKED] for at in range(0, len(ordered), _LOOKED)):
            # A number may be in a partition that is not its own.
            states = store.numbers.consent_states(partition, numbers, programs).by_number()
            known = {one.number: one.consent_state for one in reader.numbers_of(numbers)}
            for number in numbers:
                there = _plain(known.get(number, ConsentState()))
                if (mine := _plain(states[number])) != there:
                    yield number, mine, there


def text_of(consent_state: ConsentState) -> str:
    """How a number stands, in a few words."""
    parts = ["locked"] if consent_state.locked else []
    parts += ["out of all"] if consent_state.everywhere else []
    parts += [f"out of {name}" for name in sorted(consent_state.opted_out)]
    parts += [f"back in {name}" for name in sorted(consent_state.exceptions)]
    parts += [f"agreed to {name}" for name in sorted(consent_state.consents)]
    return ", ".join(parts) or "nothing"


def _plain(consent_state: ConsentState) -> ConsentState:
    """Without what is remembered for 48 hours only."""
    return msgspec.structs.replace(consent_state, state=NumberState())


def adopt(archiver: LedgerArchiver, actor: str, reason: str, progress: Progress) -> AdoptionResult:
    """Go on with older records. Raises as ``LedgerArchiver.move``."""
    store, what = archiver.store, "Recording the numbers of the store"
    partitions, noted = _accept(archiver, actor, reason), set[str]()
    for _ in range(_ROUNDS if partitions else 0):
        progress(what, len(noted), 0)
        for number, consent_state, _ in differences(archiver):
            if partition_of(number) in partitions:
                now_us = store.health.now_us()
                note = "as it stood in the store when the records went on without its events"
                event = operator_event(ADOPTED, note, actor, reason, now_us, number, str(now_us))
                event = msgspec.structs.replace(event, number=number, consent_state=consent_state)
                store.ledger.append(partition_of(number), event)
                noted.add(number)
                progress(what, len(noted), 0)
        archiver.move_all()
    return AdoptionResult(len(partitions), len(noted))


def _accept(archiver: LedgerArchiver, actor: str, reason: str) -> dict[int, int]:
    """Believe the records where they lack what the store was told that they have.

    What is missing is recorded in each partition concerned; gives these partitions.
    """
    store = archiver.store
    kept, seqs = store.ledger.kept(), archiver.records.writer.seqs()
    lacking = {at: seqs.get(at, 0) for at in kept if kept[at] > seqs.get(at, 0)}
    now_us = store.health.now_us()
    store.ledger.set_kept(lacking)
    for partition, seq in lacking.items():
        note = f"the records went on behind {seq}; the store had been told of {kept[partition]}"
        adopted = operator_event(ADOPTED, note, actor, reason, now_us, str(partition), note)
        store.ledger.append(partition, adopted)
    return lacking
