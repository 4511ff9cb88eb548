"""What is read from the records, and the digest of their chains: values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from smsgate.consent.events import ConsentState, Event


class HistoryPlace(NamedTuple):
    """Where a page of events ends: receipt and sequence number of its last event."""

    received_us: int
    seq: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event of the records, and its place in the chain."""

    event: Event
    partition: int
    seq: int
    erased: bool
    """Whether it had texts that were erased since."""
    committed_us: int = 0
    """When it came into the ledger, in one step with what it changed; 0 where that is unknown."""
    position: int = 0
    """Its place among the events of all partitions, in the order in which they were recorded."""

    @property
    def place(self) -> HistoryPlace:
        """Its place among the newest events."""
        return HistoryPlace(self.event.received_us or self.event.applied_us, self.seq)


@dataclass(frozen=True, slots=True)
class TextSearchPage:
    """Texts that contain every word, newest first."""

    found: Sequence[Recorded]
    older: HistoryPlace | None
    """Where the next page begins; None where every text was looked through."""


class NumberConsentState(NamedTuple):
    """The consent state of a number, by the newest event that has one."""

    number: str
    partition: int
    seq: int
    """Of that event."""
    consent_state: ConsentState


class ChainLink(NamedTuple):
    """One link of a partition's chain."""

    partition: int
    seq: int
    event_id: str
    content_hash: bytes
    hash: bytes


class RecordedMessage(NamedTuple):
    """A provider's message that was recorded."""

    partition: int
    account: str
    message_id: str
    received_us: int


class StoreKnown(NamedTuple):
    """A store whose events these are."""

    id: str
    buckets: int
    made_us: int


def chain_digest(heads: Mapping[int, ChainLink]) -> str:
    """A digest of chains by their newest links. It has each ``PARTITION:SEQ``, for a later check.

    `smsgate records verify --digest` takes it.
    """
    places = "-".join(f"{partition}:{heads[partition].seq}" for partition in sorted(heads))
    hashes = b"".join(heads[partition].hash for partition in sorted(heads))
    return f"{places}-{sha256(hashes).hexdigest()[:32]}" if heads else "none"
