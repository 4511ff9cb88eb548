"""In which order texts wait for a person: what is late first, then the oldest and riskiest.

A text waits as long as it waits, but one to a marketing program counts as six hours older, and
one that the model takes for an opt-out as up to twelve hours older. What an operator put
off comes last, for that operator alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smsgate.classifier import Classifier
from smsgate.consent.reviews import decision_id
from smsgate.domain.messages import Entry
from smsgate.features.reviews.deadlines import ours_us
from smsgate.features.reviews.likeness import likeness
from smsgate.pipeline.open_reviews import Case, Open, all_open, cases_of
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store import Store
from smsgate.store.keys import partition_of

_HOUR_US = 3600 * 1_000_000
MARKETING_US = 6 * _HOUR_US
LIKELY_US = 12 * _HOUR_US
_REMEMBERED = 20_000
_AT_ONCE = 300
"""Texts that are thought about for one page, the oldest first; the others count as even so far."""
_NEUTRAL = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of a text that waits; never the text."""

    since_us: int
    likeness: float | None
    """Of an opt-out, from 0 to 1; None where no classifier or no text is at hand."""
    urgent: bool
    """Whether somebody may be speaking of ending their life."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A text that waits, in its turn."""

    case: Case
    likeness: float | None
    marketing: bool
    """Whether marketing to the number is held until it is decided."""
    put_off: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """A part of what waits."""

    first: Turn | None
    """What is next, whichever part this is."""
    turns: list[Turn]
    total: int
    late: int
    """How many are past our own deadline."""


class ReviewQueue:
    """Orders what waits; remembers by text what it thought of it."""

    def __init__(
        self,
        settings: Settings,
        classifiers: Mapping[str, Classifier],
        store: Store,
        records: Records,
    ) -> None:
        """Use these collaborators; nothing is asked yet."""
        self._classifiers = classifiers
        self._store = store
        self._records = records
        self._kinds = {one.name: one.kind for one in settings.programs}
        self._seen: dict[str, Seen] = {}

    def part(self, operator: str, start: int, count: int) -> Queue:
        """What waits for this operator, from a place on. Raises ``StoreUnavailable``."""
        now_us = self._store.health.now_us()
        found = self._undecided(all_open(self._store))
        self._look(found)
        laters = self._store.laters.of(operator)
        ordered = sorted(found, key=lambda one: self._place(one, laters, now_us))
        late = sum(now_us > ours_us(self._since_us(one)) for one in found)
        shown = self._cases([*ordered[:1], *ordered[start : start + count]])
        turns = [self._turn(one, laters) for one in shown]
        return Queue(turns[0] if turns else None, turns[1:], len(found), late)

    def one(self, operator: str, key: str) -> Turn | None:
        """What waits by that key; None where it was decided, or a newer text came."""
        found = self._undecided([one for one in all_open(self._store) if one.key == key])
        self._look(found)
        laters = self._store.laters.of(operator) if found else {}
        return next((self._turn(one, laters) for one in self._cases(found)), None)

    def newer(self, key: str) -> str:
        """The key of what waits since the text of that key; empty where nothing does."""
        found = (
            one for one in all_open(self._store) if f"{partition_of(one.number)}-{one.first}" == key
        )
        return next((one.key for one in found), "")

    def _undecided(self, some: Sequence[Open]) -> list[Open]:
        """Without what somebody has decided and no worker has applied yet."""
        decided = self._store.inbox.met([(one.number, "", decision_id(one.key)) for one in some])
        return [one for one, met in zip(some, decided, strict=True) if not met]

    def _cases(self, some: Sequence[Open]) -> list[Case]:
        return cases_of(self._store, self._records, some)

    def _look(self, found: Sequence[Open]) -> None:
        """Think about what was not seen before; what is too much now comes another time."""
        new = [one for one in found if one.key not in self._seen][:_AT_ONCE]
        if len(self._seen) + len(new) > _REMEMBERED:
            self._seen.clear()
        for case in self._cases(new):
            if case.entry is not None:
                self._seen[case.open.key] = Seen(
                    case.since_us,
                    self._likeness(case.entry),
                    urgent=case.entry.decision.rule == "self_harm",
                )

    def _likeness(self, entry: Entry) -> float | None:
        if entry.program not in self._classifiers or not entry.text:
            return None
        return likeness(self._classifiers[entry.program], entry.text)

    def _since_us(self, one: Open) -> int:
        seen = self._seen.get(one.key)
        return seen.since_us if seen else one.since_us

    def _place(
        self, one: Open, laters: Mapping[str, int], now_us: int
    ) -> tuple[int, bool, bool, float]:
        since_us, seen = self._since_us(one), self._seen.get(one.key)
        like = _NEUTRAL if seen is None or seen.likeness is None else seen.likeness
        turn_us = since_us - like * LIKELY_US - (MARKETING_US if self._marketing(one) else 0)
        urgent = seen is not None and seen.urgent
        return laters.get(one.key, 0), not urgent, now_us <= ours_us(since_us), turn_us

    def _marketing(self, one: Open) -> bool:
        return self._kinds.get(one.program, "marketing") == "marketing"

    def _turn(self, case: Case, laters: Mapping[str, int]) -> Turn:
        seen = self._seen.get(case.open.key)
        return Turn(
            case,
            seen.likeness if seen else None,
            self._marketing(case.open),
            case.open.key in laters,
        )
