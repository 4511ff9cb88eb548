"""Seen: what waits where and for how long, asked of store, spool and records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from smsgate.errors import StoreUnavailable
from smsgate.metrics.heartbeats import ProcessSnapshot
from smsgate.metrics.sights import AccountSight, Depth, Sights
from smsgate.settings import Account, Settings
from smsgate.store import Store

BURST_S = 600.0
"""Over how long refused requests are counted together."""
Ready: TypeAlias = Callable[[], Mapping[str, str]]


def sights(store: Store, settings: Settings, ready: Ready) -> Sights:
    """Look at everything. Raises ``StoreUnavailable``."""
    waiting = store.ledger.waiting()
    now_s = time.time()
    return Sights(
        now_s=now_s,
        waits=store.depths.waits(),
        ledger=Depth(waiting.count, waiting.oldest_us / 1_000_000),
        memory=waiting.memory,
        spools=tuple(store.depths.spools()),
        accounts=tuple(_accounts(store, settings.accounts.values())),
        weaknesses=tuple(store.health.weaknesses()),
        ready=ready(),
        processes=_processes(store),
    )


def _processes(store: Store) -> ProcessSnapshot | None:
    try:
        store.write_lease.refuse_unwritable()
    except StoreUnavailable:
        return None
    return store.heartbeats.snapshot()


def _accounts(store: Store, accounts: Iterable[Account]) -> Iterator[AccountSight]:
    for account in accounts:
        last = store.acceptance.last(account.name)
        yield AccountSight(
            name=account.name,
            accepted_s=max(last.newest_ms, last.older_ms) / 1000,
            silent_after_s=account.silent_hours * 3600,
            refused=store.quarantine.count(account.name, BURST_S),
        )
