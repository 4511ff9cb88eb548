"""Moves ordinary texts from the sample log to the records, where ``[retention]`` asks for it.

It runs after the answer to the provider, in the process ``clock``. The sample log holds the newest
texts alone: what was trimmed before it was moved is lost, and the cursor then says since when
texts are kept without a gap.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.domain.messages import Entry, inbox_place
from smsgate.records import Records
from smsgate.records.ordinary_texts import OrdinaryText, TextCursor
from smsgate.store.sample_log import written_us
from smsgate.store.store import Store

BATCH = 500
"""Texts of a partition that are moved at once."""
_decode = msgspec.json.Decoder(Entry).decode
Moved = dict[int, tuple[TextCursor, list[OrdinaryText]]]


class TextArchiver:
    """Moves them, each once, whoever runs it."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._texts = records.ordinary_texts

    def move_all(self) -> None:
        """Move all that wait; raises as ``move``."""
        while self.move() >= BATCH:
            pass

    def move(self) -> int:
        """Move a batch of every partition; gives how many texts.

        Raises ``StoreUnavailable``, ``RecordsUnavailable``.
        """
        if not self._read(self._texts.cursors()):
            return 0  # without a transaction that would keep others from writing
        return self._texts.keep(self._read)

    def _read(self, cursors: Mapping[int, TextCursor]) -> Moved:
        """By partition with new texts, the next cursor and the texts."""
        rows = self._store.sample_log.after(
            {partition: cursor.id for partition, cursor in cursors.items()}, BATCH
        )
        found: Moved = {}
        for partition, (first_id, entries) in rows.items():
            cursor = cursors[partition]
            if not entries:
                continue
            is_whole = bool(cursor.id) and inbox_place(first_id) <= inbox_place(cursor.id)
            since_us = cursor.since_us if is_whole else written_us(entries[0][0])
            found[partition] = (
                TextCursor(entries[-1][0], since_us),
                [OrdinaryText(written_us(id_), entry) for id_, entry in entries],
            )
        return found
