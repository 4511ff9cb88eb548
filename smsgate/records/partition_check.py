"""The check of one partition's chain: each link's hash is computed anew, and gaps are named."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from smsgate.records.contents import FIRST, link_hash

_PAIRS = 200
"""Up to so many broken links of a partition are tried for being exchanged with each other."""


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """One thing that is wrong with the records."""

    partition: int
    seq: int
    """Of the link; 0 where none is meant."""
    event_id: str
    problem: str

    def __str__(self) -> str:
        """Where it is and what is wrong, on one line."""
        place = f"partition {self.partition}" if self.partition >= 0 else ""
        link = f"link {self.seq}" if self.seq else ""
        event = f"event {self.event_id}" if self.event_id else ""
        return f"{', '.join(part for part in (place, link, event) if part)}: {self.problem}"


@dataclass(frozen=True, slots=True)
class _Link:
    seq: int
    event_id: str
    content: bytes
    hash: bytes


@dataclass(slots=True)
class _Broken:
    """A link whose hash is not what it should be."""

    link: _Link
    previous: bytes
    """Hash of the link before, as it is stored."""
    hash_alone: bool = False
    """Whether the links behind it fit to what its hash should be."""


class PartitionCheck:
    """Is given the links of a partition one after the other, and then says what is wrong."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._seq = 0
        self._previous: bytes | None = FIRST
        """Hash of the link before; None behind a gap."""
        self._gaps: list[tuple[int, int]] = []
        self._broken: dict[int, _Broken] = {}

    def add(self, seq: int, event_id: str, content: bytes, hash_: bytes) -> None:
        """The next link, as it is stored."""
        link = _Link(seq, event_id, bytes(content), bytes(hash_))
        if seq != self._seq + 1:
            self._gaps.append((self._seq + 1, seq - 1))
            self._previous = None
        self._check(link)
        self._seq = seq

    def _check(self, link: _Link) -> None:
        previous, self._previous = self._previous, link.hash
        if previous is None or self._hash(link, previous) == link.hash:
            return  # behind a gap nothing says what its hash should be
        before = self._broken.get(self._seq)
        if before is not None and self._hash(link, self._should_of(before)) == link.hash:
            before.hash_alone = True
            return
        self._broken[link.seq] = _Broken(link, previous)

    def findings(self, head: tuple[int, bytes] | None) -> Iterator[ChainFinding]:
        """What is wrong with the links; ``head`` is the newest one that was noted."""
        newest = self._broken.get(self._seq)
        if newest is not None and head is not None:
            newest.hash_alone = bytes(head[1]) == self._should_of(newest)
        for first, last in self._gaps:
            which = f"link {first} is" if first == last else f"links {first} to {last} are"
            yield ChainFinding(self._partition, first, "", f"{which} missing")
        yield from self._exchanged()
        for seq, broken in sorted(self._broken.items()):
            what = "its hash was changed" if broken.hash_alone else "the link was changed"
            yield ChainFinding(self._partition, seq, broken.link.event_id, what)
        yield from self._at_the_end(head)

    def _at_the_end(self, head: tuple[int, bytes] | None) -> Iterator[ChainFinding]:
        seq, hash_ = head or (0, FIRST)
        if seq > self._seq:
            first = self._seq + 1
            which = f"link {first} is" if first == seq else f"links {first} to {seq} are"
            yield ChainFinding(self._partition, first, "", f"{which} missing at the end")
        elif seq < self._seq:
            yield ChainFinding(
                self._partition, seq + 1, "", f"links were added behind the head, link {seq}"
            )
        elif bytes(hash_) != self._previous and self._seq not in self._broken:
            yield ChainFinding(
                self._partition, seq, "", "the hash of the partition's head was changed"
            )

    def _exchanged(self) -> Iterator[ChainFinding]:
        """Pairs of broken links that stand in each other's place; they leave ``_broken``."""
        if not 1 < len(self._broken) <= _PAIRS:
            return
        for a, b in itertools.combinations(sorted(self._broken), 2):
            if a in self._broken and b in self._broken and self._fit_exchanged(a, b):
                first, second = self._broken.pop(a).link, self._broken.pop(b).link
                self._clear_behind(a, second)
                self._clear_behind(b, first)
                said = f"links {a} and {b} stand in each other's place"
                yield ChainFinding(self._partition, a, first.event_id, said)

    def _fit_exchanged(self, a: int, b: int) -> bool:
        """Whether both hashes would be right if the links changed places, with them or without."""
        one, two = self._broken[a], self._broken[b]
        whole = self._hash(two.link, one.previous, a) == two.link.hash and (
            self._hash(one.link, two.link.hash if b == a + 1 else two.previous, b) == one.link.hash
        )
        return whole or (
            self._hash(two.link, one.previous, a) == one.link.hash
            and self._hash(one.link, two.previous, b) == two.link.hash
        )

    def _clear_behind(self, seq: int, right: _Link) -> None:
        """The link behind an exchanged one is sound if it fits the one that belongs there."""
        behind = self._broken.get(seq + 1)
        if behind is not None and self._hash(behind.link, right.hash) == behind.link.hash:
            del self._broken[seq + 1]

    def _should_of(self, broken: _Broken) -> bytes:
        return self._hash(broken.link, broken.previous)

    def _hash(self, link: _Link, previous: bytes, seq: int = 0) -> bytes:
        return link_hash(previous, self._partition, seq or link.seq, link.event_id, link.content)
