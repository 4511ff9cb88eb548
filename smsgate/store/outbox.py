"""The outbox: replies to send, and sent replies that await a delivery report.

A reply is claimed just before its bytes leave. Once the provider took it, it is remembered under
the provider's id for it. A receipt takes that away and writes its event in the same script, so
that one that comes twice, or is about somebody else's text, has no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex

import msgspec

from smsgate.consent.events import DeadLetter, Event
from smsgate.domain.messages import Reply
from smsgate.store.connection import translated
from smsgate.store.inbox import NOTIFY_MS
from smsgate.store.keys import PARTITION_KEYS, PartitionKeys, pace_of, partition_of
from smsgate.store.redis_types import Client, Result
from smsgate.store.scripts import Call, Script

AWAIT_RECEIPT_S = 48 * 3600
"""How long a receipt is awaited; networks give up a text before that."""
KEEP_EARLY_RECEIPT_S = 20
"""How long a receipt is kept that came before the answer to our own call: as long as a claim."""
MAX_PROVIDER_ID_LENGTH = 200
"""Characters of a provider's id; providers gave none that is longer."""
_EARLY = b"!"

_encode = msgspec.json.encode


class DeliveryReceipt(msgspec.Struct, frozen=True, array_like=True):
    """A provider's report on a text that it took."""

    account: str
    number: str
    message_id: str
    status: str
    """``delivered``, ``undelivered`` or ``failed``."""
    note: str = ""


class AwaitedReply(msgspec.Struct, frozen=True, array_like=True):
    """A reply of ours that a provider took."""

    reply: str
    """Its id."""
    number: str
    program: str
    inbox_id: str


_expected = msgspec.json.Decoder(AwaitedReply).decode
_decode_receipt = msgspec.json.Decoder(DeliveryReceipt).decode


def key_of(account: str, number: str, message_id: str) -> str:
    """Key under which a reply waits for its receipt."""
    return PARTITION_KEYS[partition_of(number)].sent(account, message_id)


def expected_of(reply: Reply) -> AwaitedReply:
    """What is remembered of a reply."""
    return AwaitedReply(reply.id, reply.number, reply.program, reply.answers)


def early_of(value: bytes) -> DeliveryReceipt | None:
    """The receipt that came before its reply was settled, if the value is one."""
    return _decode_receipt(value[1:]) if value.startswith(_EARLY) else None


class Receipts:
    """Awaits delivery receipts, and takes each once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._find = Script(client, "receipt_look")
        self._take = Script(client, "receipt_take")

    def expect(self, reply: Reply, provider_id: str) -> None:
        """Remember a reply that a provider took. Raises ``StoreUnavailable``."""
        if 0 < len(provider_id) <= MAX_PROVIDER_ID_LENGTH:
            key = key_of(reply.account, reply.number, provider_id)
            with translated():
                self._client.set(key, _encode(expected_of(reply)), ex=AWAIT_RECEIPT_S)

    def find_replies(self, receipts: Sequence[DeliveryReceipt]) -> list[AwaitedReply | None]:
        """Of each receipt the reply that it is about; None where we wait for none such.

        Where a reply of the partition is being sent at this moment, the receipt may be its own:
        then it is kept for as long as that takes. Raises ``StoreUnavailable``.
        """
        calls: list[Call] = [
            (
                [
                    key_of(one.account, one.number, one.message_id),
                    PARTITION_KEYS[partition_of(one.number)].claims,
                ],
                [_EARLY + _encode(one), KEEP_EARLY_RECEIPT_S],
            )
            for one in receipts
        ]
        found = self._find.many(calls) if calls else []
        return [None if value is None else _expected(value) for value in found]

    def take(self, receipt: DeliveryReceipt, expected: AwaitedReply, event: Event) -> bool:
        """Record what became of a reply; False where that was done before."""
        names = [
            key_of(receipt.account, receipt.number, receipt.message_id),
            PARTITION_KEYS[partition_of(receipt.number)].ledger,
        ]
        return bool(self._take(names, [_encode(expected), _encode(event)]) == 1)


LEASE_MS = 20_000
"""How long a claim holds: longer than the longest call, so that only a dead sender loses it."""

_decode = msgspec.json.Decoder(Reply).decode
_letter = msgspec.json.Decoder(DeadLetter).decode


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
        self._settle_dead = Script(client, "bury")

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

    def dead(self, partition: int) -> list[DeadLetter]:
        """The replies of a partition that were given up, oldest first."""
        with translated():
            rows = self._client.hvals(PARTITION_KEYS[partition].dead)
        return sorted((_letter(row) for row in rows), key=lambda letter: letter.at_us)

    def unsettled(self, ids: Sequence[str]) -> dict[str, Reply | DeadLetter]:
        """Of replies of one partition, by id: those that wait to be sent, and those given up."""
        if not ids:
            return {}
        keys = PARTITION_KEYS[int(ids[0].partition("-")[0])]
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.hmget(keys.replies, list(ids))
            pipeline.hmget(keys.dead, list(ids))
            waiting, dead = pipeline.execute()
        found: dict[str, Reply | DeadLetter] = {}
        for id_, letter, reply in zip(ids, dead, waiting, strict=True):
            if letter is not None:
                found[id_] = _letter(letter)
            if reply is not None:
                found[id_] = _decode(reply)
        return found

    def settle_dead(
        self, partition: int, id_: str, event: Event, reply: Reply | None = None
    ) -> bool:
        """Take a dead letter out: with ``reply`` it is due again, without it is dismissed.

        False where there is none of that id.
        """
        keys = PARTITION_KEYS[partition]
        names = [keys.dead, keys.outbox, keys.replies, keys.ledger]
        again = _encode(reply) if reply else b""
        return bool(self._settle_dead(names, [id_, again, _encode(event)]) == 1)

    def forget(self, number: str) -> int:
        """Delete the dead letters of a number, for they have texts; gives how many there were."""
        partition = partition_of(number)
        ids = [one.reply.id for one in self.dead(partition) if one.reply.number == number]
        with translated():
            return self._client.hdel(PARTITION_KEYS[partition].dead, *ids) if ids else 0

    def depth(self, partition: int) -> int:
        """How many replies of a partition are not settled."""
        with translated():
            return self._client.zcard(PARTITION_KEYS[partition].outbox)

    def waiting(self, partition: int) -> list[Reply]:
        """The replies of a partition that are not settled, in the order in which they are due."""
        keys = PARTITION_KEYS[partition]
        with translated():
            ids = self._client.zrange(keys.outbox, 0, -1)
            rows = self._client.hmget(keys.replies, ids) if ids else []
        return [_decode(row) for row in rows if row is not None]

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
