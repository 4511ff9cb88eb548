"""Forgotten: texts that a person asked us to erase, and what is older than it has to be kept.

Nothing is taken away before an event that says so, and which, stands in the chain. Suppressions
never end here, nor do the events on which those of today rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec
import structlog

from smsgate.consent.events import Event
from smsgate.domain.errors import RecordsDiffer
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.history import operator_event
from smsgate.records.removal import FORGOTTEN, RETENTION, Part, announcement
from smsgate.settings import Retention
from smsgate.store.keys import partition_of

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "opt_out": ("opt_out", "opt_out_all", "import", "import_file", "import_undone"),
        "opt_in": ("opt_in", "restored"),
        "consent": ("consent",),
        "lock": ("lock", "unlock"),
        "review": ("review", "reviewed", "reopened"),
        "help": ("help",),
        "reply": ("reply", "receipt"),
        "unrouted": ("unrouted",),
        "ordinary": ("text", "forward", "app"),
    }
)
"""By key of ``[retention]`` the kinds of events that it is about; ``others`` is about the rest."""
_KEYS = {kind: key for key, kinds in KINDS.items() for kind in kinds}
EVIDENCE = tuple(
    kind
    for key in ("opt_out", "opt_in", "consent", "lock", "review", "reply")
    for kind in KINDS[key]
)
"""Kinds whose texts are evidence themselves, and stay as long as the event."""
_OPERATION = 0
"""The partition of what concerns no number."""

_log = structlog.get_logger()


class Forgotten(msgspec.Struct, frozen=True):
    """What was erased of a number."""

    number: str
    records: int
    """Events whose texts were erased; the events themselves stay."""
    ordinary_texts: int
    """Ordinary texts that were taken out of the store."""
    forwards: int
    """Texts for applications that were taken out: pending or failed."""
    event_id: str
    replies: int = 0
    """Replies that were given up, and were taken out."""


class Forgetting:
    """Takes contents of the records away."""

    def __init__(self, archiver: LedgerArchiver, retention: Retention) -> None:
        """Take away what ``archiver`` has moved."""
        self._archiver, self._store, self._records = archiver, archiver.store, archiver.records
        self._retention = retention

    def forget(self, number: str, actor: str, reason: str) -> Forgotten:
        """Erase the texts of a number; it stays suppressed where it is.

        Raises ``StoreUnavailable``, ``RecordsUnavailable``,
        ``RecordsDiffer``.
        """
        self._archiver.move_all()
        ids = self._records.removal.texts_of(number)
        event = self._announce(FORGOTTEN, "text", ids, number, actor, reason)
        if ids:
            self._records.removal.remove(event.id, "text", ids)
        texts = self._store.sample_log.forget(number)
        forwards = self._records.deliveries.forget(number)
        replies = self._store.unsent_replies.forget(number)
        return Forgotten(number, len(ids), texts, forwards, event.id, replies)

    def apply_retention(self) -> Iterator[int]:
        """Take away what is older than its kind is kept, a batch at a time; gives each one's size.

        0 stands for a batch of events that must stay. Raises as ``forget``.
        """
        now_us = self._store.health.now_us()

        def of_texts(kind: str) -> int | None:
            kept_us = None if kind in EVIDENCE else self._retention.texts_us
            return None if kept_us is None else now_us - kept_us

        def of_events(kind: str) -> int | None:
            kept_us = getattr(self._retention, f"{_KEYS.get(kind, 'others')}_us")
            return None if kept_us is None else now_us - kept_us

        yield from self._batches("text", self._records.removal.old_texts(of_texts))
        yield from self._batches("event", self._records.removal.old_events(of_events))

    def _batches(self, part: Part, batches: Iterator[list[str]]) -> Iterator[int]:
        for ids in batches:
            if ids:
                event = self._announce(RETENTION, part, ids)
                self._records.removal.remove(event.id, part, ids)
                _log.info("retention", part=part, records=len(ids), id=event.id)
            yield len(ids)

    def _announce(
        self,
        kind: str,
        part: Part,
        ids: list[str],
        number: str = "",
        actor: str = "",
        reason: str = "",
    ) -> Event:
        """Put the event that says what goes into the chain; without an actor it has no entry."""
        now_us, note = self._store.health.now_us(), announcement(part, ids)
        about = (number, note, str(now_us))
        event = operator_event(kind, note, actor, reason, now_us, *about, number=number)
        if not actor:
            event = msgspec.structs.replace(event, entry=None)
        partition = partition_of(number) if number else _OPERATION
        self._store.ledger.append(partition, event)
        self._archiver.move_all()
        if not self._records.reader.has([event.id]):
            raise RecordsDiffer("what was to be taken away could not be announced in the records")
        return event
