"""``smsgate restore``: lift an opt-out, on a basis that goes on record."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import person
from smsgate.consent.restore import BASES, CONSENT, EVIDENCE
from smsgate.domain.messages import ALL
from smsgate.domain.phone import e164
from smsgate.pipeline.manual_input import MEDIA, consent_of, evidence_of, reason_of
from smsgate.pipeline.restores import RestoreRequest


@click.command(
    epilog="Example: smsgate restore +14155550123 --basis mistake --reason 'typed a wrong number'"
)
@click.argument("number")
@click.option("--scope", default=ALL, show_default=True, help="A program, or `all`.")
@click.option(
    "--basis",
    required=True,
    type=click.Choice(BASES),
    help="What allows it: a consent that is newer than the opt-out; a mistake of ours, which only "
    "what we entered can be; or evidence that you name.",
)
@click.option("--reason", required=True, help="Goes on record, with your name.")
@click.option("--words", default="", help="Of a consent: the words that were shown or said.")
@click.option("--medium", default="", type=click.Choice(["", *MEDIA]), help="How it was given.")
@click.option("--source", default="", help="Where exactly: the page, the form, the file.")
@click.option("--given", type=click.DateTime(), help="When it was given (UTC).")
@click.option(
    "--evidence", default="", help="What shows that they want texts, and where it can be found."
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
    """Lift an opt-out. Best is the subscriber's own START, which needs nothing of this.

    What subscribers asked for themselves, by text, by link or through the provider, is no mistake
    of ours: it takes a newer consent with its words, medium, source and time, or evidence.
    What was lifted, on which basis, by whom and why stands in `smsgate history NUMBER`.
    """
    known = e164(number)
    given_at = given.replace(tzinfo=UTC).isoformat() if given else ""
    consent = consent_of(words, medium, source, given_at) if basis == CONSENT else None
    _refuse_what_is_not_used(basis, words or medium or source or given_at, evidence)
    session.gateway().restore(
        RestoreRequest(
            number=known,
            scope=scope,
            actor=person(),
            reason=reason_of(reason),
            basis=basis,
            consent=consent,
            evidence=evidence_of(evidence) if basis == EVIDENCE else "",
            is_admin=True,  # whoever runs this has the store and the records anyway
        )
    )
    Console(highlight=False).print(
        f"The restore of {known} is stored; `smsgate history {known}` shows what came of it.",
        soft_wrap=True,
    )


def _refuse_what_is_not_used(basis: str, of_consent: str, evidence: str) -> None:
    if of_consent and basis != CONSENT:
        raise click.UsageError("--words, --medium, --source and --given go with --basis consent.")
    if evidence and basis != EVIDENCE:
        raise click.UsageError("--evidence goes with --basis evidence.")
