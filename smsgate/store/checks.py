"""Checking many numbers for one program: what stands between it and each of them.

Numbers are grouped by partition and bucket, so that one command asks for all that share a set, and
windows of calls are sent while the answers of those before are still on their way.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

import msgspec

from smsgate.consent.events import NumberState, Published
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS
from smsgate.store.looks import Looks, published_of
from smsgate.store.redis_address import Client
from smsgate.store.scripts import Call, Script
from smsgate.store.write_lease import refuse_shut

LOCKED, OWN, EVERYWHERE, BACK, HELD_ALL, HELD, REVIEW, CONSENT = (1 << bit for bit in range(8))
"""What is seen of a number, as bits: in which sets it is, and what holds it."""
CHUNK = 1000
"""Numbers in one call of the script, so that it holds Redis for about a millisecond."""

_MOST = 2 * CHUNK
"""As many of a bucket's numbers, with their places, go into one call."""
_SOMETHING = re.compile(rb"[^\0]")
_state = msgspec.json.Decoder(NumberState).decode


class Sights:
    """What a check saw: of each number one byte of bits, in the order asked."""

    __slots__ = ("bits", "program", "states")

    def __init__(self, count: int) -> None:
        """Nothing seen of any number yet."""
        self.bits = bytearray(count)
        self.program = Published()
        self.states: dict[int, NumberState] = {}
        """By place, what the partition remembers of a number that is blocked."""

    def places(self) -> Iterator[int]:
        """Where something is seen of a number; nothing stands between the program and others."""
        return (found.start() for found in _SOMETHING.finditer(self.bits))


class Checks:
    """Reads by the script ``check``; never writes."""

    def __init__(self, client: Client, looks: Looks) -> None:
        """Use the client, and what ``looks`` knows of the marker; nothing is asked yet."""
        self._check = Script(client, "check")
        self._looks = looks

    def numbers(self, numbers: Sequence[str], program: str) -> Sights:
        """What stands between a program and numbers (E.164); one round trip for up to 1,000.

        All numbers of a call of the script are seen at one moment. Raises ``StoreNotReady`` where
        a partition has no marker, or opt-outs may be missing (see ``write_lease``);
        ``UnknownProgram``, ``StoreUnavailable``.
        """
        buckets = self._looks.bucket_count()
        sights = Sights(len(numbers))
        asked: deque[list[int]] = deque()

        def calls() -> Iterator[Call]:
            for partition, args, places in _chunks(numbers, buckets):
                asked.append(places)
                yield _call(partition, program, args)

        for raw in self._check.flow(calls()):
            self._looks.check_marker(raw[0][:3], buckets)
            refuse_shut(raw[0][3:], raw[4])
            sights.program = published_of(raw[1], program)
            _note(sights, asked.popleft(), raw[2], raw[3])
        return sights


_Chunk = tuple[int, list[int | bytes], list[int]]
"""A partition, what the script is asked of about ``CHUNK`` numbers there, and their places in the
list that was asked."""


def _chunks(numbers: Sequence[str], buckets: int) -> Iterator[_Chunk]:
    """The numbers by partition and bucket; where there are none, one chunk of nobody."""
    groups = _grouped(numbers, buckets)
    args: list[int | bytes] = []
    places: list[int] = []
    current = 0
    for key in sorted(groups):
        partition, bucket = divmod(key, buckets)
        group = groups.pop(key)
        for at in range(0, len(group), _MOST):
            if places and (partition != current or len(places) >= CHUNK):
                yield current, args, places
                args, places = [], []
            current = partition
            _add(group if len(group) <= _MOST else group[at : at + _MOST], bucket, args, places)
    if places or not numbers:
        yield current, args, places


def _add(group: list[Any], bucket: int, args: list[int | bytes], places: list[int]) -> None:
    if len(group) == 2:  # nearly always, where some thousands are asked about
        place, member = group
        args += (bucket, 1, member)
        places.append(place)
        return
    members = group[1::2]
    args += (bucket, len(members))
    args += members
    places += group[::2]


def _grouped(numbers: Sequence[str], buckets: int) -> dict[int, list[Any]]:
    """By partition and bucket, of each number its place, and the number without its plus, in turn.

    Of a million numbers it takes longer to find each in memory than to work on it, so that each is
    looked at here once.
    """
    groups: dict[int, list[Any]] = defaultdict(list)
    for place, number in enumerate(numbers):
        written = number.encode()
        group = groups[crc32(written) % PARTITIONS * buckets + int(number) % buckets]
        group.append(place)
        group.append(written[1:])
    return groups


def _call(partition: int, program: str, args: Sequence[int | bytes]) -> Call:
    keys = PARTITION_KEYS[partition]
    return (keys.marker, keys.programs, keys.holds, keys.reviews), [keys.prefix, program, *args]


def _note(sights: Sights, places: Sequence[int], bits: bytes, states: Sequence[Any]) -> None:
    for found in _SOMETHING.finditer(bits):
        sights.bits[places[found.start()]] = bits[found.start()]
    for at in range(0, len(states), 2):
        sights.states[places[states[at]]] = _state(states[at + 1])
