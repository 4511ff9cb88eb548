"""The one reader of how numbers stand: for the gate, for a reply about to leave, and for workers.

The script ``states`` tells everything about numbers of a partition and several programs; ``check``
answers the gate (see ``gate_check``). All numbers of one call of a script are read at
one moment: a number that moves from hold to set would otherwise be seen in neither. Nothing here
writes, and everything raises ``StoreNotReady`` where a partition has no metadata or is being
rebuilt, and ``StoreUnavailable``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from smsgate.consent.events import ConsentState, NumberState
from smsgate.domain.errors import StoreNotReady
from smsgate.store.connection import Call, Script
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.metadata import METADATA_FIELDS, bucket_count_of, published_of, refuse_buckets
from smsgate.store.redis_types import Client

STATES_CHUNK = 2000
"""Questions in one call of ``states`` (a set of a number each), for it to take a millisecond."""

_IN = ord("1")
_NO_STATE = NumberState()
_state = msgspec.json.Decoder(NumberState).decode


@dataclass(frozen=True, slots=True)
class SendSnapshot:
    """A number as it is just before a reply leaves."""

    consent_state: ConsentState
    is_held: bool
    """Whether an accepted opt-out of the program or of all is not applied yet."""


@dataclass(slots=True)
class ConsentStates:
    """How numbers of a partition stand. Nearly all stand as others do, so they come in groups."""

    now_us: int = 0
    """On Redis's clock."""
    alike: list[tuple[ConsentState, list[str]]] = field(default_factory=list)
    """Numbers that stand alike, of which the partition remembers nothing more."""
    remembered: dict[str, ConsentState] = field(default_factory=dict)
    """The others."""

    def by_number(self) -> dict[str, ConsentState]:
        """By number; those that stand alike share theirs."""
        found = dict(self.remembered)
        for consent_state, some in self.alike:
            found.update(dict.fromkeys(some, consent_state))
        return found


class NumberReader:
    """Reads sets, holds, review holds and remembered states."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._states = Script(client, "states")
        self._buckets = 0

    def before_send(self, number: str, program: str) -> SendSnapshot:
        """How a number stands with a program, and whether an opt-out of it is held.

        Raises ``UnknownProgram`` where the program is not published.
        """
        partition = partition_of(number)
        for _, raw in self._read({partition: [number]}, [program], program=program):
            published_of(raw[4], program)
            bits = raw[2][0]
            state = _state(raw[3][1]) if raw[3] else _NO_STATE
            return SendSnapshot(_consent_state(bits, [program], state), _IN in bits[-2:])
        raise AssertionError("a call of a script has one answer")

    def consent_states(
        self, partition: int, numbers: Sequence[str], programs: Sequence[str]
    ) -> ConsentStates:
        """How different numbers (E.164) of one partition stand with some programs.

        What changes between two calls of the script moves the partition's cursor.
        """
        found = ConsentStates()
        alike: dict[bytes, list[str]] = defaultdict(list)
        for some, raw in self._read({partition: numbers}, programs):
            found.now_us = int(raw[1])
            known = dict(zip(raw[3][::2], raw[3][1::2], strict=True))
            for place, (number, bits) in enumerate(zip(some, raw[2], strict=True)):
                if place in known:
                    found.remembered[number] = _consent_state(bits, programs, _state(known[place]))
                else:
                    alike[bits].append(number)
        found.alike = [(_consent_state(bits, programs), some) for bits, some in alike.items()]
        return found

    def consent_states_of(
        self, numbers: Iterable[str], programs: Sequence[str]
    ) -> dict[str, ConsentState]:
        """How numbers of any partition stand with some programs."""
        found: dict[str, ConsentState] = {}
        for partition, some in _by_partition(dict.fromkeys(numbers)).items():
            found |= self.consent_states(partition, some, programs).by_number()
        return found

    def memberships(
        self, numbers: Sequence[str], program: str, *, consents: bool = False
    ) -> list[bytes]:
        """Of each number its memberships with one program (or none), as ``0`` and ``1``.

        In ``all``, locked; opted out of the program, come back, and (only with ``consents``)
        consented.
        """
        found: dict[str, bytes] = {}
        groups = _by_partition(numbers)
        for some, raw in self._read(
            groups, [program] if program else [], states=False, consents=consents
        ):
            found.update(zip(some, raw[2], strict=True))
        return [found[number] for number in numbers]

    def bucket_count(self) -> int:
        """Into how many buckets a partition's sets are split."""
        if not self._buckets:
            fields = self._client.hmget(PARTITION_KEYS[0].metadata, *METADATA_FIELDS)
            self._buckets = bucket_count_of(fields)
        return self._buckets

    @contextmanager
    def fresh_buckets(self) -> Iterator[None]:
        """Ask for the bucket count again after ``StoreNotReady``: a rebuild may change it."""
        try:
            yield
        except StoreNotReady:
            self._buckets = 0
            raise

    def _read(
        self,
        groups: dict[int, Sequence[str]],
        programs: Sequence[str],
        *,
        states: bool = True,
        consents: bool = True,
        program: str = "",
    ) -> Iterator[tuple[Sequence[str], Any]]:
        """Run ``states`` for numbers by partition; gives chunks of them and their answers."""
        buckets = self.bucket_count()
        sets = ["set:all:", "lock:"]
        for one in programs:
            sets += (f"set:{one}:", f"exceptions:{one}:")
            if consents:
                sets.append(f"consent:{one}:")
        size = max(1, STATES_CHUNK // len(sets))
        chunks = [
            (PARTITION_KEYS[partition], numbers[at : at + size])
            for partition, numbers in groups.items()
            for at in range(0, len(numbers), size)
        ]

        def calls() -> Iterator[Call]:
            for keys, some in chunks:
                members = (number[1:] for number in some)
                yield (
                    [keys.metadata, keys.programs, keys.holds],
                    [keys.prefix, buckets, int(states), program, len(sets), *sets, *members],
                )

        for (_, some), raw in zip(chunks, self._states.flow(calls()), strict=True):
            with self.fresh_buckets():
                refuse_buckets(raw[0], buckets)
            yield some, raw


def _by_partition(numbers: Iterable[str]) -> dict[int, Sequence[str]]:
    groups: dict[int, list[str]] = defaultdict(list)
    for number in numbers:
        groups[partition_of(number)].append(number)
    return {**groups}


def _consent_state(
    bits: bytes, programs: Sequence[str], state: NumberState = _NO_STATE
) -> ConsentState:
    """``bits`` has a digit for each set that ``_read`` asks about, in that order."""
    members = [bit == _IN for bit in bits]
    return ConsentState(
        everywhere=members[0],
        opted_out=frozenset(name for at, name in enumerate(programs) if members[2 + 3 * at]),
        exceptions=frozenset(name for at, name in enumerate(programs) if members[3 + 3 * at]),
        locked=members[1],
        consents=frozenset(name for at, name in enumerate(programs) if members[4 + 3 * at]),
        state=state,
    )
