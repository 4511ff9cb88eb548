"""What applications answer to texts that they accepted goes into the outbox, once per text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from smsgate.consent.events import Event
from smsgate.domain.messages import Reply
from smsgate.store.connection import Client, Script, json_text
from smsgate.store.keys import NOTIFY_MS, PARTITION_KEYS

KEEP_S = 48 * 3600
"""How long it is known that a text was answered: longer than it is forwarded."""


class ApplicationAnswers:
    """Runs the script ``accepted``."""

    def __init__(self, client: Client) -> None:
        self._accepted = Script(client, "accepted")

    def add(self, partition: int, text: str, event: Event, replies: Sequence[Reply]) -> bool:
        """Record that an application accepted a text, and queue its replies once per text.

        ``text``: id of the text's event. Returns whether a job for the outbox is wanted. Raises
        ``StoreUnavailable``.
        """
        keys = PARTITION_KEYS[partition]
        names = [keys.ledger, keys.outbox, keys.replies, keys.notify_outbox]
        names.append(f"{keys.prefix}answered:{text}")
        packed = msgspec.msgpack.encode([(one.id, json_text(one)) for one in replies])
        return bool(self._accepted(names, [json_text(event), packed, NOTIFY_MS, KEEP_S]))
