"""What operators enter, without a form or a command."""

from __future__ import annotations

from smsgate.api_keys import Caller
from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import Arrival, Entry
from smsgate.features.numbers import changes
from smsgate.features.numbers.manual_entries import (
    RestoreRequest,
    consent_entry,
    opt_out_entry,
    restore_entry,
)
from smsgate.features.reviews.service import ReviewService
from smsgate.interface.operation import Context
from smsgate.process.services import Services


def opt_out(services: Services, number: str, scope: str, actor: str, reason: str) -> str:
    return enter(services, opt_out_entry(services.settings, number, scope, actor, reason))


def restore(services: Services, request: RestoreRequest) -> str:
    return enter(services, request)


def lock(services: Services, number: str, actor: str, reason: str, *, locked: bool = True) -> str:
    person = Context(Caller(actor, "write"), is_person=True)
    change = changes.lock if locked else changes.unlock
    return change.run(person, changes.LockRequest(number, reason), services.store).id


def record_consent(
    services: Services, number: str, program: str, consent: Consent, source: str, actor: str
) -> str:
    made = consent_entry(services.settings, number, program, consent, source, actor)
    return enter(services, made)


def reviews(services: Services) -> ReviewService:
    return ReviewService(services.settings, services.store, services.records)


def enter(services: Services, change: Entry | RestoreRequest) -> str:
    """Enter one change, and return its id. Raises what refuses it."""
    if isinstance(change, RestoreRequest):
        change = restored(services, change)
    (added,) = services.store.inbox.add([Arrival(change)])
    return added.id


def restored(services: Services, request: RestoreRequest) -> Entry:
    """The entry of a restore. Raises what refuses it."""
    parts = (services.settings, services.store, services.history, services.applier)
    return restore_entry(request, *parts)
