"""``smsgate refusals``: the sends that the gate stopped."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import moment


@click.group()
def refusals() -> None:
    """Sends that the gate stopped: texts that people who opted out did not get."""


@refusals.command("list", epilog="Example: smsgate refusals list --limit 20")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@session.as_json
def list_refusals(limit: int, as_json: bool) -> None:
    """List the newest, the newest first: when, who, which program, why, and who was stopped."""
    found = session.services().store.refusals.newest(limit)
    if as_json:
        session.show_json([msgspec.to_builtins(one) for one in found])
        return
    console = Console(highlight=False)
    for one in found:
        head = f"[bold]{moment(one.at_ms * 1000)}[/]  "
        console.print(head, end="")
        line = f"{one.number}  {one.program}  {one.reason}  by {one.by}"
        console.print(line, markup=False, soft_wrap=True)
    if not found:
        console.print("The gate has stopped no send.")


@refusals.command("count", epilog="Example: smsgate refusals count --days 7")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 400))
@session.as_json
def count_refusals(days: int, as_json: bool) -> None:
    """Count them by day (UTC), program and reason."""
    found = session.services().store.refusals.counts(days)
    if as_json:
        session.show_json([msgspec.to_builtins(one) for one in found])
        return
    console = Console(highlight=False)
    for one in found:
        console.print(f"{one.day}  {one.program}  {one.reason}  {one.count}", soft_wrap=True)
    if not found:
        console.print("The gate has stopped no send.")
