"""``smsgate report``: one day, summed up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.domain.messages import Entry
from smsgate.features.dashboard.summing_up import summary
from smsgate.pipeline.reviews import list_waiting_texts
from smsgate.pipeline.services import Services
from smsgate.store.keys import PARTITIONS

_TRAIL = 500
"""Ordinary texts of a partition that are looked through."""
_MOST_DAYS = 400


@click.command(epilog="Example: smsgate report --day 2026-11-23 --json")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="Which day (UTC); today if not given."
)
@session.as_json
def report(day: datetime | None, as_json: bool) -> None:
    """Sum up a day: opt-outs, opt-ins, times, reviews, refused sends, texts worth a second look.

    Lists that providers keep are not compared: no provider's API gives them to smsgate yet.
    """
    services = session.services()
    services.archiver.move_all()
    start = (day or datetime.now(UTC)).replace(
        hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC
    )
    found = {"day": start.date().isoformat(), **_of_day(services, start), **_now(services)}
    if as_json:
        session.show_json(found)
    else:
        _show(Console(highlight=False), found)


def _of_day(services: Services, start: datetime) -> dict[str, Any]:
    since_us = int(start.timestamp() * 1_000_000)
    until_us = int((start + timedelta(days=1)).timestamp() * 1_000_000)
    told = services.records.reading.between(since_us, until_us)
    ago = (datetime.now(UTC).date() - start.date()).days
    counts = services.store.refusals.counts(min(ago + 1, _MOST_DAYS)) if ago >= 0 else []
    day = start.date().isoformat()
    return summary(
        events=(one.event for one in told),
        waiting_since_us=[
            one.since_us for one in list_waiting_texts(services.store, services.records)
        ],
        ordinary=_ordinary(services),
        refused={f"{one.program}:{one.reason}": one.count for one in counts if one.day == day},
        now_us=services.store.health.now_us(),
    )


def _now(services: Services) -> dict[str, Any]:
    """What waits for programs' applications at this moment, whatever the day."""
    waits = services.store.backlog.read()
    return {
        "forwards": {
            "waiting": waits.forwards.count,
            "oldest_minutes": round(waits.forwards.oldest_s / 60),
            "given_up": waits.forwards_dead,
        }
    }


def _ordinary(services: Services) -> Iterator[Entry]:
    for partition in range(PARTITIONS):
        yield from services.store.sample_log.newest(partition, _TRAIL)


def _show(console: Console, found: dict[str, Any]) -> None:
    console.print(f"[bold]{found['day']}[/] (UTC)")
    for title, key in (
        ("Messages", "messages"),
        ("Outcomes", "outcomes"),
        ("Replies", "replies"),
        ("Receipt to blocked, ms", "receipt_to_blocked_ms"),
        ("Receipt to applied, ms", "receipt_to_applied_ms"),
        ("Receipt to confirmation, ms", "receipt_to_confirmation_ms"),
        ("Sends that the gate stopped", "sends_stopped"),
    ):
        said = ", ".join(f"{name} {value:,}" for name, value in found[key].items())
        console.print(f"{title}: {said or 'none'}", markup=False, soft_wrap=True)
    reviews = found["reviews"]
    console.print(
        f"Reviews: {reviews['waiting']} wait, the oldest {reviews['oldest_hours']} h; "
        f"{reviews['past_deadline']} are past the deadline of {reviews['deadline_hours']:.0f} h"
    )
    forwards = found["forwards"]
    console.print(
        f"Messages for applications: {forwards['waiting']:,} wait, the oldest "
        f"{forwards['oldest_minutes']} min; {forwards['given_up']:,} were given up"
    )
    for one in found["suspicious"]:
        console.print(
            f"Worth a look: {one['number']} {one['text']!r} ({one['rule']} {one['keyword']})",
            markup=False,
            soft_wrap=True,
        )
