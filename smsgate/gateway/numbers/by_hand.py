"""What people do to a number by hand, as forms ask for it: checked, and entered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec

from smsgate.errors import SmsGateError, Unfit
from smsgate.gateway.amending import enter
from smsgate.gateway.gateway import Gateway
from smsgate.gateway.overriding import override_entry
from smsgate.messages import Consent

MEDIA = ("web", "paper", "voice", "text", "other")
REASON = 500
"""Characters of the longest reason."""
_WORDS, _SOURCE = 4_000, 500
_EARLIEST = date(1990, 1, 1)


def reason_of(text: str) -> str:
    """A reason for the record. Raises ``Unfit`` where there is none."""
    plain = text.strip()
    if not plain or len(plain) > REASON:
        raise Unfit(f"Give a reason for the record, in at most {REASON} characters.")
    return plain


def consent_of(words: str, medium: str, source: str, given: str) -> Consent:
    """A consent as a form tells it; ``given`` is a day such as 2026-05-03 (UTC).

    47 CFR 64.1200(f)(9) asks who agreed to what, and how. Raises ``Unfit``.
    """
    said, where = words.strip(), source.strip()
    if not said or len(said) > _WORDS:
        raise Unfit("Give the words that were shown or said, as they were.")
    if medium not in MEDIA:
        raise Unfit(f"Say how it was given: {', '.join(MEDIA)}.")
    if len(where) > _SOURCE:
        raise Unfit(f"The source is longer than {_SOURCE} characters.")
    return Consent(words=said, medium=medium, source=where, given_us=_given_us(given))


def restore(
    gateway: Gateway, number: str, scope: str, actor: str, reason: str, consent: Consent | None
) -> str:
    """Opt a number back in, with the consent that allows it, as one entry; gives its inbox id.

    Raises ``InvalidNumber``, ``UnknownProgram``, ``StoreUnavailable``.
    """
    entry = override_entry(gateway.settings, "restore", number, scope, actor, reason)
    (found,) = enter(
        gateway.store, gateway.wakes, [msgspec.structs.replace(entry, consent=consent)]
    )
    if isinstance(found, SmsGateError):
        raise found
    return found.id


def _given_us(given: str) -> int:
    """A day in the past; today is now."""
    try:
        day = date.fromisoformat(given.strip())
    except ValueError:
        raise Unfit("Say on which day it was given, such as 2026-05-03.") from None
    now = datetime.now(UTC)
    if not _EARLIEST <= day <= (now + timedelta(hours=14)).date():
        raise Unfit("A consent was given on a day from 1990 until today.")
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return int(min(noon, now).timestamp() * 1_000_000)
