"""What providers tell of texts of ours: refusals become suppressions, dead numbers hygiene."""

from __future__ import annotations

from smsgate.domain.messages import ALL, Decision, Entry, Intent
from smsgate.domain.phone import is_e164
from smsgate.providers.base import Report
from smsgate.settings import Account, Settings


def report_entry(settings: Settings, account: Account, report: Report) -> Entry:
    """The entry for a report: an opt-out with source ``provider``, or a note for hygiene."""
    program = settings.programs.route(account, report.sender, report.service)
    opted_out = report.kind == "opted_out"
    intent = Intent.OPT_OUT if opted_out else Intent.NONE
    scope = ""
    if opted_out and program is not None:
        scope = ALL if program.scope == "all" else program.name
    return Entry(
        number=report.number,
        program=program.name if program else "",
        decision=Decision(intent, rule=report.kind, keyword=report.code, note=report.note),
        scope=scope,
        source="provider",
        actor="provider",
        account=account.name,
        message_id=f"{report.kind}-{report.message_id}" if report.message_id else "",
        sender=report.sender,
        phone=is_e164(report.number),
    )
