"""Texts that wait for a person: which they are, in which order, and what they say.

Until a person has decided, marketing programs may not text the number; no time releases it. Before
all others come those in which somebody may speak of ending their life, then the oldest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from smsgate import decision_text, event_text
from smsgate.consent.events import Event
from smsgate.consent.reviews import REOPENED, REVIEW_DEADLINE_US
from smsgate.consent.rules import decision_id
from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.messages import Entry, Intent, inbox_place, ms_of
from smsgate.monitoring.conditions import span
from smsgate.records import Records
from smsgate.store.keys import partition_of
from smsgate.store.reader import OpenReview
from smsgate.store.store import Store

_INBOX, _LEDGER = 2_000, 5_000
"""How many entries of a partition are looked through for texts that the records do not have yet."""
_MAX_TEXTS = 50
"""Texts of one number that are listed."""
_MAX_QUEUE = 2_000
"""Texts that are read and put into order, the oldest."""
ROW_CHARS = 160
"""The longest text that the row of a table shows whole."""


@dataclass(frozen=True, slots=True)
class ReviewCase(OpenReview):
    """A text of what waits."""

    received_us: int
    """When the text came; earlier than the wait began where a decision was taken back."""
    entry: Entry | None
    """The text and how it was understood; None where it is not known any more."""

    @property
    def text(self) -> str:
        """What the subscriber wrote, as far as it is known."""
        return self.entry.text if self.entry else ""

    @property
    def reason(self) -> str:
        """What made the classifier hesitate, in words."""
        if self.entry is None:
            return "its text is not known any more"
        decision = self.entry.decision
        found_by = decision_text.reason(decision.rule, decision.keyword)
        return ": ".join(filter(None, (found_by, event_text.note(self.entry))))


class QueuePage(NamedTuple):
    """A page of what waits."""

    first: ReviewCase | None
    """What is next, whichever page this is."""
    reviews: Sequence[ReviewCase]
    total: int
    late: int
    """How many are past our own deadline."""


@dataclass(frozen=True)
class ReviewReader:
    """Reads what waits. Every method raises ``StoreUnavailable``.

    A database that is away must not hide that there is something to decide.
    """

    store: Store
    records: Records

    def page(self, start: int, count: int, program: str, text: str) -> QueuePage:
        """Return ``count`` of what waits from ``start``; of a program and with a text, if given."""
        waiting = self._undecided(self.store.inbox_reader.open_reviews()[:_MAX_QUEUE])
        found = [
            one
            for one in waiting
            if program in ("", one.program) and _folded(text) in _folded(one.text)
        ]
        found.sort(key=lambda one: (not (one.entry and is_urgent(one)), one.received_us))
        now_us = self.store.health.now_us()
        late = sum(now_us > one.received_us + REVIEW_DEADLINE_US for one in found)
        first = found[0] if found else None
        return QueuePage(first, found[start : start + count], len(found), late)

    def waiting(self, keys: Collection[str]) -> list[ReviewCase]:
        """Return what waits by these keys: not what was decided, or where a newer text came."""
        waiting = self.store.inbox_reader.open_reviews()
        return self._undecided([one for one in waiting if one.key in keys])

    def find(self, key: str) -> ReviewCase | None:
        """Return what waits by that key."""
        return next(iter(self.waiting([key])), None)

    def newer(self, key: str) -> str:
        """Return the key of what waits since the text of that key; empty where nothing does."""
        for one in self.store.inbox_reader.open_reviews():
            if f"{partition_of(one.number)}-{one.first}" == key:
                return one.key
        return ""

    def _undecided(self, some: Sequence[OpenReview]) -> list[ReviewCase]:
        """Read texts, without those with a decision that no worker has applied yet."""
        decided = self.store.inbox_reader.were_received(
            [(one.number, "", decision_id(one.key)) for one in some]
        )
        some = [one for one, met in zip(some, decided, strict=True) if not met]
        return self.cases_of(some)

    def all(self) -> list[ReviewCase]:
        """Return every text that waits, oldest first; one number may have sent several."""
        found = self.store.inbox_reader.open_reviews()
        cases = self.cases_of(found)
        for one in found:
            if one.first != one.newest:
                cases += self._later(one)
        # a decision that is taken back lets a text wait that may have waited already
        distinct = {(one.key, one.received_us, one.text): one for one in reversed(cases)}
        return sorted(distinct.values(), key=lambda one: one.received_us)

    def cases_of(self, some: Sequence[OpenReview]) -> list[ReviewCase]:
        """Return the first text of what waits, in the same order.

        They are in the records, in the ledger, or in the inbox where no worker has run.
        """
        found = self._recorded(some)
        missing = [one for one in some if (one.number, one.first) not in found]
        for partition in {partition_of(one.number) for one in missing}:
            found |= self._stored(partition)
        # What moved meanwhile is in the records by now.
        found |= self._recorded([one for one in missing if (one.number, one.first) not in found])
        return [self._case(one, one.first, found.get((one.number, one.first))) for one in some]

    def _later(self, one: OpenReview) -> Iterator[ReviewCase]:
        """Yield what a number sent after the first text that waits."""
        found = self._stored(partition_of(one.number))  # in the order in which an entry moves
        with suppress(RecordsUnavailable):
            told = self.records.reader.newest(_MAX_TEXTS, "review", "undo", number=one.number)
            found |= _entries(recorded.event for recorded in told)
        for (number, id_), entry in found.items():
            later = inbox_place(one.first) < inbox_place(id_) <= inbox_place(one.newest)
            same = (number, entry.program) == (one.number, one.program)
            if later and same and entry.decision.intent is Intent.REVIEW:
                yield self._case(one, id_, entry)

    def _case(self, one: OpenReview, id_: str, entry: Entry | None) -> ReviewCase:
        received_us = ms_of(id_) * 1000
        if entry is not None and entry.decision.rule == REOPENED:
            found = self._original(entry)
            received_us, entry = (found.received_us, found.entry) if found else (received_us, None)
        return ReviewCase(one.program, one.number, one.first, one.newest, received_us, entry)

    def _original(self, entry: Entry) -> Event | None:
        """Find the text about which ``entry`` took a decision back: the newest before it."""
        decided_us = ms_of(entry.message_id.removeprefix(f"{REOPENED}-").partition("-")[2]) * 1000
        found: list[Event] = []
        with suppress(RecordsUnavailable):
            stories = self.records.reader.newest(_MAX_TEXTS, "review", number=entry.number)
            found = [recorded.event for recorded in reversed(stories)]
        found += self.store.ledger_reader.newest([partition_of(entry.number)], _LEDGER)
        wanted = ("review", entry.number, entry.program)
        for event in reversed(found):
            text = event.entry is not None and event.entry.source == "text"
            same = (event.kind, event.number, event.program) == wanted
            if text and same and event.received_us <= decided_us:
                return event
        return None

    def _stored(self, partition: int) -> dict[tuple[str, str], Entry]:
        stored = self.store.inbox_reader.latest(partition, _INBOX)
        entries = {(one.entry.number, one.id): one.entry for one in stored}
        return entries | _entries(self.store.ledger_reader.newest([partition], _LEDGER))

    def _recorded(self, some: Sequence[OpenReview]) -> dict[tuple[str, str], Entry]:
        with suppress(RecordsUnavailable):
            places = [(one.number, one.since_us) for one in some]
            return _entries(one.event for one in self.records.reader.at(places)) if places else {}
        return {}


def is_urgent(one: ReviewCase) -> bool:
    """Whether somebody may be speaking of ending their life."""
    return one.entry is None or one.entry.decision.rule == "self_harm"


def fits_row(one: ReviewCase) -> bool:
    """Whether the row of a table shows all that somebody must read before they decide."""
    return one.first == one.newest and not is_urgent(one) and 0 < len(one.text) <= ROW_CHARS


def time_left(received_us: int, now_us: int) -> str:
    """Say how long there is to our own deadline, or how long it is over, such as ``3 h left``."""
    left_us = received_us + REVIEW_DEADLINE_US - now_us
    return f"{span(abs(left_us) / 1_000_000)} {'left' if left_us >= 0 else 'late'}"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _entries(events: Iterable[Event]) -> dict[tuple[str, str], Entry]:
    return {(one.number, one.inbox_id): one.entry for one in events if one.entry}
