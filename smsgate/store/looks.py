"""Looking at a partition: everything that says whether its numbers may be texted, at one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from smsgate.consent.events import NumberState, Published, Standing
from smsgate.domain.errors import StoreNotReady, UnknownProgram
from smsgate.domain.messages import ALL
from smsgate.store.connection import translated
from smsgate.store.inbox import hold_field
from smsgate.store.keys import LAYOUT, PARTITION_KEYS, Keys, partition_of
from smsgate.store.redis_address import Client
from smsgate.store.scripts import Script

CHUNK = 200
"""Numbers in one call of the script, so that it holds Redis for less than 2 ms."""

_pack = msgspec.msgpack.encode
_state = msgspec.json.Decoder(NumberState).decode
_published = msgspec.json.Decoder(Published).decode
_NOTHING = NumberState()


@dataclass(frozen=True, slots=True)
class Look:
    """A number as the gate sees it."""

    standing: Standing
    held: str = ""
    """Scope of an accepted opt-out that is not applied yet."""
    review: bool = False


class Looks:
    """Reads by the script ``look``; never writes."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client
        self._look = Script(client, "look")
        self._buckets = 0

    def numbers(self, numbers: Sequence[str], program: str) -> tuple[Published, list[Look]]:
        """How the numbers (E.164) stand with one program, in order, and what the program is.

        One round trip; all of a partition's chunk at one moment. Raises ``StoreNotReady`` where a
        partition has no marker, ``UnknownProgram`` where the program is not published.
        """
        groups = _by_partition(numbers) or [(0, [])]  # even nobody is asked about for a program
        buckets = self._bucket_count()
        calls = [
            _call(PARTITION_KEYS[partition], chunk, (program,), buckets, program)
            for partition, chunk in groups
        ]
        found: dict[str, Look] = {}
        published = Published()
        for (_, chunk), raw in zip(groups, self._look.many(calls), strict=True):
            self.check_marker(raw[0], buckets)
            published = published_of(raw[1], program)
            found.update(zip(chunk, _looks(raw, chunk, (program,)), strict=True))
        return published, [found[number] for number in numbers]

    def standings(
        self, partition: int, numbers: Sequence[str], programs: Sequence[str]
    ) -> tuple[int, dict[str, Standing]]:
        """Now (Redis's clock) and how numbers of one partition stand with several programs.

        Raises ``StoreNotReady``.
        """
        buckets = self._bucket_count()
        now_us, found = 0, {}
        chunks = [numbers[at : at + CHUNK] for at in range(0, len(numbers), CHUNK)] or [[]]
        for chunk in chunks:
            raw = self._look(*_call(PARTITION_KEYS[partition], chunk, programs, buckets, ""))
            self.check_marker(raw[0], buckets)
            now_us = int(raw[2])
            looks = _looks(raw, chunk, programs)
            found.update({n: one.standing for n, one in zip(chunk, looks, strict=True)})
        return now_us, found

    def reviews(self, partition: int) -> dict[str, str]:
        """Review holds of a partition: ``PROGRAM:NUMBER`` and the inbox ids of its texts."""
        with translated():
            rows = self._client.hgetall(PARTITION_KEYS[partition].reviews)
        return {field.decode(): id_.decode() for field, id_ in rows.items()}

    def all_reviews(self) -> list[dict[str, str]]:
        """The review holds of every partition, as ``reviews``; one round trip."""
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for keys in PARTITION_KEYS:
                pipeline.hgetall(keys.reviews)
            partitions = pipeline.execute()
        return [
            {field.decode(): ids.decode() for field, ids in rows.items()} for rows in partitions
        ]

    def bucket_count(self) -> int:
        """Into how many buckets a partition's sets are split. Raises ``StoreNotReady``."""
        return self._bucket_count()

    def _bucket_count(self) -> int:
        if not self._buckets:
            keys = PARTITION_KEYS[0]
            raw = self._look(*_call(keys, [], (), 1, ""))
            self.check_marker(raw[0], None)
        return self._buckets

    def check_marker(self, marker: Sequence[bytes | None], buckets: int | None) -> None:
        """Refuse what cannot be trusted; learn the bucket count, and forget it where it changed."""
        ready, layout, count = marker
        if ready != b"1" or layout is None or count is None:
            self._buckets = 0
            raise StoreNotReady(
                "the store has no marker: it is new, was flushed, or is being rebuilt; "
                "`smsgate init` makes a new store ready, a flushed one must be restored first"
            )
        if int(layout) != LAYOUT:
            raise StoreNotReady(f"the store has layout {int(layout)}, this smsgate needs {LAYOUT}")
        self._buckets = int(count)
        if buckets is not None and buckets != self._buckets:
            raise StoreNotReady("the store was rebuilt with another bucket count; ask again")


def _by_partition(numbers: Iterable[str]) -> list[tuple[int, list[str]]]:
    partitions: dict[int, dict[str, None]] = defaultdict(dict)
    for number in numbers:
        partitions[partition_of(number)][number] = None
    groups: list[tuple[int, list[str]]] = []
    for partition, of_partition in partitions.items():
        distinct = list(of_partition)
        groups.extend(
            (partition, distinct[at : at + CHUNK]) for at in range(0, len(distinct), CHUNK)
        )
    return groups


def _call(
    keys: Keys, numbers: Sequence[str], programs: Sequence[str], buckets: int, program: str
) -> tuple[list[str], list[str | bytes | int]]:
    """Keys and arguments of the script for numbers of one partition."""
    names = [keys.marker, keys.programs, keys.holds, keys.reviews]
    held, reviews = [], []
    members: list[tuple[int, str]] = []
    states: list[int] = []
    for number in numbers:
        member = number[1:]
        for name in keys.sets_of(number, programs, buckets):
            names.append(name)
            members.append((len(names), member))
        names.append(keys.number(number))
        states.append(len(names))
        if program:
            held += [hold_field(ALL, number), hold_field(program, number)]
            reviews.append(hold_field(program, number))
    return names, [program, _pack((held, reviews, members, states))]


def _looks(raw: Sequence[Any], numbers: Sequence[str], programs: Sequence[str]) -> list[Look]:
    _, _, _, held, reviews, members, states = raw
    width = 2 + 3 * len(programs)
    result = []
    for place in range(len(numbers)):
        standing = _standing(members[place * width : (place + 1) * width], states[place], programs)
        scope = ""
        if held:
            everywhere, own = held[2 * place], held[2 * place + 1]
            scope = ALL if everywhere else programs[0] if own else ""
        result.append(Look(standing, scope, bool(reviews and reviews[place])))
    return result


def _standing(members: Sequence[int], state: bytes, programs: Sequence[str]) -> Standing:
    return Standing(
        everywhere=bool(members[0]),
        own=frozenset(name for at, name in enumerate(programs) if members[2 + 3 * at]),
        back=frozenset(name for at, name in enumerate(programs) if members[3 + 3 * at]),
        locked=bool(members[1]),
        consents=frozenset(name for at, name in enumerate(programs) if members[4 + 3 * at]),
        state=_state(state) if state else _NOTHING,
    )


def published_of(raw: bytes, name: str) -> Published:
    """A program as it was published. Raises ``UnknownProgram`` where it was not."""
    if not raw:
        raise UnknownProgram(f"no program is called {name!r}")
    return _published(raw)
