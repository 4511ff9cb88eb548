"""Renewing the store's write lease, with what this host has in its spool."""

from __future__ import annotations

import socket
import threading
import time

import structlog

from smsgate.domain.errors import SpoolUnavailable, StoreUnavailable
from smsgate.pipeline.spool import Spool
from smsgate.store import Store
from smsgate.store.write_lease import SpooledOptOuts

PERIOD_S = 1.0
REMIND_S = 60.0
"""How often a problem that lasts is logged again."""
_TO_S = 10
"""To how many seconds the time is rounded that a host gives, so that it writes no more often."""
_log = structlog.get_logger()


class LeaseRenewal:
    """A thread of each process ``web`` and ``clock``.

    Where the spool cannot be read this process does not renew: it might vouch for a store that
    lacks opt-outs of this host.
    """

    def __init__(self, store: Store, spool: Spool) -> None:
        """Use these collaborators; the thread starts with ``start``."""
        self._store = store
        self._spool = spool
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem, self._logged_at = "", 0.0
        self._quiet = False

    def start(self, *, quiet: bool = False) -> None:
        """Renew once a second from now on; ``quiet``: and log no problem."""
        self._quiet = quiet
        self._thread = threading.Thread(target=self._run, name="write lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; the lease runs out unless another process renews it."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def renew(self) -> None:
        """Renew once. Raises ``StoreUnavailable``, ``SpoolUnavailable``."""
        state = self._spool.state()
        if state is None:
            self._store.write_lease.renew()
            return
        spooled = None
        if state.blocking:
            at_s = int(time.time()) // _TO_S * _TO_S
            spooled = SpooledOptOuts(socket.gethostname(), state.blocking, at_s)
        self._store.write_lease.renew(state.id, spooled)

    def _run(self) -> None:
        while True:
            try:
                self.renew()
                self._log_end()
            except (StoreUnavailable, SpoolUnavailable) as error:
                self._log_problem(str(error))
            except Exception as error:  # noqa: BLE001 - a fault of one round must not shut the gate
                _log.error("write lease failed", exc_info=error)
            if self._ending.wait(PERIOD_S):
                return

    def _log_problem(self, problem: str) -> None:
        now = time.monotonic()
        if self._quiet:
            return
        if problem != self._problem or now - self._logged_at >= REMIND_S:
            _log.warning("write lease not renewed", problem=problem)
            self._problem, self._logged_at = problem, now

    def _log_end(self) -> None:
        if self._problem:
            _log.info("write lease renewed again")
            self._problem = ""
