"""``smsgate consent``: put on record what a person agreed to elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import person
from smsgate.domain.messages import Consent


@click.command(
    epilog="Example: smsgate consent +14155550123 --program alerts --medium paper "
    "--words 'Yes, text me offers' --given 2026-05-03"
)
@click.argument("number")
@click.option("--program", required=True, help="For which program it was given.")
@click.option("--words", required=True, help="The words that were shown or said.")
@click.option(
    "--medium", required=True, type=click.Choice(["web", "paper", "voice", "text", "other"])
)
@click.option("--source", default="", help="Where exactly: the page, the form, the file.")
@click.option("--given", type=click.DateTime(), help="When (UTC); now where it is not given.")
def consent(
    number: str, program: str, words: str, medium: str, source: str, given: datetime | None
) -> None:
    """Record a consent. It never lifts an opt-out: START does, or `smsgate restore`."""
    if not words.strip():
        raise click.UsageError("Give the words that were shown: --words TEXT.")
    given_us = int((given or datetime.now(UTC)).replace(tzinfo=UTC).timestamp() * 1_000_000)
    if given_us > datetime.now(UTC).timestamp() * 1_000_000:
        raise click.UsageError("--given is in the future: it is read as UTC.")
    found = Consent(words=words, medium=medium, source=source, given_us=given_us)
    session.gateway().record_consent(number, program, found, "operator", person())
    Console(highlight=False).print(
        f"On record: {number} agreed to be texted by {program}. Where it opted out, that stays.",
        soft_wrap=True,
    )
