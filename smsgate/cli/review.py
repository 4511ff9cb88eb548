"""``smsgate review``: the texts that wait for a person, and what the person decides."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.history import moment
from smsgate.cli.replies import person


@click.group()
def review() -> None:
    """Texts that a careful person has to look at.

    Until they are decided, programs of kind marketing may not text their numbers.
    """


@review.command("list", epilog="Example: smsgate review list")
@session.as_json
def list_reviews(as_json: bool) -> None:
    """List what waits, oldest first: who, what, and why it was not clear."""
    found = session.gateway().reviews()
    if as_json:
        session.show_json([asdict(one) for one in found])
        return
    console = Console(highlight=False)
    for one in found:
        head = f"[bold]{moment(one.since_us)}[/]  {one.number}  {one.program}"
        console.print(head, soft_wrap=True)
        console.print(f"    {one.text!r}  {one.why}", markup=False, soft_wrap=True)
    if not found:
        console.print("No text waits for a person.")


@review.command(epilog="Example: smsgate review decide +14155550123 --program alerts --as opt_out")
@click.argument("number")
@click.option("--program", required=True)
@click.option(
    "--as",
    "decided",
    required=True,
    type=click.Choice(["opt_out", "none", "undo"]),
    help="It asks to stop; it does not; or take a decision for `none` back.",
)
def decide(number: str, program: str, decided: str) -> None:
    """Decide a text that waits."""
    session.gateway().decide(decided, number, program, person())
    click.echo(f"{number}, {program}: {decided}.")
