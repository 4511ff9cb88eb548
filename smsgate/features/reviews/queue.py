"""The order in which texts wait for a person: what is late first, then the oldest and riskiest.

A text to a marketing program counts as six hours older than it is, and one that the intent model
takes for an opt-out as up to twelve hours older. What an operator put off comes last, for that
operator alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from smsgate.classifier.normalize import clean, folded, tokens
from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.consent.transitions import decision_id
from smsgate.domain.errors import RecordsUnavailable
from smsgate.features.reviews.storage import PostponedReviews
from smsgate.pipeline.reviews import OpenReview, ReviewCase, list_open, read_cases
from smsgate.pipeline.services import Services
from smsgate.records.history import RecordedText
from smsgate.store.keys import partition_of
from smsgate.web.console.listing import EVERYTHING, WaitingFilter

_HOUR_US = 3600 * 1_000_000
MARKETING_US = 6 * _HOUR_US
LIKELY_US = 12 * _HOUR_US
BUSINESS_DAYS = 10
"""An opt-out must be honoured within ten business days of receipt (47 CFR 64.1200(a)(10))."""
_FRIDAY = 4
_MAX_REMEMBERED = 20_000
_MAX_NEW = 300
"""Texts that are assessed for one page, the oldest first; the others count as neutral so far."""
_NEUTRAL = 0.5
UNKNOWN_LANGUAGE = "unknown"
"""As a filter: texts in which no wording of a language was found."""
ROW_CHARS = 160
"""The longest text that the row of a table shows whole."""
SIMILAR_US = 30 * 24 * _HOUR_US
_MAX_REVIEWS, _MAX_ORDINARY = 3_000, 150
"""The newest texts that waited, and of each partition the newest ordinary ones, among which
similar ones are looked for."""


# --- deadlines -----------------------------------------------------------------------------------


def own_deadline_us(received_us: int) -> int:
    """By when we want a text decided."""
    return received_us + REVIEW_DEADLINE_US


def legal_deadline_us(received_us: int) -> int:
    """By when an opt-out must hold: the same hour, ten business days (Monday to Friday) later.

    Holidays are not known here, so this is never later than the law's own limit.
    """
    day, left = datetime.fromtimestamp(received_us / 1_000_000, UTC), BUSINESS_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() <= _FRIDAY
    return int(day.timestamp() * 1_000_000)


def time_left(until_us: int, now_us: int) -> str:
    """Say how much time there is, or how long it is over, such as ``3 h 20 min left``."""
    hours, minutes = divmod(abs(until_us - now_us) // 60_000_000, 60)
    days, hours = divmod(hours, 24)
    span = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    span = f"{days} d {hours} h" if days else span
    return f"{span} left" if until_us >= now_us else f"{span} late"


# --- the queue -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Assessment:
    """What is remembered of a text that waits; never the text."""

    since_us: int
    likeness: float | None
    """To an opt-out, from 0 to 1; None without a classifier or a text."""
    urgent: bool
    """Whether somebody may be speaking of ending their life."""
    language: str
    """Of the wording that was found; empty where none was."""


@dataclass(frozen=True, slots=True)
class QueuedReview:
    """A text that waits, as the queue shows it."""

    case: ReviewCase
    likeness: float | None
    """As in ``_Assessment``."""
    marketing: bool
    """Whether marketing to the number is held until it is decided."""
    put_off: bool
    urgent: bool = False
    """As in ``_Assessment``."""

    @property
    def fits_bulk(self) -> bool:
        """Whether the row of a table shows all that somebody must read before they decide."""
        one = self.case.open
        return one.first == one.newest and not self.urgent and 0 < len(self.case.text) <= ROW_CHARS


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of what waits."""

    first: QueuedReview | None
    """What is next, whichever page this is."""
    reviews: list[QueuedReview]
    total: int
    late: int
    """How many are past our own deadline."""
    languages: list[str]
    """Codes of the languages of everything that waits."""


class ReviewQueue:
    """Orders what waits. Every method raises ``StoreUnavailable``."""

    def __init__(self, services: Services) -> None:
        self._content = services.content
        self._store = services.store
        self._records = services.records
        self._programs = services.settings.programs
        self._assessed: dict[str, _Assessment] = {}
        """By key of what waits."""

    def page(
        self, operator: str, start: int, count: int, wanted: WaitingFilter = EVERYTHING
    ) -> QueuePage:
        """Return ``count`` of what waits for this operator and fits the filter, from ``start``."""
        now_us = self._store.health.now_us()
        found = self._undecided(list_open(self._store))
        self._assess(found, len(found) if wanted.language else _MAX_NEW)
        languages = {self._language(one) for one in found}
        found = [one for one in found if self._fits(one, wanted, now_us)]
        postponed = PostponedReviews(self._store.client).of(operator)
        ordered = sorted(found, key=lambda one: self._place(one, postponed, now_us))
        late = sum(now_us > own_deadline_us(self._since_us(one)) for one in found)
        shown = self._queued([*ordered[:1], *ordered[start : start + count]], postponed)
        return QueuePage(
            shown[0] if shown else None, shown[1:], len(found), late, sorted(languages - {""})
        )

    def open_for_bulk(self, keys: Collection[str]) -> list[OpenReview]:
        """Return what still waits by these keys and was shown whole in its row."""
        found = self._undecided([one for one in list_open(self._store) if one.key in keys])
        self._assess(found, len(found))
        return [one.case.open for one in self._queued(found, {}) if one.fits_bulk]

    def find(self, operator: str, key: str) -> QueuedReview | None:
        """Return what waits by that key; None where it was decided, or a newer text came."""
        found = self._undecided([one for one in list_open(self._store) if one.key == key])
        if not found:
            return None
        self._assess(found)
        return self._queued(found, PostponedReviews(self._store.client).of(operator))[0]

    def newer(self, key: str) -> str:
        """Return the key of what waits since the text of that key; empty where nothing does."""
        for one in list_open(self._store):
            if f"{partition_of(one.number)}-{one.first}" == key:
                return one.key
        return ""

    def _undecided(self, some: Sequence[OpenReview]) -> list[OpenReview]:
        """Leave out texts with a decision that no worker has applied yet."""
        decided = self._store.inbox_reader.were_received(
            [(one.number, "", decision_id(one.key)) for one in some]
        )
        return [one for one, met in zip(some, decided, strict=True) if not met]

    def _fits(self, one: OpenReview, wanted: WaitingFilter, now_us: int) -> bool:
        language = self._language(one) or UNKNOWN_LANGUAGE
        return wanted.fits(one.program, language, now_us - self._since_us(one))

    def _language(self, one: OpenReview) -> str:
        known = self._assessed.get(one.key)
        return known.language if known else ""

    def _assess(self, found: Sequence[OpenReview], limit: int = _MAX_NEW) -> None:
        new = [one for one in found if one.key not in self._assessed][:limit]
        if len(self._assessed) + len(new) > _MAX_REMEMBERED:
            self._assessed.clear()
        for case in read_cases(self._store, self._records, new):
            entry = case.entry
            if entry is None:
                continue
            classifier = self._content.value.classifiers.get(entry.program)
            likeness = (
                classifier.opt_out_probability(entry.text) if classifier and entry.text else None
            )
            urgent = entry.decision.rule == "self_harm"
            self._assessed[case.open.key] = _Assessment(
                case.since_us, likeness, urgent, entry.decision.language
            )

    def _since_us(self, one: OpenReview) -> int:
        known = self._assessed.get(one.key)
        return known.since_us if known else one.since_us

    def _place(
        self, one: OpenReview, postponed: Mapping[str, int], now_us: int
    ) -> tuple[int, bool, bool, float]:
        since_us, known = self._since_us(one), self._assessed.get(one.key)
        likeness = _NEUTRAL if known is None or known.likeness is None else known.likeness
        marketing_us = MARKETING_US if self._is_marketing(one) else 0
        urgent = known is not None and known.urgent
        in_time = now_us <= own_deadline_us(since_us)
        return (
            postponed.get(one.key, 0),
            not urgent,
            in_time,
            (since_us - likeness * LIKELY_US - marketing_us),
        )

    def _is_marketing(self, one: OpenReview) -> bool:
        program = self._programs.get(one.program)
        return program is None or program.kind == "marketing"

    def _queued(
        self, some: Sequence[OpenReview], postponed: Mapping[str, int]
    ) -> list[QueuedReview]:
        found = []
        for case in read_cases(self._store, self._records, some):
            key, known = case.open.key, self._assessed.get(case.open.key)
            likeness = known.likeness if known else None
            program = self._programs.get(case.open.program)
            marketing = program is None or program.kind == "marketing" or program.scope == "all"
            urgent = case.entry is None or case.entry.decision.rule == "self_harm"
            found.append(QueuedReview(case, likeness, marketing, key in postponed, urgent))
        return found


# --- texts compared ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SimilarTexts:
    """Texts with the same words as one that was decided."""

    count: int
    """Of the last 30 days, of those that were searched."""
    waiting: list[OpenReview]
    """Those of them that wait for a person."""
    partly: bool = False
    """Whether there were more texts than are searched."""


def find_similar(services: Services, number: str, program: str, text: str) -> SimilarTexts:
    """Find other numbers' texts to the program that have the same words, whatever their case.

    Searches texts that waited for a person, and ordinary ones. Raises ``StoreUnavailable``; while
    the records are away only ordinary ones are searched.
    """
    words = _words(text)
    if not words:
        return SimilarTexts(0, [])
    store = services.store
    since_us = store.health.now_us() - SIMILAR_US
    waiting = {(one.program, one.number): one for one in list_open(store)}
    waited: list[RecordedText] = []
    with suppress(RecordsUnavailable):
        waited = services.records.history.worded("review", since_us, _MAX_REVIEWS)
    count = sum(
        entry.program == program and entry.number != number and _words(entry.text) == words
        for entry in store.sample_log.newest_of_all(_MAX_ORDINARY)
    )
    found = {}
    for one in waited:
        if one.program != program or one.number == number or _words(one.text) != words:
            continue
        count += 1
        held = waiting.get((program, one.number))
        if held and held.first == held.newest and held.since_us == one.received_us:
            found[held.key] = held
    return SimilarTexts(count, [*found.values()], len(waited) == _MAX_REVIEWS)


def _words(text: str) -> str:
    """Return what is left of a text without case, accents and punctuation."""
    return " ".join(word for word in folded(tokens(clean(text)[0])) if word not in ".,")
