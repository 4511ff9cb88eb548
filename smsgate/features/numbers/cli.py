"""``smsgate history`` and ``consent``."""

from __future__ import annotations

import click
import msgspec
from rich.markup import escape

from smsgate.cli import session
from smsgate.cli.session import moment, out
from smsgate.consent import event_text
from smsgate.consent.events import Event
from smsgate.domain.phone import as_recorded
from smsgate.interface.commands import visible


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
