"""Checks of what operators type: reasons, consents and evidence."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import Unfit
from smsgate.domain.time_zones import local_moment

MEDIA = ("web", "paper", "voice", "text", "other")
REASON = 500
"""Characters of the longest reason."""
_WORDS, _SOURCE, _EVIDENCE = 4_000, 500, 1_000
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(hours=14)
"""How far the earliest zone of the world is ahead of UTC."""


def reason_of(text: str) -> str:
    """Return the reason, stripped. Raises ``Unfit`` if it is empty or too long."""
    plain = text.strip()
    if not plain or len(plain) > REASON:
        raise Unfit(
            f"Give a reason for the record, in at most {REASON} characters.", field="reason"
        )
    return plain


def evidence_of(text: str) -> str:
    """The evidence, named by an admin, that a subscriber wants texts. Raises ``Unfit``."""
    plain = text.strip()
    if not plain or len(plain) > _EVIDENCE:
        raise Unfit(
            "Name the evidence that they want texts, and where it can be found, in at most "
            f"{_EVIDENCE:,} characters.",
            field="evidence",
        )
    return plain


def consent_of(words: str, medium: str, source: str, given: str, zone: tzinfo = UTC) -> Consent:
    """A consent as a form tells it.

    ``given`` is a day such as 2026-05-03, or a moment such as 2026-05-03T14:00, in ``zone``.
    47 CFR 64.1200(f)(9) asks who agreed to what, and how. Raises ``Unfit``.
    """
    agreed, where = words.strip(), source.strip()
    if not agreed or len(agreed) > _WORDS:
        raise Unfit("Give the words that were shown or said, as they were.", field="words")
    if medium not in MEDIA:
        raise Unfit(f"Say how it was given: {', '.join(MEDIA)}.", field="medium")
    if len(where) > _SOURCE:
        raise Unfit(f"The source is longer than {_SOURCE} characters.", field="source")
    return Consent(words=agreed, medium=medium, source=where, given_us=_given_us(given, zone))


def earliest_us(given: str, now: datetime, zone: tzinfo = UTC) -> int:
    """Where only a day is given, its beginning; 0 where a moment is, or nothing that is right.

    Where that day has not begun in UTC, it is one of a zone ahead, and began at ``_AHEAD`` before.
    """
    day = _day(given)
    if day is None:
        return 0
    begun = datetime.combine(day, time(), zone)
    return int((begun - _AHEAD if begun > now else begun).timestamp() * 1_000_000)


def _day(given: str) -> date | None:
    try:
        return date.fromisoformat(given.strip())
    except ValueError:
        return None


def _given_us(given: str, zone: tzinfo) -> int:
    """A moment in the past; of a day its noon, or now where that is earlier."""
    only_day = _day(given) is not None
    try:
        moment = datetime.fromisoformat(given.strip())
        if moment.tzinfo is None and not only_day:
            moment = local_moment(moment, zone)
        at = moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit("Say on which day it was given, such as 2026-05-03.", field="given") from None
    now = datetime.now(UTC)
    # Where it is tomorrow already, today's date is ahead of UTC's.
    latest = now + _AHEAD if only_day and zone is UTC else now
    if not _EARLIEST <= at <= latest:
        raise Unfit("A consent was given on a day from 1990 until today.", field="given")
    noon = at + timedelta(hours=12 if only_day else 0)
    return int(min(noon, now).timestamp() * 1_000_000)
