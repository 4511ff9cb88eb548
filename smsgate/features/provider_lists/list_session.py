"""One turn of work on a provider's opt-out list: the calls it makes, and what came of them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import structlog

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall, HttpReply
from smsgate.metrics.snapshot import OptOutListState
from smsgate.process.services import Services
from smsgate.providers.calls import retry_after_s
from smsgate.settings import Account
from smsgate.store.processes import MAX_REFUSALS

_FIRST_RETRY_S, _MAX_RETRY_S = 5.0, 900.0
_log = structlog.get_logger("smsgate.opt_out_list")


class LeaseLost(Exception):
    """Another process has the list by now."""


class ListSession:
    """Makes calls and keeps the state up to date."""

    def __init__(
        self,
        account: Account,
        services: Services,
        state: OptOutListState,
        now: Callable[[], float],
        process: str,
    ) -> None:
        """``process`` has the lease; ``now`` gives seconds since 1970."""
        self.state = state
        self.calls = 0
        self.is_busy = False
        """Whether there is more to do at once."""
        self.failure = ""
        self.retry_s = 0.0
        self._account = account
        self._services = services
        self._now = now
        self._process = process

    @property
    def now_us(self) -> int:
        """Us since 1970."""
        return int(self._now() * 1_000_000)

    def change(self, **changed: object) -> None:
        """Change fields of the state."""
        self.state = msgspec.structs.replace(self.state, **changed)

    def perform(self, call: HttpCall) -> HttpReply | None:
        """Make a call; None where no answer came, which is a failure of the turn.

        Raises ``LeaseLost``, ``StoreUnavailable``.
        """
        if not self._services.store.opt_out_lists.leads(self._account.name, self._process):
            raise LeaseLost
        self.calls += 1
        try:
            return self._services.outbound.perform(call)
        except CallFailed as error:
            self.fail(str(error))
            return None

    def fail(self, problem: str, answer: HttpReply | None = None) -> None:
        """Note a failure: the next turn waits, longer each time, or as long as it was asked to."""
        asked_s = retry_after_s(answer) if answer is not None else None
        own_s = min(_FIRST_RETRY_S * 2.0 ** min(self.state.failures, 10), _MAX_RETRY_S)
        self.failure, self.retry_s = problem, max(own_s, min(asked_s or 0.0, _MAX_RETRY_S))

    def refuse(self, reason: str) -> None:
        """Count an opt-out that the provider does not take."""
        counted = dict(self.state.refusals)
        known = reason in counted or len(counted) < MAX_REFUSALS
        key = reason if known else "other reasons"
        self.change(refusals=counted | {key: counted.get(key, 0) + 1})

    def ended(self) -> OptOutListState:
        """The state after the turn, with what failed in it."""
        if self.failure:
            if self.failure != self.state.problem:
                _log.warning("opt-out list waits", account=self._account.name, problem=self.failure)
            self.change(
                problem=self.failure,
                failing_since_us=self.state.failing_since_us or self.now_us,
                failures=self.state.failures + 1,
                due_us=self.now_us + int(self.retry_s * 1_000_000),
            )
        elif self.calls:
            self.change(problem="", failing_since_us=0, failures=0, due_us=0)
        return self.state
