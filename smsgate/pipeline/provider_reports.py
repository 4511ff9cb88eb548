"""What providers report of texts of ours: opt-outs, dead numbers and delivery receipts."""

from __future__ import annotations

from collections.abc import Sequence

from smsgate import __version__
from smsgate.consent.events import Event, event_id
from smsgate.domain.messages import ALL, Decision, Entry, Intent, Reply
from smsgate.domain.phone import is_e164, sender_number
from smsgate.metrics.counters import RECEIPTS
from smsgate.providers.base import Report
from smsgate.settings import Account, Settings
from smsgate.store.outbox import MAX_PROVIDER_ID_LENGTH, AwaitedReply, DeliveryReceipt, expected_of
from smsgate.store.store import Store

_LONGEST_CODE = 60


def take_receipts(store: Store, account: str, reports: Sequence[Report]) -> int:
    """Record delivery reports on our replies; return how many there were.

    Reports on texts that somebody else sent through the account have no effect. Raises
    ``StoreUnavailable``.
    """
    receipts = [
        _receipt(account, one)
        for one in reports
        if one.status and one.number and 0 < len(one.message_id) <= MAX_PROVIDER_ID_LENGTH
    ]
    awaited = store.receipts.find_replies(receipts)
    return sum(
        _take(store, receipt, reply)
        for receipt, reply in zip(receipts, awaited, strict=True)
        if reply is not None
    )


def take_early(store: Store, reply: Reply, receipt: DeliveryReceipt) -> None:
    """Write down a receipt that came before its reply was settled. Raises ``StoreUnavailable``."""
    _take(store, receipt, expected_of(reply))


def _take(store: Store, receipt: DeliveryReceipt, expected: AwaitedReply) -> bool:
    now_us = store.health.now_us()
    event = Event(
        id=event_id(now_us // 1000, expected.reply, receipt.message_id, receipt.status),
        kind="receipt",
        outcome=receipt.status,
        number=expected.number,
        program=expected.program,
        inbox_id=expected.inbox_id,
        received_us=now_us,
        applied_us=now_us,
        note=receipt.note,
        provider_id=receipt.message_id,
        software=__version__,
    )
    done = expected.number == receipt.number and store.receipts.take(receipt, expected, event)
    if done:
        store.metrics.count(RECEIPTS, receipt.account, receipt.status)
    return done


def _receipt(account: str, report: Report) -> DeliveryReceipt:
    code = "" if report.status == "delivered" else report.code[:_LONGEST_CODE]
    note = ": ".join(part for part in (code, report.note) if part)
    return DeliveryReceipt(account, report.number, report.message_id, report.status, note)


def report_entry(settings: Settings, account: Account, report: Report) -> Entry:
    """The entry for a report: an opt-out with source ``provider``, or a note for hygiene."""
    program = settings.programs.route(account, report.sender, report.service)
    number = sender_number(report.number, program.region if program is not None else "")
    opted_out = report.kind == "opted_out"
    intent = Intent.OPT_OUT if opted_out else Intent.NONE
    return Entry(
        number=number,
        program=program.name if program else "",
        decision=Decision(intent, rule=report.kind, keyword=report.code, note=report.note),
        scope=program.stop_scope if opted_out and program else "",
        source="provider",
        actor="provider",
        account=account.name,
        message_id=f"{report.kind}-{report.message_id}" if report.message_id else "",
        sender=report.sender,
        phone=is_e164(number),
    )


def refusal_entry(settings: Settings, reply: Reply) -> Entry:
    """The entry for a number that a provider will not text: an opt-out that we do not have."""
    program = settings.programs.get(reply.program)
    return Entry(
        number=reply.number,
        program=reply.program,
        decision=Decision(Intent.OPT_OUT, rule="provider_refusal"),
        scope=program.stop_scope if program else ALL,
        source="provider",
        actor="provider",
        account=reply.account,
        message_id=f"refused-{reply.id}",
    )
