"""``smsgate review``: the texts that wait for a person, and what the person decides."""

from __future__ import annotations

from dataclasses import asdict

import click

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.features.reviews.service import ReviewService
from smsgate.pipeline.reviews import list_waiting_texts


@click.group()
def review() -> None:
    """Texts that need a person's decision.

    Until they are decided, programs of kind marketing may not text their numbers.
    """


@review.command("list", epilog="Example: smsgate review list")
@session.as_json
def list_reviews(as_json: bool) -> None:
    """List the texts in review, oldest first: number, text, and why it is unclear.

    The last word of a line is a key, the same for all texts of a number to a program.
    """
    services = session.services()
    found = list_waiting_texts(services.store, services.records)
    if as_json:
        session.show_json([asdict(one) for one in found])
        return
    for one in found:
        head = f"[bold]{moment(one.since_us)}[/]  {one.number}  {one.program}  {one.key}"
        out.print(head)
        out.print(f"    {one.text!r}  {one.reason}", markup=False)
    if not found:
        out.print("No texts in review.")


@review.command(epilog="Example: smsgate review decide +14155550123 --program alerts --as opt_out")
@click.argument("number")
@click.option("--program", required=True)
@click.option(
    "--as",
    "decided",
    required=True,
    type=click.Choice(["opt_out", "none", "undo"]),
    help="Opt the number out, release it, or undo the newest decision of the last 48 hours.",
)
@click.option(
    "--seen", default="", metavar="KEY",
    help="The key from `review list`; required if several texts of the number are in review.",
)  # fmt: skip
def decide(number: str, program: str, decided: str, seen: str) -> None:
    """Decide a number's texts in review.

    A decision applies to the texts that were listed: if a newer one has arrived, it is refused.
    """
    ReviewService(session.services()).decide(decided, number, program, person(), seen)
    click.echo(f"{number}, {program}: {_DONE[decided]}.")


_DONE = {
    "opt_out": "opt_out",
    "none": "none",
    "undo": "undone, so its text is in review again; an opt-out is lifted, unless something newer "
    "was said of the number",
}
