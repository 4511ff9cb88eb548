"""Takes a snapshot of a running smsgate, from the store and this host's spool."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator

from smsgate.domain.errors import SpoolUnavailable, StoreNotReady, StoreUnavailable
from smsgate.metrics.snapshot import (
    AccountTraffic,
    Obstacle,
    OptOutListStatus,
    QueueDepth,
    SpoolDepth,
    SystemSnapshot,
)
from smsgate.pipeline.spool import Spool
from smsgate.settings import Account, Settings
from smsgate.store.store import Store

REFUSED_WINDOW_S = 600.0
"""In which refused requests are counted together."""


def take_snapshot(store: Store, settings: Settings, spool: Spool | None = None) -> SystemSnapshot:
    """Read everything that may need attention. ``spool`` is this host's.

    Raises ``StoreUnavailable``.
    """
    write_obstacle = _refused_writes(store)
    waiting = store.ledger_reader.waiting()
    now_s = time.time()
    return SystemSnapshot(
        now_s=now_s,
        backlog=store.backlog.read(),
        ledger=QueueDepth(waiting.count, waiting.oldest_us / 1_000_000),
        memory=waiting.memory,
        spools=tuple(_spools(store, spool, trusted=write_obstacle is None)),
        accounts=tuple(_accounts(store, settings.accounts.values())),
        weaknesses=tuple(store.health.weaknesses()),
        processes=store.heartbeats.snapshot() if write_obstacle is None else None,
        write_obstacle=write_obstacle,
        gate_obstacle=store.write_lease.obstacle(),
        store_obstacle=_lost(store),
        rebuild=store.rebuild.progress(),
        alert_failures=store.alerts.state().failures,
    )


def spool_of_this_host(spool: Spool) -> SpoolDepth | None:
    """What this host's spool holds; None if it cannot be read."""
    try:
        state = spool.state()
    except SpoolUnavailable:
        return None
    host, folder, now_s, problem = socket.gethostname(), spool.folder, time.time(), ""
    try:
        spool.check()
    except SpoolUnavailable as error:
        problem = str(error)
    if state is None or not state.messages:
        return SpoolDepth(host, 0, 0.0, now_s, problem, folder)
    waited_s = max(now_s - state.oldest_us / 1_000_000, 0.0)
    return SpoolDepth(host, state.messages, waited_s, now_s, problem, folder)


def _spools(store: Store, spool: Spool | None, *, trusted: bool) -> Iterable[SpoolDepth]:
    """What each host reported last; of a store that takes no writes that is not ``trusted``."""
    found = {one.place: one for one in store.backlog.spools()} if trusted else {}
    here = spool_of_this_host(spool) if spool is not None else None
    if here is not None:
        found[here.place] = here
    return found.values()


def _lost(store: Store) -> Obstacle | None:
    """Why the store is not ready."""
    remedy = "let `clock` run, which rebuilds it from the records, or run `smsgate rebuild`"
    try:
        if store.metadata.store_id():
            return None
    except StoreNotReady as error:
        return Obstacle(str(error), remedy)
    problem = "the store has no metadata: it lost its data, or is new"
    return Obstacle(problem, f"{remedy}; a store that is new: `smsgate init`")


def _refused_writes(store: Store) -> Obstacle | None:
    try:
        store.write_lease.refuse_unwritable()
    except StoreUnavailable as error:
        return Obstacle(str(error), error.remedy)
    return None


def opt_out_list_status(store: Store, account: Account) -> OptOutListStatus | None:
    """How an account's opt-outs agree with its provider's own list.

    None where it does not ask for that, or the clock has not begun. Raises ``StoreUnavailable``.
    """
    state = store.opt_out_lists.read(account.name) if account.opt_out_list else None
    return None if state is None else state.status()


def _accounts(store: Store, accounts: Iterable[Account]) -> Iterator[AccountTraffic]:
    for account in accounts:
        last = store.acceptance.last(account.name)
        yield AccountTraffic(
            name=account.name,
            accepted_s=max(last.newest_ms, last.older_ms) / 1000,
            silent_after_s=account.silent_hours * 3600,
            refused=store.quarantine.count(account.name, REFUSED_WINDOW_S),
            unblocked=tuple(store.acceptance.unblocked(account.name)),
            opt_out_list=opt_out_list_status(store, account),
        )
