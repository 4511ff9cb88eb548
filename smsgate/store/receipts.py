"""Sent replies that await a delivery receipt.

Once the provider took a reply, it is remembered under the provider's id for it. A receipt takes
that away and writes its event in the same script, so that one that comes twice, or is about
somebody else's text, has no effect.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from smsgate.consent.events import Event
from smsgate.store.connection import Call, Client, Script
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.outbox import (
    EARLY,
    AwaitedReply,
    DeliveryReceipt,
    key_of,
)

KEEP_EARLY_RECEIPT_S = 20
"""How long a receipt is kept that came before the answer to our own call: as long as a claim."""
_encode = msgspec.json.encode
_expected = msgspec.json.Decoder(AwaitedReply).decode


class Receipts:
    """Awaits delivery receipts, and takes each once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._find = Script(client, "receipt_look")
        self._take = Script(client, "receipt_take")

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
                [EARLY + _encode(one), KEEP_EARLY_RECEIPT_S],
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
