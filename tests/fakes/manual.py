"""What operators enter, without a form or a command."""

from __future__ import annotations

from datetime import UTC, datetime

from smsgate.api_keys import Caller
from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.features.numbers import changes
from smsgate.features.reviews.decisions import ReviewDecisions
from smsgate.features.reviews.reader import ReviewReader
from smsgate.features.reviews.service import ReviewService
from smsgate.interface.operation import Context
from smsgate.process.services import Services


def _person(name: str, *, is_admin: bool = False) -> Context:
    return Context(Caller(name, "admin" if is_admin else "write"), is_person=True)


def opt_out(services: Services, number: str, scope: str, actor: str, reason: str) -> str:
    request = changes.OptOutRequest(number, reason, scope=scope)
    parts = services.store, services.settings
    return changes.suppress.run(_person(actor), request, *parts).id


def restore(
    services: Services,
    number: str,
    scope: str,
    actor: str,
    reason: str,
    *,
    consent: Consent | None = None,
    is_admin: bool = False,
    **basis: str,
) -> str:
    request = changes.RestoreRequest(number, reason, scope=scope, **basis)
    if consent is not None:
        request.words, request.medium, request.source = (
            consent.words,
            consent.medium,
            consent.source,
        )
        request.given = datetime.fromtimestamp(consent.given_us / 1_000_000, UTC)
    parts = services.settings, services.store, services.history, services.applier
    return changes.restore.run(_person(actor, is_admin=is_admin), request, *parts).id


def lock(services: Services, number: str, actor: str, reason: str, *, locked: bool = True) -> str:
    change = changes.lock if locked else changes.unlock
    return change.run(_person(actor), changes.LockRequest(number, reason), services.store).id


def record_consent(
    services: Services, number: str, program: str, consent: Consent, source: str, actor: str
) -> str:
    """Of any time: before 1990, too."""
    entry = Entry(
        number=number,
        program=program,
        decision=Decision(Intent.OPT_IN, rule="consent"),
        source=source,
        actor=actor,
        action="consent",
        consent=consent,
    )
    (added,) = services.store.inbox.add([Arrival(entry)])
    return added.id


def review_reader(services: Services) -> ReviewReader:
    return ReviewReader(services.store, services.records)


def reviews(services: Services) -> ReviewService:
    decisions = ReviewDecisions(review_reader(services))
    return ReviewService(services.settings, services.store, decisions)
