"""Surveying the numbers of a list: how many of them stand alike, and which are known better.

A list has many numbers, and nearly all of them stand as others do; so they come back in groups,
and what follows from an entry is settled once for each group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from smsgate.consent.events import NumberState, Standing
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.looks import Looks
from smsgate.store.redis_address import Client
from smsgate.store.scripts import Call, Script

CHUNK = 2_000
"""Questions in one call of the script (a set of a number each), for it to take a millisecond."""

_IN = ord("1")
_NOTHING = NumberState()
_state = msgspec.json.Decoder(NumberState).decode


@dataclass(slots=True)
class Survey:
    """How the numbers of a list stand."""

    now_us: int = 0
    """On Redis's clock."""
    alike: list[tuple[Standing, list[str]]] = field(default_factory=list)
    """Numbers that stand alike, of which the partition remembers nothing more."""
    remembered: dict[str, Standing] = field(default_factory=dict)
    """The others."""

    def standings(self) -> dict[str, Standing]:
        """By number; those that stand alike share theirs."""
        found = dict(self.remembered)
        for standing, some in self.alike:
            found.update(dict.fromkeys(some, standing))
        return found


class Surveys:
    """Reads by the script ``survey``; never writes."""

    def __init__(self, client: Client, looks: Looks) -> None:
        """Use the client, and what ``looks`` knows of the marker; nothing is asked yet."""
        self._survey = Script(client, "survey")
        self._looks = looks

    def of_partition(
        self, partition: int, numbers: Sequence[str], programs: Sequence[str]
    ) -> Survey:
        """How different numbers (E.164) of one partition stand with some programs.

        What changes between two calls of the script moves the partition's cursor. Raises
        ``StoreNotReady``, ``StoreUnavailable``.
        """
        found = Survey()
        alike: dict[bytes, list[str]] = defaultdict(list)
        for some, raw in self._asked([(partition, numbers)], _sets(programs), 1):
            found.now_us = int(raw[1])
            known = dict(zip(raw[3][::2], raw[3][1::2], strict=True))
            for place, (number, bits) in enumerate(zip(some, raw[2], strict=True)):
                if place in known:
                    state = _state(known[place])
                    found.remembered[number] = _standing(bits, programs, state)
                else:
                    alike[bits].append(number)
        found.alike = [(_standing(bits, programs), some) for bits, some in alike.items()]
        return found

    def bits(self, numbers: Sequence[str], program: str, *, consents: bool = False) -> list[bytes]:
        """Of each number its memberships with one program (or none), as ``0`` and ``1``.

        In ``all``, locked; opted out of the program, come back, and (only with ``consents``)
        consented. Raises as ``of_partition``.
        """
        partitions: dict[int, list[str]] = defaultdict(list)
        for number in numbers:
            partitions[partition_of(number)].append(number)
        sets = _sets([program] if program else [])
        found: dict[str, bytes] = {}
        for some, raw in self._asked([*partitions.items()], sets if consents else sets[:4], 0):
            found.update(zip(some, raw[2], strict=True))
        return [found[number] for number in numbers]

    def _asked(
        self, partitions: Sequence[tuple[int, Sequence[str]]], sets: Sequence[str], states: int
    ) -> Iterator[tuple[Sequence[str], Any]]:
        buckets = self._looks.bucket_count()
        size = max(1, CHUNK // len(sets))
        chunks = [
            (partition, numbers[at : at + size])
            for partition, numbers in partitions
            for at in range(0, len(numbers), size)
        ]
        calls = (_call(partition, some, sets, states, buckets) for partition, some in chunks)
        for (_, some), raw in zip(chunks, self._survey.flow(calls), strict=True):
            self._looks.check_marker(raw[0], buckets)
            yield some, raw


def _sets(programs: Sequence[str]) -> list[str]:
    """Names of the sets that are asked, between the partition's prefix and the bucket, in order."""
    of_programs = [
        name for one in programs for name in (f"set:{one}:", f"back:{one}:", f"consent:{one}:")
    ]
    return ["set:all:", "lock:", *of_programs]


def _call(
    partition: int, numbers: Sequence[str], sets: Sequence[str], states: int, buckets: int
) -> Call:
    keys = PARTITION_KEYS[partition]
    args: list[str | bytes | int] = [keys.prefix, buckets, states, len(sets), *sets]
    args += [number[1:] for number in numbers]
    return [keys.marker], args


def _standing(bits: bytes, programs: Sequence[str], state: NumberState = _NOTHING) -> Standing:
    members = [bit == _IN for bit in bits]
    return Standing(
        everywhere=members[0],
        own=frozenset(name for at, name in enumerate(programs) if members[2 + 3 * at]),
        back=frozenset(name for at, name in enumerate(programs) if members[3 + 3 * at]),
        locked=members[1],
        consents=frozenset(name for at, name in enumerate(programs) if members[4 + 3 * at]),
        state=state,
    )
