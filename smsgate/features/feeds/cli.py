"""``smsgate feed``: the calls of feeds that are pending or were given up."""

from __future__ import annotations

import time

import click

from smsgate.cli import session
from smsgate.cli.session import moment, out
from smsgate.features.feeds import service
from smsgate.features.feeds.storage import FeedStorage


@click.group()
def feed() -> None:
    """Calls of the feeds ([programs.NAME.feed]) that are pending or were given up."""


@feed.command("list", epilog="Example: smsgate feed list --dead")
@click.option("--dead", is_flag=True, help="Only those that were given up and need attention.")
@session.as_json
def list_calls(dead: bool, as_json: bool) -> None:
    """List the calls that the receiver has not accepted."""
    calls = FeedStorage(session.records().database).calls(dead=dead)
    if as_json:
        session.show_json([call.as_row() for call in calls])
        return
    for call in calls:
        next_try = f"again {moment(call.due_us)}" if call.tries else "due"
        state = "given up" if call.dead else next_try
        out.print(f"[bold]{call.id}[/]  {call.program}  {call.number}")
        detail = f"    {call.tries} tries, {state}  {call.note}"
        out.print(detail, markup=False)
    if not calls:
        out.print("No call was given up." if dead else "No call waits.")


@feed.command(epilog="Example: smsgate feed retry 019abc4e-…")
@click.argument("id_", metavar="ID")
def retry(id_: str) -> None:
    """Make a call that was given up again, for another day."""
    service.retry(session.records(), id_, int(time.time() * 1_000_000))
    click.echo(f"Call {id_} is due again.")


@feed.command(epilog="Example: smsgate feed dismiss 019abc4e-…")
@click.argument("id_", metavar="ID")
def dismiss(id_: str) -> None:
    """Remove a call that was given up."""
    service.dismiss(session.records(), id_)
    click.echo(f"Call {id_} is dismissed.")
