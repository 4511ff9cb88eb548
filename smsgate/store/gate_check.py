"""What the gate asks a partition, and how its answers are read.

The script ``check`` answers: many numbers, one program, one byte of bits each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

import msgspec

from smsgate.consent.events import NumberState, PublishedProgram
from smsgate.store.connection import Call, Client, Script
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS
from smsgate.store.numbers import NumberReader, published_of
from smsgate.store.write_lease import refuse_shut

LOCKED, OPTED_OUT, EVERYWHERE, EXCEPTION, HELD_ALL, HELD, REVIEW, CONSENT = (
    1 << bit for bit in range(8)
)
"""Bits of a number in a check: in which sets it is, and what holds it."""
CHECK_CHUNK = 1000
"""Numbers in one call of ``check``, so that it holds Redis for about a millisecond."""

_MOST_OF_BUCKET = 2 * CHECK_CHUNK
"""Numbers of one bucket, with their places, that go into one call of ``check``."""
_NOT_ZERO = re.compile(rb"[^\0]")
_state = msgspec.json.Decoder(NumberState).decode


class GateSnapshot:
    """What a check read: of each number one byte of bits, in the order asked."""

    __slots__ = ("bits", "program", "states")

    def __init__(self, count: int) -> None:
        self.bits = bytearray(count)
        self.program = PublishedProgram()
        self.states: dict[int, NumberState] = {}
        """By place, what the partition remembers of a number that is blocked."""

    def places(self) -> Iterator[int]:
        """Places of the numbers with any bit; nothing keeps the program from the others."""
        return (found.start() for found in _NOT_ZERO.finditer(self.bits))


class GateReader(NumberReader):
    """Reads how numbers stand, and what the gate asks about them."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._check = Script(client, "check")

    def check(self, numbers: Sequence[str], program: str) -> GateSnapshot:
        """What keeps a program from numbers (E.164); one round trip for up to 1,000.

        Raises ``UnknownProgram`` where the program is not published, ``StoreNotReady`` too where
        the partition cannot be trusted or opt-outs may be missing (see ``write_lease``).
        """
        buckets, snapshot = self.bucket_count(), GateSnapshot(len(numbers))
        asked: list[list[int]] = []

        def calls() -> Iterator[Call]:
            for partition, args, places in _check_chunks(numbers, buckets):
                asked.append(places)
                keys = PARTITION_KEYS[partition]
                names = (keys.metadata, keys.programs, keys.holds, keys.reviews)
                yield names, [keys.prefix, program, *args]

        for result, places in zip(self._check.many(calls()), asked, strict=True):
            metadata, raw_program, bits, states, now_ms = result
            self.refuse_buckets(metadata[:3], buckets)
            refuse_shut(metadata[3:], now_ms)
            snapshot.program = published_of(raw_program, program)
            for found in _NOT_ZERO.finditer(bits):
                snapshot.bits[places[found.start()]] = bits[found.start()]
            for at in range(0, len(states), 2):
                snapshot.states[places[states[at]]] = _state(states[at + 1])
        return snapshot


_CheckChunk = tuple[int, list[int | bytes], list[int]]
"""A partition, what ``check`` is asked of about ``CHECK_CHUNK`` numbers there, and their places in
the list that was asked."""


def _check_chunks(numbers: Sequence[str], buckets: int) -> Iterator[_CheckChunk]:
    """The numbers by partition and bucket; where there are none, one chunk of nobody.

    Numbers of a bucket stand together, so that one command asks for all that share a set.
    """
    if not numbers:
        yield 0, [], []
    for partition, members in _by_partition(numbers).items():
        args: list[int | bytes] = []
        places: list[int] = []
        for bucket, group in _by_bucket(members, buckets).items():
            for at in range(0, len(group), _MOST_OF_BUCKET):
                if len(places) >= CHECK_CHUNK:
                    yield partition, args, places
                    args, places = [], []
                part = group if len(group) <= _MOST_OF_BUCKET else group[at : at + _MOST_OF_BUCKET]
                if len(part) == 2:  # nearly always, where some thousands are asked about
                    place, member = part
                    args += (bucket, 1, member)
                    places.append(place)
                else:
                    written = part[1::2]
                    args += (bucket, len(written), *written)
                    places += part[::2]
        if places:
            yield partition, args, places


def _by_partition(numbers: Sequence[str]) -> dict[int, list[Any]]:
    """By partition, of each number its place, and the number without its plus, in turn.

    Partitions before buckets: a million numbers in 32,000 lists at once are more than the
    processor's caches hold, and Redis would wait for the last of them.
    """
    partitions: dict[int, list[Any]] = defaultdict(list)
    for place, number in enumerate(numbers):
        written = number.encode()
        members = partitions[crc32(written) % PARTITIONS]
        members.append(place)
        members.append(written[1:])
    return partitions


def _by_bucket(members: Sequence[Any], buckets: int) -> dict[int, list[Any]]:
    """What ``_by_partition`` gives of one partition, by bucket."""
    groups: dict[int, list[Any]] = defaultdict(list)
    each = iter(members)
    for place, member in zip(each, each, strict=True):
        group = groups[int(member) % buckets]
        group.append(place)
        group.append(member)
    return groups
