"""The outbox: replies to send.

A reply is claimed just before its bytes leave. Once the provider took it, it is remembered under
the provider's id for it, until its receipt comes (``receipts.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex

import msgspec

from smsgate.consent.events import DeadLetter, Event
from smsgate.domain.messages import Reply
from smsgate.store.connection import Script
from smsgate.store.inbox import NOTIFY_MS
from smsgate.store.keys import PARTITION_KEYS, PartitionKeys, partition_of
from smsgate.store.redis_types import Client, Result
from smsgate.store.shared_keys import pace_of

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
    return PARTITION_KEYS[partition_of(number)].sent(account, message_id)


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


def early_of(value: bytes) -> DeliveryReceipt | None:
    """The receipt that came before its reply was settled, if the value is one."""
    if not value.startswith(EARLY):
        return None
    return msgspec.json.decode(value[1:], type=DeliveryReceipt)


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


@dataclass(frozen=True, slots=True)
class SettledReply:
    """A reply that is settled."""

    early: DeliveryReceipt | None = None
    """The provider's report, where it came before the answer to our call."""


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
    ) -> SettledReply | None:
        """Take a claimed reply out, with the event that says what became of it.

        ``dead`` keeps it for a person to look at. Where the provider gave its id, its receipt is
        waited for. None where the claim was lost to another sender in the meantime.
        """
        letter = _encode(dead) if dead else b""
        found = self._settled(claim, event=_encode(event), dead=letter, taken_as=event.provider_id)
        if isinstance(found, bytes):
            return SettledReply(early_of(found))
        return SettledReply() if found == 1 else None

    def put_back(self, claim: Claim, reply: Reply, due_us: int) -> bool:
        """Put a claimed reply back, due later."""
        return bool(self._settled(claim, reply=_encode(reply), due_ms=due_us // 1000) == 1)

    def reserve_slot(self, reply: Reply, pause_us: int, latest_us: int) -> int:
        """Reserve the next moment (us) at which the reply's sender may text.

        0 where that would be after ``latest_us``; then nothing is reserved.
        """
        return int(self._pace([pace_of(reply.account, reply.sender)], [pause_us, latest_us]))

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
