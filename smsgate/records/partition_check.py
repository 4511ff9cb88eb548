"""The check of one partition's chain: each link's hash is computed anew, and gaps are named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smsgate.records.writer import FIRST, link_hash


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

    def _should_of(self, broken: _Broken) -> bytes:
        return self._hash(broken.link, broken.previous)

    def _hash(self, link: _Link, previous: bytes) -> bytes:
        return link_hash(previous, self._partition, link.seq, link.event_id, link.content)
