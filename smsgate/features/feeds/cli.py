"""``smsgate feed``: the calls of feeds that are pending or failed."""

from __future__ import annotations

import time

import click

from smsgate.cli import session
from smsgate.cli.session import moment, out
from smsgate.features.feeds import service
from smsgate.features.feeds.storage import FeedStorage


@click.group()
def feed() -> None:
    """Calls of the feeds ([programs.NAME.feed]) that are pending or failed."""


@feed.command("list", epilog="Example: smsgate feed list --dead")
@click.option("--dead", is_flag=True, help="Only failed calls.")
@session.as_json
def list_calls(dead: bool, as_json: bool) -> None:
    """List the calls that the receiver has not accepted."""
    calls = FeedStorage(session.records().database).calls(dead=dead)
    if as_json:
        session.show_json([call.as_row() for call in calls])
        return
    for call in calls:
        next_try = f"again {moment(call.due_us)}" if call.tries else "due"
        state = "failed" if call.dead else next_try
        out.print(f"[bold]{call.id}[/]  {call.program}  {call.number}")
        detail = f"    {call.tries} tries, {state}  {call.note}"
        out.print(detail, markup=False)
    if not calls:
        out.print("No failed calls." if dead else "No pending calls.")


@feed.command(epilog="Example: smsgate feed retry 019abc4e-…")
@click.argument("id_", metavar="ID")
def retry(id_: str) -> None:
    """Retry a failed call for another day."""
    service.retry(session.records(), id_, int(time.time() * 1_000_000))
    click.echo(f"Call {id_} queued again.")


@feed.command(epilog="Example: smsgate feed dismiss 019abc4e-…")
@click.argument("id_", metavar="ID")
def dismiss(id_: str) -> None:
    """Dismiss a failed call."""
    service.dismiss(session.records(), id_)
    click.echo(f"Call {id_} dismissed.")
