"""``smsgate history``, ``lock``, ``unlock``, ``consent`` and ``restore``."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import msgspec

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.consent import event_text
from smsgate.consent.events import Event
from smsgate.consent.restore import BASES, CONSENT, EVIDENCE
from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import ALL, Entry
from smsgate.domain.phone import as_recorded, e164
from smsgate.pipeline.decision_text import reason as decision_reason
from smsgate.pipeline.manual import RestoreRequest
from smsgate.pipeline.manual_input import MEDIA, consent_of, evidence_of, reason_of


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


_reason = click.option("--reason", required=True, help="Recorded with your name.")


@click.command(epilog="Example: smsgate lock +14155550123 --reason 'letter of her lawyer, 3 May'")
@click.argument("number")
@_reason
def lock(number: str, reason: str) -> None:
    """Block a number for good, even after START: for litigants, minors and court orders."""
    _change(number, reason, locked=True)


@click.command(epilog="Example: smsgate unlock +14155550123 --reason 'locked by mistake'")
@click.argument("number")
@_reason
def unlock(number: str, reason: str) -> None:
    """Unlock a number: its START counts again, and until then it stays opted out."""
    _change(number, reason, locked=False)


def _change(number: str, reason: str, *, locked: bool) -> None:
    known = e164(number)
    if not reason.strip():
        raise click.UsageError("Give a reason for the record: --reason TEXT.")
    session.services().manual.lock(known, person(), reason.strip(), locked=locked)
    if locked:
        out.print(f"Locked {known}: no program can text it.")
    else:
        out.print(f"Unlocked {known}. It stays opted out until it texts START.")


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


@click.command(
    epilog="Example: smsgate restore +14155550123 --basis mistake --reason 'typed a wrong number'"
)
@click.argument("number")
@click.option("--scope", default=ALL, show_default=True, help="A program, or `all`.")
@click.option(
    "--basis",
    required=True,
    type=click.Choice(BASES),
    help="The ground: a consent that is newer than the opt-out; a mistake of ours, only for an "
    "opt-out that we entered; or evidence that you name.",
)
@click.option("--reason", required=True, help="Recorded with your name.")
@click.option("--words", default="", help="Of a consent: the words that the subscriber agreed to.")
@click.option("--medium", default="", type=click.Choice(["", *MEDIA]), help="How it was given.")
@click.option("--source", default="", help="Where exactly: the page, the form, the file.")
@click.option("--given", type=click.DateTime(), help="When it was given (UTC).")
@click.option(
    "--evidence", default="", help="What shows that they want texts, and where to find it."
)
def restore(
    number: str,
    scope: str,
    basis: str,
    reason: str,
    words: str,
    medium: str,
    source: str,
    given: datetime | None,
    evidence: str,
) -> None:
    """Lift an opt-out. The subscriber's own START is better and needs no command.

    An opt-out that the subscriber asked for, by text, by link or through the provider, is no
    mistake of ours. It takes a newer consent with its words, medium, source and time, or
    evidence. `smsgate history NUMBER` shows basis, operator and reason.
    """
    known = e164(number)
    given_at = given.replace(tzinfo=UTC).isoformat() if given else ""
    consent = consent_of(words, medium, source, given_at) if basis == CONSENT else None
    _refuse_what_is_not_used(basis, words or medium or source or given_at, evidence)
    session.services().manual.restore(
        RestoreRequest(
            number=known,
            scope=scope,
            actor=person(),
            reason=reason_of(reason),
            basis=basis,
            consent=consent,
            evidence=evidence_of(evidence) if basis == EVIDENCE else "",
            is_admin=True,  # a person who runs this can access the store and the records anyway
        )
    )
    out.print(f"Saved the restore of {known}; `smsgate history {known}` shows its result.")


def _refuse_what_is_not_used(basis: str, of_consent: str, evidence: str) -> None:
    if of_consent and basis != CONSENT:
        raise click.UsageError("--words, --medium, --source and --given go with --basis consent.")
    if evidence and basis != EVIDENCE:
        raise click.UsageError("--evidence goes with --basis evidence.")
