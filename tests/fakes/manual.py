"""What operators enter, without a form or a command."""

from __future__ import annotations

from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import Entry
from smsgate.features.reviews.service import ReviewService
from smsgate.pipeline.manual import RestoreRequest, consent_entry, lock_entry, opt_out_entry
from smsgate.pipeline.services import Services


def opt_out(services: Services, number: str, scope: str, actor: str, reason: str) -> str:
    return enter(services, opt_out_entry(services.settings, number, scope, actor, reason))


def restore(services: Services, request: RestoreRequest) -> str:
    return enter(services, request)


def lock(services: Services, number: str, actor: str, reason: str, *, locked: bool = True) -> str:
    return enter(services, lock_entry(number, actor, reason, locked=locked))


def record_consent(
    services: Services, number: str, program: str, consent: Consent, source: str, actor: str
) -> str:
    made = consent_entry(services.settings, number, program, consent, source, actor)
    return enter(services, made)


def reviews(services: Services) -> ReviewService:
    return ReviewService(services.settings, services.store, services.records)


def enter(services: Services, change: Entry | RestoreRequest) -> str:
    """Enter one change, and return its id. Raises what refuses it."""
    return services.manual.add(change).id
