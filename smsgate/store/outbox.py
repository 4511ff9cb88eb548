"""What leaves a partition: replies to send (outbox), and events for the records (ledger).

A reply is claimed just before its bytes leave. Once the provider took it, it is remembered under
the provider's id for it, until its receipt comes (``replies.py``).

The ledger is the append-only stream of what happened to each number's consent. Events leave it once
the records have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex

import msgspec

from smsgate.consent.events import DeadLetter, Event
from smsgate.domain.messages import Reply
from smsgate.store.connection import Client, Result, Script, of_partitions, pipelined
from smsgate.store.keys import NOTIFY_MS, PARTITION_KEYS, PartitionKeys, partition_of
from smsgate.store.shared_keys import shared_key

LEASE_MS = 20_000
"""How long a claim holds: longer than the longest call, so that only a dead sender loses it."""
AWAIT_RECEIPT_S = 48 * 3600
"""How long a receipt is awaited; networks give up a text before that."""
MAX_PROVIDER_ID_LENGTH = 200
"""Characters of a provider's id; providers gave none that is longer."""
EARLY = b"!"
"""What begins the value of a receipt that came before its reply was settled."""
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Reply).decode


class AwaitedReply(msgspec.Struct, frozen=True, array_like=True):
    """A reply of ours that a provider took."""

    reply: str
    """Its id."""
    number: str
    program: str
    inbox_id: str


def key_of(account: str, number: str, message_id: str) -> str:
    """Key under which a reply waits for its receipt."""
    return f"{PARTITION_KEYS[partition_of(number)].prefix}sent:{account}:{message_id}"


def expected_of(reply: Reply) -> AwaitedReply:
    """What is remembered of a reply."""
    return AwaitedReply(reply.id, reply.number, reply.program, reply.answers)


class DeliveryReceipt(msgspec.Struct, frozen=True, array_like=True):
    """A provider's report on a text that it took."""

    account: str
    number: str
    message_id: str
    status: str
    """``delivered``, ``undelivered`` or ``failed``."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A reply that is this sender's while the lease runs."""

    partition: int
    reply: Reply
    token: str
    now_us: int
    """When it was claimed, on Redis's clock."""
    abandoned: bool
    """Claimed before by a sender that died: its bytes may have left."""


class Outbox:
    """The outboxes of all partitions."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._claim = Script(client, "claim")
        self._settle = Script(client, "settle")
        self._pace = Script(client, "pace")

    def claim(self, partition: int) -> Claim | None:
        """Claim the reply of a partition that is due first; None where none is due."""
        keys = PARTITION_KEYS[partition]
        names = [keys.outbox, keys.replies, keys.claims, keys.notify_outbox]
        token = token_hex(8)
        found = self._claim(names, [LEASE_MS, NOTIFY_MS, token])
        if not found:
            return None
        _, raw, before, now_us = found
        return Claim(partition, _decode(raw), token, now_us, bool(before))

    def done(
        self, claim: Claim, event: Event, dead: DeadLetter | None = None
    ) -> tuple[bool, DeliveryReceipt | None]:
        """Take a claimed reply out, with the event that says what became of it.

        ``dead`` keeps it for a person to look at. Where the provider gave its id, its receipt is
        waited for. Gives false where the claim was lost to another sender in the meantime, and the
        receipt where it came before the answer to our call.
        """
        letter = _encode(dead) if dead else b""
        found = self._settled(claim, event=_encode(event), dead=letter, taken_as=event.provider_id)
        if isinstance(found, bytes) and found.startswith(EARLY):
            return True, msgspec.json.decode(found.removeprefix(EARLY), type=DeliveryReceipt)
        return found != 0, None

    def put_back(self, claim: Claim, reply: Reply, due_us: int) -> bool:
        """Put a claimed reply back, due later."""
        return bool(self._settled(claim, reply=_encode(reply), due_ms=due_us // 1000) == 1)

    def reserve_slot(self, reply: Reply, pause_us: int, latest_us: int) -> int:
        """Reserve the next moment (us) at which the reply's sender may text.

        0 where that would be after ``latest_us``; then nothing is reserved.
        """
        return int(
            self._pace([shared_key("pace", reply.account, reply.sender)], [pause_us, latest_us])
        )

    def depth(self, partition: int) -> int:
        """How many replies of a partition are not settled."""
        return self._client.zcard(PARTITION_KEYS[partition].outbox)

    def _settled(
        self,
        claim: Claim,
        event: bytes = b"",
        reply: bytes = b"",
        due_ms: int = 0,
        dead: bytes = b"",
        taken_as: str = "",
    ) -> Result:
        keys: PartitionKeys = PARTITION_KEYS[claim.partition]
        names = [keys.outbox, keys.replies, keys.claims, keys.ledger, keys.dead]
        args: list[str | bytes | int] = [claim.reply.id, claim.token, event, reply, due_ms, dead]
        if 0 < len(taken_as) <= MAX_PROVIDER_ID_LENGTH and claim.reply.event_kind == "reply":
            names.append(key_of(claim.reply.account, claim.reply.number, taken_as))
            args += [_encode(expected_of(claim.reply)), AWAIT_RECEIPT_S]
        return self._settle(names, args)


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """The oldest entries of a partition's ledger; ``forwards``: texts to forward (JSON) of them."""

    lines: Mapping[str, bytes]
    """By stream id the JSON of an event, oldest first."""
    kept: int
    """The records' newest sequence number of the partition, as the store knows it."""
    forwards: Sequence[bytes] = ()


class Ledger:
    """Reads the ledgers; they are written by the scripts that make the changes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._trim = Script(client, "trim")

    def append(self, partition: int, event: Event) -> None:
        """Record an event that did not come through the inbox and changes no number's state."""
        self._client.xadd(PARTITION_KEYS[partition].ledger, {"e": msgspec.json.encode(event)})

    def unmoved(self, count: int) -> dict[int, LedgerPage]:
        """The oldest entries of every partition, at most ``count`` of each, in one round trip."""
        with pipelined(self._client) as pipeline:
            for keys in PARTITION_KEYS:
                pipeline.xrange(keys.ledger, count=count)
                pipeline.get(keys.kept)
            answers = pipeline.execute()
        return {
            keys.partition: LedgerPage(
                {id_.decode(): fields[b"e"] for id_, fields in rows},
                int(kept or 0),
                [fields[b"f"] for _, fields in rows if b"f" in fields],
            )
            for keys, rows, kept in zip(PARTITION_KEYS, answers[::2], answers[1::2], strict=True)
        }

    def trim(self, moved: Mapping[int, tuple[int, Sequence[str]]]) -> None:
        """Remove what the records have: by partition, their sequence number and the entry ids."""
        self._trim.many(
            ([PARTITION_KEYS[partition].ledger, PARTITION_KEYS[partition].kept], [seq, *ids])
            for partition, (seq, ids) in moved.items()
        )

    def kept(self) -> dict[int, int]:
        """By partition, the records' newest sequence number, as the store knows it."""
        answers = of_partitions(self._client, lambda one, keys: one.get(keys.kept))
        return {partition: int(kept or 0) for partition, kept in enumerate(answers)}

    def set_kept(self, seqs: Mapping[int, int]) -> None:
        """Note how far the records have each partition, even where that is a step back."""
        with pipelined(self._client) as pipeline:
            for partition, seq in seqs.items():
                pipeline.set(PARTITION_KEYS[partition].kept, seq)
            pipeline.execute()
