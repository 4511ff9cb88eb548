"""The first day: from an account to the first text of a real provider, step by step."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from smsgate.pipeline.services import Services
from smsgate.providers import usable
from smsgate.records.reader import rows_of
from smsgate.records.tables import events
from smsgate.settings import Settings


@dataclass(frozen=True, slots=True)
class FirstDay:
    """What is set up, as long as no text of a real provider came."""

    account: str
    """The account that is furthest; empty where there is none."""
    is_usable: bool
    """Whether it has its secrets."""
    has_public_url: bool
    has_program: bool
    """Whether a program uses it."""


def has_real_request(services: Services) -> bool:
    """Whether a real provider's request was accepted in the last month.

    Raises ``StoreUnavailable``.
    """
    found = (services.store.acceptance.last(name) for name in _real_accounts(services.settings))
    return any(one.newest_ms or one.older_ms for one in found)


def has_real_event(services: Services) -> bool:
    """Whether the records have an event that a real provider's text made.

    Raises ``RecordsUnavailable``.
    """
    database = services.records.database
    return any(
        rows_of(database, select(events.c.id).where(events.c.account == name).limit(1))
        for name in _real_accounts(services.settings)
    )


def first_day(settings: Settings) -> FirstDay:
    """Return what is set up of the account that is furthest."""
    real = [settings.accounts[name] for name in _real_accounts(settings)]
    best = max(real, key=usable, default=None)
    if best is None:
        return FirstDay("", False, bool(settings.public_url), False)
    used = any(program.account == best.name for program in settings.programs)
    return FirstDay(best.name, usable(best), bool(best.public_url), used)


def _real_accounts(settings: Settings) -> list[str]:
    return [one.name for one in settings.accounts.values() if not one.simulated]
