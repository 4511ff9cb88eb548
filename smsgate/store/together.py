"""Concurrent callers of a process share one round trip into the inbox.

Whoever finds nobody at it goes, and takes along all who came while the last trip was under way.
Under load a trip so carries as many messages as the process has threads, and Redis makes one
fsync for them; without load nobody waits for anybody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from smsgate.errors import StoreUnavailable
from smsgate.messages import Added, Arrival
from smsgate.store.inbox import Inbox, stored_or_raise

Heard: TypeAlias = Callable[[list[Added | StoreUnavailable], list[int]], None]
"""Told what became of each arrival, in order, and the lanes for which a job is to be asked for."""


class _Ticket:
    """One caller's arrivals, and the way in which it hears of them: it waits, or it is told."""

    __slots__ = ("added", "arrivals", "called", "heard", "lanes", "leads")

    def __init__(self, arrivals: Sequence[Arrival], heard: Heard | None = None) -> None:
        self.arrivals = arrivals
        self.heard = heard
        self.called = threading.Lock()
        self.called.acquire()
        self.leads = False
        self.added: list[Added | StoreUnavailable] = []
        self.lanes: list[int] = []


class Together:
    """The inbox, for many threads."""

    def __init__(self, inbox: Inbox) -> None:
        """Go to that inbox."""
        self._inbox = inbox
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._busy = False
        self._goer = ThreadPoolExecutor(1, "together")
        """Goes for callers that do not wait."""

    def add(self, arrivals: Sequence[Arrival]) -> tuple[list[Added], list[int]]:
        """As ``Inbox.add``."""
        added, lanes = self.add_each(arrivals)
        return stored_or_raise(added), lanes

    def add_each(
        self, arrivals: Sequence[Arrival]
    ) -> tuple[list[Added | StoreUnavailable], list[int]]:
        """As ``Inbox.add_each``, but where the way to Redis broke that is the error of each."""
        ticket = _Ticket(arrivals)
        first = self._queued(ticket)
        if not first:
            ticket.called.acquire()
        if first or ticket.leads:
            self._go()
        return ticket.added, ticket.lanes

    def later(self, arrivals: Sequence[Arrival], heard: Heard) -> None:
        """As ``add``, but returns at once; another thread tells ``heard``."""
        if self._queued(_Ticket(arrivals, heard)):
            self._goer.submit(self._go)

    def _queued(self, ticket: _Ticket) -> bool:
        """Whether nobody is at it, so that this caller has to go."""
        with self._lock:
            self._waiting.append(ticket)
            first, self._busy = not self._busy, True
        return first

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
            if successor is not None and successor.heard is not None:
                self._goer.submit(self._go)
            elif successor is not None:
                successor.leads = True
                successor.called.release()
            for ticket in tickets:
                if ticket.heard is not None:
                    ticket.heard(ticket.added, ticket.lanes)
                elif not ticket.leads:
                    ticket.called.release()

    def _carry(self, tickets: Sequence[_Ticket]) -> None:
        try:
            added, lanes = self._inbox.add_each([one for t in tickets for one in t.arrivals])
        except StoreUnavailable as error:
            for ticket in tickets:
                ticket.added = [StoreUnavailable(str(error))] * len(ticket.arrivals)
            return
        at = 0
        for ticket in tickets:
            ticket.added = added[at : at + len(ticket.arrivals)]
            at += len(ticket.arrivals)
        tickets[0].lanes = lanes
