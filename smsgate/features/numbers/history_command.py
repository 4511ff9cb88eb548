"""``smsgate history``: what happened to a number's consent."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import moment
from smsgate.consent import event_text
from smsgate.consent.events import Event
from smsgate.domain.messages import Entry
from smsgate.domain.phone import as_recorded


@click.command(epilog="Example: smsgate history +14155550123")
@click.argument("number", required=False)
@click.option("--unrouted", is_flag=True, help="Texts to senders that no program has, instead.")
@session.as_json
def history(number: str | None, unrouted: bool, as_json: bool) -> None:
    """Show everything that happened to a number's consent, oldest first.

    What texted us may also be a short code or a name: ask for it as it is.
    """
    if not (number or unrouted):
        raise click.UsageError("Say which NUMBER, or --unrouted.")
    gateway = session.gateway()
    events = gateway.unrouted() if unrouted else gateway.history(as_recorded(number or ""))
    if as_json:
        session.show_json([msgspec.to_builtins(event) for event in events])
        return
    console = Console(highlight=False)
    for event in events:
        _show(console, event)
    if not events:
        console.print(f"Nothing is known of {number}." if number else "Every text was routed.")


_NEAR_US = 1_000_000
"""A list without times of its own counts as of its import, to the millisecond."""


def _show(console: Console, event: Event) -> None:
    """Two lines: what happened, and the text that did it."""
    what = f"reply to {event.reply.kind}" if event.reply else event.kind
    changed = f"{event.before} → {event.after}" if event.before != event.after else event.after
    head = "  ".join(part for part in (what, event.outcome, event.program, changed) if part)
    console.print(f"[bold]{moment(event.applied_us)}[/]  {head}", soft_wrap=True)
    text = event.reply.text if event.reply else event.entry.text if event.entry else ""
    told = (
        repr(text) if text else "",
        *_decided(event.entry),
        *_basis(event.entry),
        _since(event),
        event.note,
    )
    details = "  ".join(part for part in told if part)
    if details:
        console.print(f"    {details}", markup=False, soft_wrap=True)


def _basis(entry: Entry | None) -> tuple[str, str]:
    """What allowed a restore: the basis, and the consent that it names."""
    said = event_text.basis(entry)
    consent = entry.consent if entry is not None else None
    if not said or consent is None:
        return f"basis: {said}" if said else "", ""
    given = f"given {moment(consent.given_us)} UTC"
    return f"basis: {said}", f"{consent.words!r} ({consent.medium}, {consent.source}, {given})"


def _since(event: Event) -> str:
    """Since when an imported list says that the number stands so."""
    if event.kind != "import" or abs(event.event_time_us - event.received_us) < _NEAR_US:
        return ""
    return f"since {moment(event.event_time_us)} UTC, as the list says"


def _decided(entry: Entry | None) -> tuple[str, str]:
    """By which rule, and where a person or a program did it, who and what for."""
    if entry is None:
        return "", ""
    decision = entry.decision
    why = f"{decision.rule} {decision.keyword}".strip()
    if not entry.actor or entry.actor in decision.note:
        return why, decision.note if entry.actor else ""
    return why, f"by {entry.actor}: {decision.note}" if decision.note else f"by {entry.actor}"
