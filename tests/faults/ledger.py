"""What smsgate recorded, as the checks read it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import msgspec

from smsgate.consent.events import Event
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.faults.system import FaultSystem

_decode = msgspec.json.Decoder(Event).decode
INTENTS = {"opt_out": "stop", "opt_out_all": "stop", "opt_in": "start", "help": "help"}


@dataclass(frozen=True, slots=True)
class Record:
    """One event and when it was committed (seconds)."""

    event: Event
    at: float

    @property
    def message_id(self) -> str:
        return self.event.entry.message_id if self.event.entry else ""

    @property
    def event_time(self) -> float:
        return self.event.event_time_us / 1e6

    @property
    def reply_to(self) -> str:
        """Partition and inbox id of the message that a reply answers: the id of its event."""
        return self.event.reply.id if self.event.reply else ""

    @property
    def inbox_id(self) -> str:
        """The event's own inbox id, without its partition."""
        return self.event.inbox_id

    @property
    def key(self) -> str:
        """Partition and inbox id: what a reply to it is called."""
        return f"{partition_of(self.event.number)}-{self.event.inbox_id}"

    @property
    def kind(self) -> str:
        return INTENTS.get(self.event.kind, self.event.kind)

    @property
    def by_provider(self) -> bool:
        return self.event.entry is not None and self.event.entry.source == "provider"


@dataclass(slots=True)
class Records:
    """All events, in the order of their partitions' ledgers."""

    by_message: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    by_number: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    """Without what became of replies."""
    replies: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    """By partition and inbox id of the message that they answer."""

    def add(self, record: Record) -> None:
        if record.event.kind == "reply":
            self.replies[record.reply_to].append(record)
            return
        self.by_message[record.message_id].append(record)
        self.by_number[record.event.number].append(record)

    def outcomes(self) -> dict[str, int]:
        """How many events of each outcome there are."""
        texts = [one.event.outcome for events in self.by_message.values() for one in events]
        replies = [one.event.outcome for events in self.replies.values() for one in events]
        counts = Counter(f"texts {outcome}" for outcome in texts)
        return counts + Counter(f"replies {outcome}" for outcome in replies)

    def replies_to(self, record: Record) -> list[Record]:
        return self.replies.get(record.key, [])


def read(system: FaultSystem) -> Records:
    """Read the records, then every partition's ledger: all that happened, in its partition's
    order."""
    records = Records()
    recorded = system.services.records.reader.between()
    for one in sorted(recorded, key=lambda one: (one.partition, one.seq)):
        records.add(Record(one.event, one.committed_us / 1e6))
    for keys in PARTITION_KEYS:
        for id_, fields in system.direct.xrange(keys.ledger):
            at = int(id_.partition(b"-")[0]) / 1000
            records.add(Record(_decode(fields[b"e"]), at))
    return records
