"""What became of our replies after the provider took them: its receipts, each written down once."""

from __future__ import annotations

from collections.abc import Sequence

from smsgate import __version__
from smsgate.consent.events import Event, event_id
from smsgate.domain.messages import Reply
from smsgate.metrics.families import RECEIPTS
from smsgate.providers.base import Report
from smsgate.store import Store
from smsgate.store.outbox import LONGEST, AwaitedReply, DeliveryReceipt, expected_of

_LONGEST_CODE = 60


def take_receipts(store: Store, account: str, reports: Sequence[Report]) -> int:
    """Write down what the reports tell of replies that we wait for; gives how many they were.

    Reports on texts that somebody else sent through the account have no effect. Raises
    ``StoreUnavailable``.
    """
    told = [_told(account, one) for one in reports if one.status and _named(one)]
    found = zip(told, store.receipts.look(told), strict=True)
    return sum(_take(store, one, expected) for one, expected in found if expected is not None)


def take_early(store: Store, reply: Reply, told: DeliveryReceipt) -> None:
    """Write down a receipt that came before its reply was settled. Raises ``StoreUnavailable``."""
    _take(store, told, expected_of(reply))


def _take(store: Store, told: DeliveryReceipt, expected: AwaitedReply) -> bool:
    now_us = store.health.now_us()
    event = Event(
        id=event_id(now_us // 1000, expected.reply, told.message_id, told.status),
        kind="receipt",
        outcome=told.status,
        number=expected.number,
        program=expected.program,
        inbox_id=expected.inbox_id,
        received_us=now_us,
        applied_us=now_us,
        note=told.note,
        provider_id=told.message_id,
        software=__version__,
    )
    done = expected.number == told.number and store.receipts.take(told, expected, event)
    if done:
        store.metrics.count(RECEIPTS, told.account, told.status)
    return done


def _named(report: Report) -> bool:
    return bool(report.number) and 0 < len(report.message_id) <= LONGEST


def _told(account: str, report: Report) -> DeliveryReceipt:
    code = "" if report.status == "delivered" else report.code[:_LONGEST_CODE]
    note = ": ".join(part for part in (code, report.note) if part)
    return DeliveryReceipt(account, report.number, report.message_id, report.status, note)
