"""Back from the spool: what waited on disk goes into the inbox when the store is back."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from itertools import compress

import msgspec
import structlog

from smsgate.background_thread import BackgroundThread
from smsgate.domain.errors import NotFound, SpoolUnavailable, StoreUnavailable
from smsgate.domain.messages import Arrival
from smsgate.metrics.counters import MESSAGES
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.history import operator_event
from smsgate.pipeline.ingest import label_of
from smsgate.pipeline.spool import Spool, Spooled
from smsgate.records.removal import SPOOL_FORGOTTEN
from smsgate.store.store import Store
from smsgate.store.write_lease import SpooledOptOuts

PERIOD_S = 1.0
NOTE_S = 5.0
"""How often it is tried whether a message could be kept, and reported what waits."""
_CHUNK = 200
_log = structlog.get_logger()


class SpoolReplay:
    """Work of each web process; one process of a host at a time does it."""

    def __init__(self, spool: Spool, store: Store) -> None:
        self._spool = spool
        self._store = store

    def threads(self) -> list[BackgroundThread]:
        """The one that replays, and the one that lets everybody know what waits."""
        return [
            BackgroundThread("spool", self.replay, PERIOD_S),
            BackgroundThread("spool report", self.note, NOTE_S),
        ]

    def replay(self) -> None:
        """Store what waits. What the store has already is a duplicate.

        The store learns at once that this host has no opt-outs any more: a host that is taken down
        now would keep the gate shut until somebody forgets its spool.
        Raises ``StoreUnavailable``, ``SpoolUnavailable``; what was not stored stays.
        """
        if not self._spool.oldest(1):
            return
        replayed = 0
        with self._spool.replayer() as mine:
            while mine and (spooled := self._spool.oldest(_CHUNK)):
                self._store_chunk(spooled)
                replayed += len(spooled)
        if replayed:
            _log.info("spool replayed", messages=replayed)
            with suppress(StoreUnavailable, SpoolUnavailable):  # tried again within seconds
                report_spool(self._store, self._spool)
                self.note()

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
        added = self._store.inbox.add(arrivals, raises=False)
        # What one partition refuses keeps nothing of the others here.
        known = [one.error is None for one in added]
        self._spool.drop([*compress(spooled, known)])
        for arrival, one in zip(arrivals, added, strict=True):
            if one.id:  # its webhook was answered 503, and so not counted
                entry = arrival.entry
                self._store.metrics.count(MESSAGES, entry.account, label_of(entry))
        for one in added:
            if one.error is not None:
                raise one.error

    def note(self) -> None:
        """Let everybody know what this host's spool holds, or why it cannot be used.

        Raises ``StoreUnavailable``.
        """
        self._store.backlog.note_spool(self._spool.report(make_folder=True))

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


def _event_time_us(spooled: Spooled, ahead_us: int) -> int:
    """The provider's event time, but never later than its arrival; Redis's clock."""
    arrived_us = spooled.arrived_us + ahead_us
    return arrived_us if spooled.sent_us is None else min(spooled.sent_us, arrived_us)


RENEWAL_PERIOD_S = 1.25
"""How often a process says what its spool holds, and renews the lease if no other just did. Two
renewals may fail before it lapses."""
_ROUND_TO_S = 10
"""Seconds to which a host rounds its time, so that it writes no more often."""


def report_spool(store: Store, spool: Spool, compared: str = "") -> str:
    """Say what this host's spool holds, and renew the lease of servers that may be trusted.

    ``compared``, and what is returned: see ``WriteLease.renew``. Raises ``StoreUnavailable``,
    ``SpoolUnavailable``.
    """
    state, spooled = spool.state(), None
    if state is not None and state.blocking:
        at_s = int(time.time()) // _ROUND_TO_S * _ROUND_TO_S
        spooled = SpooledOptOuts(socket.gethostname(), state.blocking, at_s, spool.folder)
    spool_id = state.id if state is not None else ""
    return store.write_lease.renew(spool_id, spooled, compared).not_compared


class LeaseRenewal:
    """Work of each process ``web`` and ``clock``.

    Where the spool cannot be read this process does not renew: it might vouch for a store that
    lacks opt-outs of this host. Nor for a server that it cannot compare with the records, unless
    somebody has compared that one before.
    """

    def __init__(self, store: Store, spool: Spool, archiver: LedgerArchiver) -> None:
        self._store = store
        self._spool = spool
        self._archiver = archiver

    def thread(self) -> BackgroundThread:
        """The thread that calls ``renew``."""
        return BackgroundThread("write lease", self.renew, RENEWAL_PERIOD_S)

    def renew(self) -> None:
        """Renew once.

        Raises ``StoreUnavailable``, ``SpoolUnavailable``, and as ``refuse_older_store`` where
        store and records must be compared first.
        """
        if not_compared := report_spool(self._store, self._spool):
            self._archiver.refuse_older_store()
            report_spool(self._store, self._spool, not_compared)


_PARTITION = 0
"""Such an event is about no number; this partition's ledger has it."""


def forget_spool(store: Store, host: str, actor: str, reason: str) -> str:
    """Let the gate answer although opt-outs in the spool of a host never reached the store.

    Gives what is lost, as it goes on record. A host that is not gone says again within a second
    what it has. Raises ``NotFound`` where the host says nothing of a spool, and
    ``StoreUnavailable``.
    """
    blocking = [one for one in store.write_lease.spooled() if one.host == host]
    messages = sum(one.count for one in store.backlog.spools() if one.host == host)
    if not blocking and not messages:
        raise NotFound(
            f"no host {host!r} says that messages wait in its spool: `smsgate spool list`"
        )
    count = sum(one.count for one in blocking)
    most = max(count, messages)
    lost = f"{most:,} {'message' if most == 1 else 'messages'} in the spool of host {host}"
    lost += f", {count:,} of them opt-outs"
    now_us, note = store.health.now_us(), f"lost spool: {lost}"
    event = operator_event(SPOOL_FORGOTTEN, note, actor, reason, now_us, lost, str(now_us))
    store.ledger.append(_PARTITION, event)
    store.backlog.forget_spool(host)
    store.write_lease.forget(host)
    return lost
