"""Threads of the process ``clock`` that compare opt-outs with the providers' own lists.

Each account with ``opt_out_list = true`` has a thread, so that no provider waits for another. The
accounts' leases in Redis let a second clock stand by.
"""

from __future__ import annotations

from contextlib import suppress

import structlog

from smsgate.domain.errors import (
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.features.provider_lists.service import OptOutListSync
from smsgate.logs import Reminder
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.services import Services
from smsgate.providers import OPT_OUT_LISTS, usable
from smsgate.settings import Account

RETRY_S = 5.0
"""Pause after a turn that failed on our side."""
_log = structlog.get_logger("smsgate.opt_out_list")


def opt_out_list_threads(services: Services) -> list[OptOutListThread]:
    """A thread for each account that asks for it, not started yet."""
    return [
        OptOutListThread(account, services)
        for account in services.settings.accounts.values()
        if account.opt_out_list and usable(account) and not account.simulated
        if account.provider in OPT_OUT_LISTS
    ]


class OptOutListThread(BackgroundThread):
    """Compares the list of one account; a call that takes too long at the end is repeated later."""

    def __init__(self, account: Account, services: Services) -> None:
        super().__init__(f"opt-out list {account.name}")
        self._account = account
        self._sync = OptOutListSync(account, services)
        self._reminder = Reminder()

    def run_once(self) -> float:
        """Do one turn; a fault in one account must end neither its thread nor others."""
        try:
            pause_s = self._sync.run_once()
        except (StoreUnavailable, StoreNotReady, RecordsUnavailable) as error:
            if self._reminder.is_due(str(error)):
                _log.warning("opt-out list waits", account=self._account.name, problem=str(error))
            return RETRY_S
        except Exception as error:  # noqa: BLE001
            _log.error("opt-out list failed", account=self._account.name, exc_info=error)
            return RETRY_S
        self._reminder.end()
        return pause_s

    def _run(self) -> None:
        super()._run()
        with suppress(StoreUnavailable):  # then the lease ends by itself
            self._sync.release()
