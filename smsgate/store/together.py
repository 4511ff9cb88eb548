"""Concurrent callers of a process share one round trip into the inbox.

Whoever finds nobody at it goes, and takes along all who came while the last trip was under way.
Under load a trip so carries as many messages as the process has threads, and Redis makes one
fsync for them; without load nobody waits for anybody.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from smsgate.errors import StoreUnavailable
from smsgate.messages import Added, Arrival
from smsgate.store.inbox import Inbox, stored_or_raise


class _Ticket:
    """One caller's arrivals, and the way in which it hears of them."""

    __slots__ = ("added", "arrivals", "called", "error", "lanes", "leads")

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self.arrivals = arrivals
        self.called = threading.Lock()
        self.called.acquire()
        self.leads = False
        self.added: list[Added | StoreUnavailable] = []
        self.lanes: list[int] = []
        self.error: StoreUnavailable | None = None


class Together:
    """The inbox, for many threads."""

    def __init__(self, inbox: Inbox) -> None:
        """Go to that inbox."""
        self._inbox = inbox
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._busy = False

    def add(self, arrivals: Sequence[Arrival]) -> tuple[list[Added], list[int]]:
        """As ``Inbox.add``."""
        ticket = _Ticket(arrivals)
        with self._lock:
            self._waiting.append(ticket)
            first, self._busy = not self._busy, True
        if not first:
            ticket.called.acquire()
        if first or ticket.leads:
            self._go()
        if ticket.error is not None:
            raise ticket.error
        return stored_or_raise(ticket.added), ticket.lanes

    def _go(self) -> None:
        """Carry all who wait, this caller among them, and hand over to the next who came."""
        with self._lock:
            tickets, self._waiting = self._waiting, []
        try:
            self._carry(tickets)
        finally:
            with self._lock:
                successor = self._waiting[0] if self._waiting else None
                self._busy = successor is not None
            if successor is not None:
                successor.leads = True
                successor.called.release()
            for ticket in tickets:
                if not ticket.leads:
                    ticket.called.release()

    def _carry(self, tickets: Sequence[_Ticket]) -> None:
        try:
            added, lanes = self._inbox.add_each([one for t in tickets for one in t.arrivals])
        except StoreUnavailable as error:
            for ticket in tickets:
                ticket.error = StoreUnavailable(str(error))
            return
        at = 0
        for ticket in tickets:
            ticket.added = added[at : at + len(ticket.arrivals)]
            at += len(ticket.arrivals)
        tickets[0].lanes = lanes
