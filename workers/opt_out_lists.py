"""Threads of the process ``clock`` that compare opt-outs with the providers' own lists.

Each account with ``opt_out_list = true`` has a thread, so that no provider waits for another. The
accounts' leases in Redis let a second clock stand by.
"""

from __future__ import annotations

import time

from smsgate.background_thread import BackgroundThread
from smsgate.features.provider_lists.service import OptOutListSync
from smsgate.interface.parts import Parts
from smsgate.process.services import Services
from smsgate.providers import OPT_OUT_LISTS, usable
from smsgate.settings import Account

RETRY_S = 5.0
"""Pause after a turn that failed on our side."""


def opt_out_list_threads(services: Services) -> list[BackgroundThread]:
    """A thread for each account that asks for it, not started yet."""
    sync = Parts(services).bind(OptOutListSync, 2)
    return [
        _thread(sync(account, time.time), account)
        for account in services.settings.accounts.values()
        if account.opt_out_list and usable(account) and not account.simulated
        if account.provider in OPT_OUT_LISTS
    ]


def _thread(sync: OptOutListSync, account: Account) -> BackgroundThread:
    name = f"opt-out list of {account.name}"
    return BackgroundThread(name, sync.run_once, RETRY_S, at_end=sync.release)
