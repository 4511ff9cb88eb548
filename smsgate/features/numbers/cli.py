"""``smsgate history`` and ``consent``."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import msgspec
from rich.markup import escape

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.consent import event_text
from smsgate.consent.events import Event
from smsgate.domain.entry_parts import Consent
from smsgate.domain.phone import as_recorded
from smsgate.interface.commands import visible
from smsgate.pipeline.manual_input import MEDIA


@click.command(epilog="Example: smsgate history +14155550123")
@click.argument("number", required=False)
@click.option("--unrouted", is_flag=True, help="List texts to senders without a program.")
@session.as_json
def history(number: str | None, unrouted: bool, as_json: bool) -> None:
    """Show everything that happened to a number's consent, oldest first.

    NUMBER may also be a short code or a name, as the provider wrote it.
    """
    if not (number or unrouted):
        raise click.UsageError("Say which NUMBER, or --unrouted.")
    services = session.services()
    events = (
        services.history.of_kind("unrouted")
        if unrouted
        else services.history.of_number(as_recorded(number or ""))
    )
    if as_json:
        session.show_json([msgspec.to_builtins(event) for event in events])
        return
    for event in events:
        _show(event)
    if not events:
        out.print(
            f"Nothing is recorded for {number}." if number else "Every text reached a program."
        )


def _show(event: Event) -> None:
    """Two lines: what happened, and its details."""
    sentence = escape(event_text.sentence(event))
    out.print(f"[bold]{moment(event.applied_us)}[/] UTC  {sentence}")
    if details := event_text.details(event):
        out.print(f"    {visible(' '.join(details))}", markup=False)


@click.command(
    epilog="Example: smsgate consent +14155550123 --program alerts --medium paper "
    "--words 'Yes, text me offers' --given 2026-05-03"
)
@click.argument("number")
@click.option("--program", required=True, help="Program that the consent is for.")
@click.option("--words", required=True, help="Words that the subscriber agreed to.")
@click.option("--medium", required=True, type=click.Choice(MEDIA))
@click.option("--source", default="", help="Where exactly: the page, the form, the file.")
@click.option("--given", type=click.DateTime(), help="When it was given (UTC); default: now.")
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
    session.services().manual.record_consent(number, program, found, "operator", person())
    out.print(f"Recorded the consent of {number} to {program}. Opt-outs of the number still hold.")
