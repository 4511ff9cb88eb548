"""Moves ordinary texts from the sample log to the records, where ``[retention]`` asks for it.

It runs after the answer to the provider, in the process ``clock``. The sample log holds the newest
texts alone: what was trimmed before it was moved is lost.
"""

from __future__ import annotations

from smsgate.records import Records
from smsgate.records.ordinary_texts import OrdinaryText, TextCursors, TextsOfPartitions
from smsgate.store.sample_log import written_us
from smsgate.store.store import Store

BATCH = 500
"""Texts of a partition that are moved at once."""


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

    def _read(self, cursors: TextCursors) -> TextsOfPartitions:
        """By partition with new texts, the next cursor and the texts."""
        found = self._store.sample_log.after(cursors, BATCH)
        return {
            partition: (
                entries[-1][0],
                [OrdinaryText(written_us(id_), entry) for id_, entry in entries],
            )
            for partition, entries in found.items()
        }
