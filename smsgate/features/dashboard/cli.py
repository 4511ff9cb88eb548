"""``smsgate report``: the report of one day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.features.dashboard.report import day_report
from smsgate.metrics.snapshot import OptOutListStatus
from smsgate.pipeline.monitoring import opt_out_list_status
from smsgate.pipeline.reviews import list_waiting_texts
from smsgate.pipeline.services import Services
from smsgate.store.keys import PARTITIONS

_MAX_ORDINARY_TEXTS = 500
"""Of a partition, that are searched for suspicious ones."""
_MAX_DAYS = 400


@click.command(epilog="Example: smsgate report --day 2026-11-23 --json")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Day (UTC); default: today.")
@session.as_json
def report(day: datetime | None, as_json: bool) -> None:
    """Summarise a day: opt-outs, opt-ins, times, reviews, refused sends, texts worth checking.

    Accounts with `opt_out_list` show how they agree with their provider's own list by now.
    """
    services = session.services()
    services.archiver.move_all()
    start = (day or datetime.now(UTC)).replace(
        hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC
    )
    found = _report(services, start)
    if as_json:
        session.show_json(found)
    else:
        _show(found)


def _report(services: Services, start: datetime) -> dict[str, Any]:
    """The day's report, with the deliveries that wait at this moment."""
    day, store = start.date().isoformat(), services.store
    since_us = int(start.timestamp() * 1_000_000)
    until_us = int((start + timedelta(days=1)).timestamp() * 1_000_000)
    age_days = (datetime.now(UTC).date() - start.date()).days
    counts = store.refusals.counts(min(age_days + 1, _MAX_DAYS)) if age_days >= 0 else []
    waiting = list_waiting_texts(store, services.records)
    backlog = store.backlog.read()
    return {
        "day": day,
        **day_report(
            events=(one.event for one in services.records.reader.between(since_us, until_us)),
            waiting_since_us=[one.since_us for one in waiting],
            ordinary=(
                entry
                for partition in range(PARTITIONS)
                for entry in store.sample_log.newest(partition, _MAX_ORDINARY_TEXTS)
            ),
            refused={f"{one.program}:{one.reason}": one.count for one in counts if one.day == day},
            now_us=store.health.now_us(),
        ),
        "deliveries": {
            "pending": backlog.deliveries.count,
            "oldest_minutes": round(backlog.deliveries.oldest_s / 60),
            "failed": backlog.deliveries_failed,
        },
        "opt_out_lists": {
            account.name: _agreement(opt_out_list_status(store, account))
            for account in services.settings.accounts.values()
            if account.opt_out_list
        },
    }


def _agreement(status: OptOutListStatus | None) -> dict[str, int | str | None]:
    """How an account agrees with its provider's own list; null is unknown."""
    comparison = status.comparison if status else None
    return {
        "taken": status.taken if status else None,
        "reported": status.reported if status else None,
        "not_taken_by_provider": sum(status.refusals.values()) if status else None,
        "only_there": comparison.there_only if comparison else None,
        "only_here": comparison.here_only if comparison else None,
        "problem": status.problem if status else "not compared yet",
    }


def _show(found: dict[str, Any]) -> None:
    out.print(f"[bold]{found['day']}[/] (UTC)")
    for title, key in (
        ("Messages", "messages"),
        ("Outcomes", "outcomes"),
        ("Replies", "replies"),
        ("Receipt to blocked, ms", "receipt_to_blocked_ms"),
        ("Receipt to applied, ms", "receipt_to_applied_ms"),
        ("Receipt to confirmation, ms", "receipt_to_confirmation_ms"),
        ("Sends that the gate stopped", "sends_stopped"),
    ):
        values = ", ".join(f"{name} {value:,}" for name, value in found[key].items())
        out.print(f"{title}: {values or 'none'}", markup=False)
    reviews = found["reviews"]
    out.print(
        f"Reviews: {reviews['waiting']} waiting, the oldest for {reviews['oldest_hours']} h; "
        f"{reviews['past_deadline']} are past the deadline of {reviews['deadline_hours']:.0f} h"
    )
    deliveries = found["deliveries"]
    out.print(
        f"Deliveries to own programs: {deliveries['pending']:,} pending, the oldest for "
        f"{deliveries['oldest_minutes']} min; {deliveries['failed']:,} failed"
    )
    for name, agreement in found["opt_out_lists"].items():
        shown = {key: "unknown" if one is None else str(one) for key, one in agreement.items()}
        problem = f"; {shown['problem']}" if shown["problem"] else ""
        out.print(
            f"Opt-out list of {name}: {shown['taken']} taken, {shown['reported']} reported, "
            f"{shown['not_taken_by_provider']} not taken by the provider; only there "
            f"{shown['only_there']}, only here {shown['only_here']}{problem}",
            markup=False,
        )
    for one in found["suspicious"]:
        out.print(
            f"To check: {one['number']} {one['text']!r} ({one['rule']} {one['keyword']})",
            markup=False,
        )
