"""Spools of hosts that are gone: an operator gives up what was in them, on record."""

from __future__ import annotations

from smsgate import __version__
from smsgate.consent.events import Event, event_id
from smsgate.domain.errors import NoSuchSpool
from smsgate.domain.messages import Decision, Entry, Intent
from smsgate.records.announcing import SPOOL_FORGOTTEN
from smsgate.store import Store

_PARTITION = 0
"""Such an event is about no number; this partition's ledger has it."""


def forget_spool(store: Store, host: str, actor: str, reason: str) -> str:
    """Let the gate answer although opt-outs in the spool of a host never reached the store.

    Gives what is lost, as it goes on record. A host that is not gone says again within a second
    what it has. Raises ``NoSuchSpool`` where the host says nothing of a spool, and
    ``StoreUnavailable``.
    """
    blocking = [one for one in store.write_lease.spooled() if one.host == host]
    messages = sum(one.count for one in store.backlog.spools() if one.host == host)
    if not blocking and not messages:
        raise NoSuchSpool(
            f"no host {host!r} says that messages wait in its spool: `smsgate spool list`"
        )
    count = sum(one.count for one in blocking)
    most = max(count, messages)
    lost = f"{most:,} {'message' if most == 1 else 'messages'} in the spool of host {host}"
    lost += f", {count:,} of them opt-outs"
    store.ledger.append(_PARTITION, _event(store.health.now_us(), lost, actor, reason))
    store.backlog.forget_spool(host)
    store.write_lease.forget(host)
    return lost


def _event(now_us: int, lost: str, actor: str, reason: str) -> Event:
    about = Entry(
        number="",
        program="",
        decision=Decision(Intent.NONE, rule=SPOOL_FORGOTTEN, note=reason),
        source="operator",
        actor=actor,
        phone=False,
    )
    return Event(
        id=event_id(now_us // 1000, SPOOL_FORGOTTEN, lost, str(now_us)),
        kind=SPOOL_FORGOTTEN,
        outcome="applied",
        number="",
        entry=about,
        received_us=now_us,
        applied_us=now_us,
        note=f"given up: {lost}",
        software=__version__,
    )
