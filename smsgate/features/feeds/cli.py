"""``smsgate feed``: calls that tell other programs of changes, and were not taken."""

from __future__ import annotations

import time

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import moment
from smsgate.features.feeds import service


@click.group()
def feed() -> None:
    """Calls of the feeds ([programs.NAME.feed]) that wait, or were given up."""


@feed.command("list", epilog="Example: smsgate feed list --dead")
@click.option("--dead", is_flag=True, help="Those that were given up and wait for a person.")
@session.as_json
def list_calls(dead: bool, as_json: bool) -> None:
    """List the calls that were not taken yet."""
    found = session.records().feeds.calls(dead=dead)
    if as_json:
        session.show_json([one.as_row() for one in found])
        return
    console = Console(highlight=False)
    for one in found:
        again = f"again {moment(one.due_us)}" if one.tries else "due"
        when = "given up" if one.dead else again
        head = f"[bold]{one.id}[/]  {one.program}  {one.number}"
        console.print(head, soft_wrap=True)
        said = f"    {one.tries} tries, {when}  {one.note}"
        console.print(said, markup=False, soft_wrap=True)
    if not found:
        console.print("No call was given up." if dead else "No call waits.")


@feed.command(epilog="Example: smsgate feed retry 019abc4e-…")
@click.argument("id_", metavar="ID")
def retry(id_: str) -> None:
    """Make a call again that was given up, for another day."""
    service.retry(session.records(), id_, int(time.time() * 1_000_000))
    click.echo(f"Call {id_} is due again.")


@feed.command(epilog="Example: smsgate feed dismiss 019abc4e-…")
@click.argument("id_", metavar="ID")
def dismiss(id_: str) -> None:
    """Forget a call that was given up."""
    service.dismiss(session.records(), id_)
    click.echo(f"Call {id_} is dismissed.")
