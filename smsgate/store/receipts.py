"""Replies that a provider took, until it tells what became of them.

Each is remembered under the provider's own id for it. A receipt takes that away and writes its
event in the same script, so that one that comes twice, or is about somebody else's text, has no
effect.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from smsgate.consent.events import Event
from smsgate.domain.messages import Reply
from smsgate.store.connection import translated
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.redis_address import Client
from smsgate.store.scripts import Call, Script

EXPECTED_S = 48 * 3600
"""How long a receipt is waited for; networks give up a text before that."""
EARLY_S = 20
"""How long a receipt is kept that came before the answer to our own call: as long as a claim."""
LONGEST = 200
"""Characters of a provider's id; a longer one is none of those that we were given."""
_EARLY = b"!"

_encode = msgspec.json.encode


class DeliveryReceipt(msgspec.Struct, frozen=True, array_like=True):
    """What a provider tells of a text that it took."""

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
_told = msgspec.json.Decoder(DeliveryReceipt).decode


def key_of(account: str, number: str, message_id: str) -> str:
    """Key under which a reply waits for its receipt."""
    return PARTITION_KEYS[partition_of(number)].sent(account, message_id)


def expected_of(reply: Reply) -> AwaitedReply:
    """What is remembered of a reply."""
    return AwaitedReply(reply.id, reply.number, reply.program, reply.answers)


def early_of(value: bytes) -> DeliveryReceipt | None:
    """The receipt that came before its reply was settled, if that is what stood there."""
    return _told(value[1:]) if value.startswith(_EARLY) else None


class Receipts:
    """Waits for receipts, and takes each once."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client
        self._look = Script(client, "receipt_look")
        self._take = Script(client, "receipt_take")

    def expect(self, reply: Reply, provider_id: str) -> None:
        """Remember a reply that a provider took. Raises ``StoreUnavailable``."""
        if 0 < len(provider_id) <= LONGEST:
            key = key_of(reply.account, reply.number, provider_id)
            with translated():
                self._client.set(key, _encode(expected_of(reply)), ex=EXPECTED_S)

    def look(self, receipts: Sequence[DeliveryReceipt]) -> list[AwaitedReply | None]:
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
                [_EARLY + _encode(one), EARLY_S],
            )
            for one in receipts
        ]
        found = self._look.many(calls) if calls else []
        return [None if value is None else _expected(value) for value in found]

    def take(self, told: DeliveryReceipt, expected: AwaitedReply, event: Event) -> bool:
        """Write down what became of a reply; False where that was done before."""
        names = [
            key_of(told.account, told.number, told.message_id),
            PARTITION_KEYS[partition_of(told.number)].ledger,
        ]
        return bool(self._take(names, [_encode(expected), _encode(event)]) == 1)
