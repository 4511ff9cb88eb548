"""Back from the spool: what waited on disk goes into the inbox when the store is back."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import msgspec
import structlog

from smsgate.domain.errors import SpoolUnavailable, StoreUnavailable
from smsgate.domain.messages import Arrival
from smsgate.logs import Reminder
from smsgate.metrics.families import MESSAGES
from smsgate.pipeline.ingest import label_of
from smsgate.pipeline.lease_renewal import LeaseRenewal
from smsgate.pipeline.spool import Spool, Spooled
from smsgate.store import Store
from smsgate.store.job_queue import JobQueue

PERIOD_S = 1.0
NOTE_S = 60.0
"""How often the depth of a spool is told that did not change."""
CHECK_S = 5.0
"""How often it is tried whether a message could be kept."""
_CHUNK = 200
_log = structlog.get_logger()


class SpoolReplay:
    """A thread of each web process; one process of a host at a time does the work."""

    def __init__(self, spool: Spool, store: Store, job_queue: JobQueue) -> None:
        """Use these collaborators; the thread starts with ``start``."""
        self._spool = spool
        self._store = store
        self._job_queue = job_queue
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._told, self._told_at = (-1, ""), 0.0
        self._reminder = Reminder()
        self._found, self._checked_at = "", -CHECK_S

    def start(self) -> None:
        """Look after the spool from now on."""
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def replay(self) -> int:
        """Store what waits; gives how many messages. What the store has already is a duplicate.

        The store is told at once that this host has no opt-outs any more: a host that is taken down
        now would keep the gate shut until somebody forgets its spool.
        Raises ``StoreUnavailable``, ``SpoolUnavailable``; what was not stored stays.
        """
        if not self._spool.depth():
            return 0
        replayed = 0
        with self._spool.replayer() as mine:
            while mine and (spooled := self._spool.oldest(_CHUNK)):
                self._store_chunk(spooled)
                replayed += len(spooled)
        if replayed:
            with suppress(StoreUnavailable, SpoolUnavailable):  # tried again within a second
                LeaseRenewal(self._store, self._spool).renew()
        return replayed

    def _store_chunk(self, spooled: list[Spooled]) -> None:
        ahead_us = self._ahead_us()
        # Fixed times and no ages: the store may be slow to run what it was given, even after we
        # have stopped to wait for it.
        arrivals = [
            Arrival(
                entry=msgspec.structs.replace(one.entry, outage_us=one.began_us + ahead_us),
                sent_us=_event_time_us(one, ahead_us),
            )
            for one in spooled
        ]
        added, partitions = self._store.inbox.add(arrivals)
        self._spool.drop(spooled)
        self._job_queue.notify_inboxes(partitions)
        for arrival, one in zip(arrivals, added, strict=True):
            if not one.duplicate:  # its webhook was answered 503, and so not counted
                entry = arrival.entry
                self._store.metrics.count(MESSAGES, entry.account, label_of(entry))

    def note(self) -> None:
        """Let everybody know how deep this host's spool is, where that is news.

        That it cannot be used is news, too. Raises ``StoreUnavailable``, ``SpoolUnavailable``.
        """
        problem, now = self._problem(), time.monotonic()
        depth = self._told[0] if problem else self._spool.depth()
        if (depth, problem) == self._told and now - self._told_at < NOTE_S:
            return
        oldest = self._spool.oldest(1) if depth and not problem else []
        waited_s = max(time.time() - oldest[0].arrived_us / 1_000_000, 0.0) if oldest else 0.0
        self._store.backlog.note_spool(socket.gethostname(), max(depth, 0), waited_s, problem)
        self._told, self._told_at = (depth, problem), now

    def turn(self) -> None:
        """Replay what waits, then let everybody know what this host's spool holds.

        Raises ``StoreUnavailable``, ``SpoolUnavailable``.
        """
        try:
            replayed = self.replay()
        except SpoolUnavailable:
            self.note()  # alerts and doctor on other hosts hear of it by nothing else
            raise
        if replayed:
            _log.info("spool replayed", messages=replayed)
        self.note()

    def _problem(self) -> str:
        """Why no message could be kept, as it was found in the last seconds."""
        now = time.monotonic()
        if now - self._checked_at >= CHECK_S:
            self._checked_at = now
            try:
                self._spool.check(make=True)
                self._found = ""
            except SpoolUnavailable as error:
                self._found = str(error)
        return self._found

    def _ahead_us(self) -> int:
        """How far Redis's clock is ahead of ours.

        Of three looks the quickest counts: a slow answer does not say when it was given.
        """
        looks = []
        for _ in range(3):
            asked_us = time.time_ns() // 1000
            there_us = self._store.health.now_us()
            answered_us = time.time_ns() // 1000
            looks.append((answered_us - asked_us, there_us - (asked_us + answered_us) // 2))
        return min(looks)[1]

    def _run(self) -> None:
        while not self._ending.wait(PERIOD_S):
            try:
                self.turn()
                self._reminder.end()
            except (StoreUnavailable, SpoolUnavailable) as error:
                if self._reminder.is_due(str(error)):
                    _log.warning("spool waits", problem=str(error))


def _event_time_us(spooled: Spooled, ahead_us: int) -> int:
    """The provider's event time, but never later than the arrival at our door; Redis's clock."""
    arrived_us = spooled.arrived_us + ahead_us
    return arrived_us if spooled.sent_us is None else min(spooled.sent_us, arrived_us)
