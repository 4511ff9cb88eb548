"""Keeps the opt-outs of an account in agreement with its provider's own list.

What was done is remembered after each turn, so that a process that ends in between repeats the
calls of one turn at most; they change nothing twice.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from smsgate.features.provider_lists.list_reader import ListReader
from smsgate.features.provider_lists.list_session import LeaseLost, ListSession
from smsgate.features.provider_lists.notice_sender import NoticeSender
from smsgate.metrics.snapshot import OptOutListState
from smsgate.process.services import Services
from smsgate.providers import OPT_OUT_LISTS
from smsgate.settings import Account
from smsgate.store.processes import LIST_LEASE_MS

IDLE_S = 10.0
"""Pause where there is nothing to tell and nothing to read."""
STANDBY_S = LIST_LEASE_MS / 6_000


class OptOutListSync:
    """Works on one account's list. Only one process at a time has its lease.

    ``now`` gives seconds since 1970.
    """

    def __init__(
        self,
        account: Account,
        services: Services,
        now: Callable[[], float] = time.time,
    ) -> None:
        """The account is usable, and its provider one of ``OPT_OUT_LISTS``."""
        access = OPT_OUT_LISTS[account.provider].opt_out_list
        self._account = account
        self._services = services
        self._calls_per_minute = access.calls_per_minute
        self._now = now
        self._id = uuid.uuid4().hex
        self._works: list[Callable[[ListSession], bool]] = []
        if access.holds_for:
            self._works.append(NoticeSender(account, services).run)
        if access.is_readable:
            self._works.append(ListReader(account, services).run)

    def run_once(self) -> float:
        """Make the calls of one turn; returns the pause before the next one, in seconds.

        Raises ``StoreUnavailable``, ``StoreNotReady`` or ``RecordsUnavailable``: nothing is lost.
        """
        lists = self._services.store.opt_out_lists
        if not lists.leads(self._account.name, self._id):
            return STANDBY_S
        before = lists.read(self._account.name)
        session = ListSession(
            self._account, self._services, before or OptOutListState(), self._now, self._id
        )
        if session.state.due_us > session.now_us:
            return min(STANDBY_S, (session.state.due_us - session.now_us) / 1_000_000)
        # By turns, so that neither a long list of theirs nor one of ours holds up the other.
        self._works.reverse()
        try:
            any(work(session) for work in self._works)
        except LeaseLost:
            return STANDBY_S
        after = session.ended()
        if after != before:
            lists.write(self._account.name, after)
        if session.failure:
            return min(STANDBY_S, session.retry_s)
        if session.calls:
            return session.calls * 60.0 / self._calls_per_minute
        return 0.0 if session.is_busy else IDLE_S

    def release(self) -> None:
        """Give up the lease, when no turn is under way. Raises ``StoreUnavailable``."""
        self._services.store.opt_out_lists.release(self._account.name, self._id)
