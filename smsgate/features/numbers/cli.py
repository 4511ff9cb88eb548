"""``smsgate history`` and ``consent``."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import msgspec

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.consent import event_text
from smsgate.consent.events import Event
from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import Entry
from smsgate.domain.phone import as_recorded
from smsgate.pipeline.decision_text import reason as decision_reason
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


_NEAR_US = 1_000_000
"""A list without times of its own counts as of its import, to the millisecond."""


def _show(event: Event) -> None:
    """Two lines: what happened, and the text that did it."""
    what = f"reply to {event.reply.kind}" if event.reply else event.kind
    changed = f"{event.before} → {event.after}" if event.before != event.after else event.after
    head = "  ".join(part for part in (what, event.outcome, event.program, changed) if part)
    out.print(f"[bold]{moment(event.applied_us)}[/] UTC  {head}")
    text = event.reply.text if event.reply else event.entry.text if event.entry else ""
    parts = (
        repr(text) if text else "",
        *_decided(event.entry),
        *_basis(event.entry),
        _since(event),
        event.note,
    )
    details = "  ".join(part for part in parts if part)
    if details:
        out.print(f"    {details}", markup=False)


def _basis(entry: Entry | None) -> tuple[str, str]:
    """What allowed a restore: the basis, and the consent that it names."""
    basis = event_text.basis(entry)
    consent = entry.consent if entry is not None else None
    if not basis or consent is None:
        return f"basis: {basis}" if basis else "", ""
    given = f"given {moment(consent.given_us)} UTC"
    return f"basis: {basis}", f"{consent.words!r} ({consent.medium}, {consent.source}, {given})"


def _since(event: Event) -> str:
    """Since when the number has this state, and from where, by an imported list."""
    parts = []
    if event.entry is not None and event.entry.external_source:
        parts.append(event_text.entry_source(event.entry))
    if event.kind == "import" and abs(event.event_time_us - event.received_us) >= _NEAR_US:
        parts.append(f"since {moment(event.event_time_us)} UTC, as the list says")
    return "; ".join(parts)


def _decided(entry: Entry | None) -> tuple[str, str]:
    """What a text was understood by, or what else made the entry; by whom, and what for."""
    if entry is None:
        return "", ""
    decision = entry.decision
    why = f"{decision.rule} {decision.keyword}".strip()
    if entry.source == "text":
        why = decision_reason(decision.rule, decision.keyword)
    note = event_text.note(entry)
    if not entry.actor or entry.actor in note:
        return why, note if entry.actor else ""
    return why, f"by {entry.actor}: {note}" if note else f"by {entry.actor}"


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
