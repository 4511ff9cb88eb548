"""The order in which texts wait for a person: what is late first, then the oldest and riskiest.

A text to a marketing program counts as six hours older than it is, and one that the intent model
takes for an opt-out as up to twelve hours older. What an operator put off comes last, for that
operator alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.consent.transitions import decision_id
from smsgate.pipeline.conditions import span
from smsgate.pipeline.reviews import OpenReview, ReviewCase, list_open, read_cases
from smsgate.pipeline.services import Services
from smsgate.store.connection import pipelined
from smsgate.store.keys import partition_of
from smsgate.store.shared_keys import shared_key

_HOUR_US = 3600 * 1_000_000
MARKETING_US = 6 * _HOUR_US
LIKELY_US = 12 * _HOUR_US
MAX_READ = 2_000
"""Texts that are read and put into order, the oldest; the others follow by their age."""
_MAX_REMEMBERED = 20_000
_NEUTRAL = 0.5
UNKNOWN_LANGUAGE = "unknown"
"""As a filter: texts in which no wording of a language was found."""
ROW_CHARS = 160
"""The longest text that the row of a table shows whole."""
_KEEP_POSTPONED_S = 48 * 3600
_MOST_POSTPONED = 5_000


# --- deadlines -----------------------------------------------------------------------------------


def own_deadline_us(received_us: int) -> int:
    """By when we want a text decided."""
    return received_us + REVIEW_DEADLINE_US


def time_left(until_us: int, now_us: int) -> str:
    """Say how much time there is, or how long it is over, such as ``3 h left``."""
    return f"{span(abs(until_us - now_us) / 1_000_000)} {'left' if until_us >= now_us else 'late'}"


# --- the queue -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which of what waits a page shows; an empty value lets everything through."""

    program: str = ""
    language: str = ""
    """A code, or ``UNKNOWN_LANGUAGE``."""
    older_than_h: int = 0
    text: str = ""
    """Part of the text."""

    def fits(self, one: QueuedReview, now_us: int) -> bool:
        """Whether it lets a text through."""
        return (
            self.program in ("", one.case.program)
            and self.language in ("", one.language or UNKNOWN_LANGUAGE)
            and now_us - one.case.received_us >= self.older_than_h * _HOUR_US
            and _folded(self.text) in _folded(one.case.text)
        )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


@dataclass(frozen=True, slots=True)
class QueuedReview:
    """A text that waits, as the queue shows it."""

    case: ReviewCase
    likeness: float | None
    """To an opt-out, from 0 to 1; None without a classifier or a text."""
    marketing: bool
    """Whether marketing to the number is held until it is decided."""
    put_off_ms: int
    """When this operator put it off; 0 where that was not done."""
    weight_us: float
    """How much older than it is it counts as."""

    @property
    def language(self) -> str:
        """Of the wording that was found; empty where none was."""
        return self.case.entry.decision.language if self.case.entry else ""

    @property
    def is_urgent(self) -> bool:
        """Whether somebody may be speaking of ending their life."""
        return self.case.entry is None or self.case.entry.decision.rule == "self_harm"

    @property
    def fits_bulk(self) -> bool:
        """Whether the row of a table shows all that somebody must read before they decide."""
        one, length = self.case, len(self.case.text)
        return one.first == one.newest and not self.is_urgent and 0 < length <= ROW_CHARS

    def place(self, now_us: int) -> tuple[int, bool, bool, float]:
        """The place in the queue."""
        since_us = self.case.received_us
        in_time = now_us <= own_deadline_us(since_us)
        is_known_urgent = self.is_urgent and self.case.entry is not None
        return self.put_off_ms, not is_known_urgent, in_time, since_us - self.weight_us


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of what waits."""

    first: QueuedReview | None
    """What is next, whichever page this is."""
    reviews: Sequence[QueuedReview]
    total: int
    late: int
    """How many are past our own deadline."""
    languages: Sequence[str]
    """Codes of the languages of everything that waits."""


class ReviewQueue:
    """Orders what waits. Every method raises ``StoreUnavailable``."""

    def __init__(self, services: Services) -> None:
        self._content = services.content
        self._store = services.store
        self._records = services.records
        self._programs = services.settings.programs
        self._likeness: dict[str, float] = {}
        """By key of what waits; never the text."""

    def page(self, operator: str, start: int, count: int, wanted: ReviewFilter) -> QueuePage:
        """Return ``count`` of what waits for this operator and fits the filter, from ``start``."""
        now_us = self._store.health.now_us()
        waiting = self._read(operator, list_open(self._store)[:MAX_READ])
        found = [one for one in waiting if wanted.fits(one, now_us)]
        found.sort(key=lambda one: one.place(now_us))
        late = sum(now_us > own_deadline_us(one.case.received_us) for one in found)
        languages = sorted({one.language for one in waiting} - {""})
        shown = found[start : start + count]
        return QueuePage(found[0] if found else None, shown, len(found), late, languages)

    def open_for_bulk(self, keys: Collection[str]) -> list[OpenReview]:
        """Return what still waits by these keys and was shown whole in its row."""
        found = self._read("", [one for one in list_open(self._store) if one.key in keys])
        return [one.case for one in found if one.fits_bulk]

    def find(self, operator: str, key: str) -> QueuedReview | None:
        """Return what waits by that key; None where it was decided, or a newer text came."""
        found = self._read(operator, [one for one in list_open(self._store) if one.key == key])
        return found[0] if found else None

    def newer(self, key: str) -> str:
        """Return the key of what waits since the text of that key; empty where nothing does."""
        for one in list_open(self._store):
            if f"{partition_of(one.number)}-{one.first}" == key:
                return one.key
        return ""

    def put_off(self, operator: str, key: str) -> None:
        """Put a text behind all others for this operator, for two days."""
        name, now_ms = shared_key("postponed", operator), self._store.health.now_us() // 1000
        with pipelined(self._store.client) as pipeline:
            pipeline.zadd(name, {key: now_ms})
            pipeline.zremrangebyrank(name, 0, -_MOST_POSTPONED - 1)
            pipeline.expire(name, _KEEP_POSTPONED_S)
            pipeline.execute()

    def _read(self, operator: str, some: Sequence[OpenReview]) -> list[QueuedReview]:
        """Read texts, without those with a decision that no worker has applied yet."""
        decided = self._store.inbox_reader.were_received(
            [(one.number, "", decision_id(one.key)) for one in some]
        )
        some = [one for one, met in zip(some, decided, strict=True) if not met]
        rows = self._store.client.zrange(shared_key("postponed", operator), 0, -1, withscores=True)
        postponed = {key.decode(): int(at) for key, at in cast("list[tuple[bytes, float]]", rows)}
        return [
            self._queued(case, postponed) for case in read_cases(self._store, self._records, some)
        ]

    def _queued(self, case: ReviewCase, postponed: Mapping[str, int]) -> QueuedReview:
        program = self._programs.get(case.program)
        marketing = program is None or program.kind == "marketing" or program.scope == "all"
        key, classifier = case.key, self._content.value.classifiers.get(case.program)
        if key not in self._likeness and classifier and case.text:
            if len(self._likeness) >= _MAX_REMEMBERED:
                self._likeness.clear()
            self._likeness[key] = classifier.opt_out_probability(case.text)
        likeness = self._likeness.get(key)
        weight_us = LIKELY_US * (_NEUTRAL if likeness is None else likeness)
        if program is None or program.kind == "marketing":
            weight_us += MARKETING_US
        return QueuedReview(case, likeness, marketing, postponed.get(key, 0), weight_us)
