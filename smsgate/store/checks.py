"""Checking many numbers for one program: what stands between it and each of them.

Numbers are grouped by lane and bucket, so that one command asks for all that share a set, and
windows of calls are sent while the answers of those before are still on their way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

import msgspec

from smsgate.consent import NumberState, Published
from smsgate.redis_address import Client
from smsgate.store.keys import LANE_KEYS, LANES
from smsgate.store.looks import Looks, published_of
from smsgate.store.scripts import Call, Script

LOCKED, OWN, EVERYWHERE, BACK, HELD_ALL, HELD, REVIEW, CONSENT = (1 << bit for bit in range(8))
"""What is seen of a number, as bits: in which sets it is, and what holds it."""
CHUNK = 1000
"""Numbers in one call of the script, so that it holds Redis for about a millisecond."""

_state = msgspec.json.Decoder(NumberState).decode


class Sights:
    """What a check saw: of each number one byte of bits, in the order asked."""

    __slots__ = ("bits", "program", "states")

    def __init__(self, count: int) -> None:
        """Nothing seen of any number yet."""
        self.bits = bytearray(count)
        self.program = Published()
        self.states: dict[int, NumberState] = {}
        """By place, what the lane remembers of a number that is blocked."""


class Checks:
    """Reads by the script ``check``; never writes."""

    def __init__(self, client: Client, looks: Looks) -> None:
        """Use the client, and what ``looks`` knows of the marker; nothing is asked yet."""
        self._check = Script(client, "check")
        self._looks = looks

    def numbers(self, numbers: Sequence[str], program: str) -> Sights:
        """What stands between a program and numbers (E.164); one round trip for up to 1,000.

        All numbers of a call of the script are seen at one moment. Raises ``StoreNotReady`` where
        a lane has no marker, ``UnknownProgram``, ``StoreUnavailable``.
        """
        buckets = self._looks.bucket_count()
        sights = Sights(len(numbers))
        chunks = list(_chunks(numbers, buckets)) or [(0, [])]
        calls = (_call(numbers, lane, groups, program) for lane, groups in chunks)
        for (_, groups), raw in zip(chunks, self._check.flow(calls), strict=True):
            self._looks.check_marker(raw[0], buckets)
            sights.program = published_of(raw[1], program)
            _note(sights, [place for _, places in groups for place in places], raw[2], raw[3])
        return sights


_Groups = list[tuple[int, list[int]]]
"""By bucket, the places of its numbers in the list that was asked."""


def _chunks(numbers: Sequence[str], buckets: int) -> Iterator[tuple[int, _Groups]]:
    """Lanes with groups of about ``CHUNK`` numbers."""
    by_bucket: dict[int, list[int]] = defaultdict(list)
    for place, number in enumerate(numbers):
        lane = crc32(number.encode()) % LANES
        by_bucket[lane * buckets + int(number) % buckets].append(place)
    groups: _Groups = []
    size, current = 0, -1
    for key in sorted(by_bucket):
        lane, bucket = divmod(key, buckets)
        if groups and (lane != current or size >= CHUNK):
            yield current, groups
            groups, size = [], 0
        current = lane
        places = by_bucket[key]
        for at in range(0, len(places), CHUNK):
            groups.append((bucket, places[at : at + CHUNK]))
        size += len(places)
    if groups:
        yield current, groups


def _call(numbers: Sequence[str], lane: int, groups: _Groups, program: str) -> Call:
    keys = LANE_KEYS[lane]
    args: list[str | bytes | int] = [keys.prefix, program]
    for bucket, places in groups:
        args += (bucket, len(places))
        args += [numbers[place][1:] for place in places]
    return (keys.marker, keys.programs, keys.holds, keys.reviews), args


def _note(sights: Sights, places: Sequence[int], bits: bytes, states: Sequence[Any]) -> None:
    if bits.strip(b"\0"):
        for place, seen in zip(places, bits, strict=True):
            sights.bits[place] = seen
    for at in range(0, len(states), 2):
        sights.states[places[states[at]]] = _state(states[at + 1])
