"""The one reader of how numbers stand: for the gate, for a reply about to leave, and for workers.

Two scripts read. ``check`` answers the gate: many numbers, one program, one byte of bits each.
``states`` tells everything about numbers of a partition and several programs. All numbers of one
call of a script are read at one moment: a number that moves from hold to set would otherwise be
seen in neither. Nothing here writes, and everything raises ``StoreNotReady`` where a partition has
no metadata or is being rebuilt, and ``StoreUnavailable``.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import msgspec

from smsgate.consent.events import ConsentState, NumberState, Published
from smsgate.domain.errors import StoreNotReady, UnknownProgram
from smsgate.store.connection import of_partitions, translated
from smsgate.store.keys import LAYOUT, PARTITION_KEYS, PARTITIONS, partition_of
from smsgate.store.redis_types import Client
from smsgate.store.scripts import Call, Script
from smsgate.store.write_lease import refuse_shut

LOCKED, OWN, EVERYWHERE, BACK, HELD_ALL, HELD, REVIEW, CONSENT = (1 << bit for bit in range(8))
"""Bits of a number in a check: in which sets it is, and what holds it."""
CHECK_CHUNK = 1000
"""Numbers in one call of ``check``, so that it holds Redis for about a millisecond."""
STATES_CHUNK = 2000
"""Questions in one call of ``states`` (a set of a number each), for it to take a millisecond."""

_MOST_OF_BUCKET = 2 * CHECK_CHUNK
"""Numbers of one bucket, with their places, that go into one call of ``check``."""
_NOT_ZERO = re.compile(rb"[^\0]")
_IN = ord("1")
_NO_STATE = NumberState()
_state = msgspec.json.Decoder(NumberState).decode
_published = msgspec.json.Decoder(Published).decode


class GateSnapshot:
    """What a check read: of each number one byte of bits, in the order asked."""

    __slots__ = ("bits", "program", "states")

    def __init__(self, count: int) -> None:
        self.bits = bytearray(count)
        self.program = Published()
        self.states: dict[int, NumberState] = {}
        """By place, what the partition remembers of a number that is blocked."""

    def places(self) -> Iterator[int]:
        """Places of the numbers with any bit; nothing keeps the program from the others."""
        return (found.start() for found in _NOT_ZERO.finditer(self.bits))


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
        self._check = Script(client, "check")
        self._states = Script(client, "states")
        self._buckets = 0

    def check(self, numbers: Sequence[str], program: str) -> GateSnapshot:
        """What keeps a program from numbers (E.164); one round trip for up to 1,000.

        Raises ``UnknownProgram`` where the program is not published, ``StoreNotReady`` too where
        opt-outs may be missing (see ``write_lease``).
        """
        buckets = self.bucket_count()
        snapshot = GateSnapshot(len(numbers))
        asked: deque[list[int]] = deque()

        def calls() -> Iterator[Call]:
            for partition, args, places in _check_chunks(numbers, buckets):
                asked.append(places)
                keys = PARTITION_KEYS[partition]
                names = (keys.metadata, keys.programs, keys.holds, keys.reviews)
                yield names, [keys.prefix, program, *args]

        for metadata, raw_program, bits, states, now_ms in self._check.flow(calls()):
            self._check_metadata(metadata[:3], buckets)
            refuse_shut(metadata[3:], now_ms)
            snapshot.program = _published_of(raw_program, program)
            places = asked.popleft()
            for found in _NOT_ZERO.finditer(bits):
                snapshot.bits[places[found.start()]] = bits[found.start()]
            for at in range(0, len(states), 2):
                snapshot.states[places[states[at]]] = _state(states[at + 1])
        return snapshot

    def before_send(self, number: str, program: str) -> SendSnapshot:
        """How a number stands with a program, and whether an opt-out of it is held.

        Raises ``UnknownProgram`` where the program is not published.
        """
        partition = partition_of(number)
        for _, raw in self._read({partition: [number]}, [program], program=program):
            _published_of(raw[4], program)
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

    def review_holds(self, partition: int) -> dict[str, str]:
        """Review holds of a partition: ``PROGRAM:NUMBER`` and the inbox ids of its texts."""
        with translated():
            rows = self._client.hgetall(PARTITION_KEYS[partition].reviews)
        return {field.decode(): ids.decode() for field, ids in rows.items()}

    def all_review_holds(self) -> list[dict[str, str]]:
        """The review holds of every partition, as ``review_holds``; one round trip."""
        partitions = of_partitions(self._client, lambda one, keys: one.hgetall(keys.reviews))
        return [{name.decode(): ids.decode() for name, ids in rows.items()} for rows in partitions]

    def bucket_count(self) -> int:
        """Into how many buckets a partition's sets are split."""
        if not self._buckets:
            with translated():
                fields = self._client.hmget(
                    PARTITION_KEYS[0].metadata, "ready", "layout", "buckets"
                )
            self._check_metadata(fields, None)
        return self._buckets

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
            sets += (f"set:{one}:", f"back:{one}:")
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
            self._check_metadata(raw[0], buckets)
            yield some, raw

    def _check_metadata(self, fields: Sequence[bytes | None], buckets: int | None) -> None:
        """Refuse what cannot be trusted; learn the bucket count, and forget it where it changed."""
        ready, layout, count = fields
        if ready != b"1" or layout is None or count is None:
            self._buckets = 0
            raise StoreNotReady(
                "the store has no metadata: it is new, was flushed, or is being rebuilt; "
                "`smsgate init` makes a new store ready, a flushed one must be restored first"
            )
        if int(layout) != LAYOUT:
            raise StoreNotReady(f"the store has layout {int(layout)}, this smsgate needs {LAYOUT}")
        self._buckets = int(count)
        if buckets is not None and buckets != self._buckets:
            raise StoreNotReady("the store was rebuilt with another bucket count; ask again")


def _by_partition(numbers: Iterable[str]) -> dict[int, Sequence[str]]:
    groups: dict[int, list[str]] = defaultdict(list)
    for number in numbers:
        groups[partition_of(number)].append(number)
    return {**groups}


def _published_of(raw: bytes, name: str) -> Published:
    """A program as it was published. Raises ``UnknownProgram`` where it was not."""
    if not raw:
        raise UnknownProgram(f"no program is called {name!r}")
    return _published(raw)


def _consent_state(
    bits: bytes, programs: Sequence[str], state: NumberState = _NO_STATE
) -> ConsentState:
    """``bits`` has a digit for each set that ``_read`` asks about, in that order."""
    members = [bit == _IN for bit in bits]
    return ConsentState(
        everywhere=members[0],
        own=frozenset(name for at, name in enumerate(programs) if members[2 + 3 * at]),
        back=frozenset(name for at, name in enumerate(programs) if members[3 + 3 * at]),
        locked=members[1],
        consents=frozenset(name for at, name in enumerate(programs) if members[4 + 3 * at]),
        state=state,
    )


_CheckChunk = tuple[int, list[int | bytes], list[int]]
"""A partition, what ``check`` is asked of about ``CHECK_CHUNK`` numbers there, and their places in
the list that was asked."""


def _check_chunks(numbers: Sequence[str], buckets: int) -> Iterator[_CheckChunk]:
    """The numbers by partition and bucket; where there are none, one chunk of nobody.

    Numbers of a bucket stand together, so that one command asks for all that share a set.
    """
    groups = _by_bucket(numbers, buckets)
    args: list[int | bytes] = []
    places: list[int] = []
    current = 0
    for key in sorted(groups):
        partition, bucket = divmod(key, buckets)
        group = groups.pop(key)
        for at in range(0, len(group), _MOST_OF_BUCKET):
            if places and (partition != current or len(places) >= CHECK_CHUNK):
                yield current, args, places
                args, places = [], []
            current = partition
            part = group if len(group) <= _MOST_OF_BUCKET else group[at : at + _MOST_OF_BUCKET]
            if len(part) == 2:  # nearly always, where some thousands are asked about
                place, member = part
                args += (bucket, 1, member)
                places.append(place)
            else:
                members = part[1::2]
                args += (bucket, len(members), *members)
                places += part[::2]
    if places or not numbers:
        yield current, args, places


def _by_bucket(numbers: Sequence[str], buckets: int) -> dict[int, list[Any]]:
    """By partition and bucket, of each number its place, and the number without its plus, in turn.

    Of a million numbers it takes longer to find each in memory than to work on it, so that each is
    touched here once.
    """
    groups: dict[int, list[Any]] = defaultdict(list)
    for place, number in enumerate(numbers):
        written = number.encode()
        group = groups[crc32(written) % PARTITIONS * buckets + int(number) % buckets]
        group.append(place)
        group.append(written[1:])
    return groups
