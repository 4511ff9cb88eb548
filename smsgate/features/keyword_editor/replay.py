"""What another keyword set would have decided differently, of the texts that were received."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from smsgate.classifier import Classifier
from smsgate.domain.messages import Decision, Entry
from smsgate.features.keyword_editor.comparison import outcome
from smsgate.features.keyword_editor.received_texts import Place, Texts

SHOWN = 200
"""Different texts that are listed; the others are only counted."""
ALARMING = 0.02
"""From this share of all texts on, new opt-outs look like a mistake."""
_FEW = 10
"""So many new opt-outs are no alarm yet, however few texts there are."""


class Change(NamedTuple):
    """A text that would be decided differently."""

    text: str
    program: str
    before: str
    after: str
    scope: str
    """Of the decision after, where the text names one."""
    rule: str
    keyword: str


@dataclass(slots=True)
class Replay:
    """What was found, as far as the texts were looked at."""

    place: Place = field(default_factory=Place)
    looked: int = 0
    """Texts to the programs concerned."""
    differ: int = 0
    stops: int = 0
    """Texts that would newly opt somebody out."""
    frees: int = 0
    """Texts that would not opt anybody out any more."""
    changes: dict[Change, int] = field(default_factory=dict)
    """Each different one, and how many texts it was."""

    @property
    def alarming(self) -> bool:
        """Whether it would opt out so many that it looks like a mistake."""
        return too_many(self.stops, self.looked)


def too_many(stops: int, looked: int) -> bool:
    """Whether so many new opt-outs among so many texts look like a mistake."""
    return stops > _FEW and stops > ALARMING * looked


class Replaying:
    """Decides every text twice; what repeats, and what was decided by the same sets, only once."""

    def __init__(
        self, before: Callable[[str], Classifier | None], after: Callable[[str], Classifier | None]
    ) -> None:
        """By a program's name the classifier in force, and the one that is tried.

        Nothing where a program is not concerned.
        """
        self._before = before
        self._after = after
        self._known: dict[tuple[str, str, str], Change | None] = {}
        self._codes: dict[str, int] = {}

    def run(self, texts: Texts, place: Place, most_s: float | None = None) -> Replay:
        """Go on from a place, for so many seconds at most. Raises ``StoreUnavailable``."""
        ends = None if most_s is None else time.monotonic() + most_s
        found = Replay(place)
        for entries, behind in texts.pages(place):
            for entry in entries:
                self._look(entry, found)
            found.place = behind
            if ends is not None and time.monotonic() >= ends:
                break
        return found

    def _look(self, entry: Entry, found: Replay) -> None:
        before, after = self._before(entry.program), self._after(entry.program)
        if before is None or after is None:
            return
        found.looked += 1
        if entry.decision.rule in ("provider_flag", "doubtful"):
            return  # the provider, or the doubt, said what it is; no keyword decides that
        change = self._change(entry, before, after)
        if change is None:
            return
        found.differ += 1
        found.stops += _stops(change.after) and not _stops(change.before)
        found.frees += _stops(change.before) and not _stops(change.after)
        if change in found.changes or len(found.changes) < SHOWN:
            found.changes[change] = found.changes.get(change, 0) + 1

    def _change(self, entry: Entry, before: Classifier, after: Classifier) -> Change | None:
        key = entry.program, entry.text, self._country(entry, after)
        if key not in self._known:
            self._known[key] = self._compared(entry, before, after)
        return self._known[key]

    def _country(self, entry: Entry, after: Classifier) -> str:
        """As much of the number as any keyword asks for."""
        size = self._codes.get(entry.program)
        if size is None:
            sets = (self._before(entry.program), after)
            codes = [code for one in sets if one for _, word in one.keywords
                     for code in word.entry.countries]  # fmt: skip
            size = self._codes[entry.program] = max(map(len, codes), default=0)
        return entry.number[:size]

    @staticmethod
    def _compared(entry: Entry, before: Classifier, after: Classifier) -> Change | None:
        new = after.classify(entry.text, entry.number)
        old = entry.decision
        if old.version == before.version and _said(old) == _said(new):
            return None
        # What the program printed, and its region, may have changed since.
        old = before.classify(entry.text, entry.number)
        if _said(old) == _said(new):
            return None
        return Change(
            entry.text, entry.program, outcome(old), outcome(new), new.scope, new.rule, new.keyword
        )


def _said(decision: Decision) -> tuple[str, str, str]:
    return decision.intent, decision.scope, decision.condition


def _stops(intent: str) -> bool:
    return intent.startswith("opt_out")
