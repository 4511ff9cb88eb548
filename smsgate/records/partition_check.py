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


class PartitionCheck:
    """Is given the links of a partition one after the other, and says what is wrong with each."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._seq = 0
        self._previous: bytes | None = FIRST
        """Hash of the link before; None behind a gap, where nothing says what a hash should be."""

    def add(self, seq: int, event_id: str, content: bytes, hash_: bytes) -> Iterator[ChainFinding]:
        """The next link, as it is stored."""
        if seq != self._seq + 1:
            yield self._missing(self._seq + 1, seq - 1)
            self._previous = None
        previous, self._seq, self._previous = self._previous, seq, bytes(hash_)
        if previous is not None:
            should = link_hash(previous, self._partition, seq, event_id, bytes(content))
            if should != self._previous:
                problem = "the link, or the hash of the one before it, was changed"
                yield ChainFinding(self._partition, seq, event_id, problem)

    def end(self, head: tuple[int, bytes] | None) -> Iterator[ChainFinding]:
        """After the last link; ``head`` is the newest one that was noted."""
        seq, hash_ = head or (0, FIRST)
        if seq > self._seq:
            yield self._missing(self._seq + 1, seq, " at the end")
        elif seq < self._seq:
            problem = f"links were added behind the head, link {seq}"
            yield ChainFinding(self._partition, seq + 1, "", problem)
        elif bytes(hash_) != self._previous:
            problem = "the hash of the newest link, or of the partition's head, was changed"
            yield ChainFinding(self._partition, seq, "", problem)

    def _missing(self, first: int, last: int, where: str = "") -> ChainFinding:
        which = f"link {first} is" if first == last else f"links {first} to {last} are"
        return ChainFinding(self._partition, first, "", f"{which} missing{where}")
