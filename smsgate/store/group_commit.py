"""Group commit: concurrent requests of a process share one round trip into the inbox.

The first caller that finds nobody at work becomes the leader and commits every arrival queued so
far in one round trip. Who comes meanwhile waits, and the first of those leads the next group. Under
load a round trip so carries as many messages as the process has threads, and Redis makes one fsync
for them; without load nobody waits for anybody.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Added, Arrival
from smsgate.store.inbox import Inbox, stored_or_raise


class _Waiter:
    """One caller's arrivals, what became of them, and the lock that it waits on."""

    __slots__ = ("added", "arrivals", "is_leader", "lock", "partitions")

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self.arrivals = arrivals
        self.lock = threading.Lock()
        self.is_leader = False
        self.added: list[Added | StoreUnavailable] = []
        self.partitions: list[int] = []


class GroupCommit:
    """The inbox, for many threads."""

    def __init__(self, inbox: Inbox) -> None:
        """Commit to that inbox."""
        self._inbox = inbox
        self._lock = threading.Lock()
        self._queue: list[_Waiter] = []
        self._has_leader = False

    def add(self, arrivals: Sequence[Arrival]) -> tuple[list[Added], list[int]]:
        """Store entries durably and place their holds, as ``Inbox.add`` does.

        Gives what became of each, in order, and the partitions for which a job is to be asked for:
        one caller of a group gets those of the whole group. Raises ``StoreUnavailable``.
        """
        waiter = _Waiter(arrivals)
        with self._lock:
            self._queue.append(waiter)
            waiter.is_leader, self._has_leader = not self._has_leader, True
            if not waiter.is_leader:
                waiter.lock.acquire()
        if not waiter.is_leader:
            waiter.lock.acquire()  # released once the group is committed, or to lead the next one
        if waiter.is_leader:
            self._lead()
        return stored_or_raise(waiter.added), waiter.partitions

    def _lead(self) -> None:
        """Commit the queued group, the caller among it, and hand over to the next one's first."""
        with self._lock:
            group, self._queue = self._queue, []
        try:
            self._commit(group)
        finally:
            with self._lock:
                successor = self._queue[0] if self._queue else None
                self._has_leader = successor is not None
            if successor is not None:
                successor.is_leader = True
                successor.lock.release()
            for waiter in group:
                if not waiter.is_leader:
                    waiter.lock.release()

    def _commit(self, group: Sequence[_Waiter]) -> None:
        try:
            added, partitions = self._inbox.add_each([one for w in group for one in w.arrivals])
        except StoreUnavailable as error:
            for waiter in group:
                waiter.added = [StoreUnavailable(str(error))] * len(waiter.arrivals)
            return
        at = 0
        for waiter in group:
            waiter.added = added[at : at + len(waiter.arrivals)]
            at += len(waiter.arrivals)
        group[0].partitions = partitions
