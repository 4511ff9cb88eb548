"""Texts that wait for a person: which they are, since when, and what they say.

Until a person has decided, marketing programs may not text the number; no time releases it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from smsgate import decision_text, event_text
from smsgate.consent.events import Event
from smsgate.consent.reviews import REOPENED
from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.messages import Entry, Intent, inbox_place, ms_of
from smsgate.records import Records
from smsgate.store.keys import partition_of
from smsgate.store.reader import OpenReview
from smsgate.store.store import Store

INBOX, LEDGER = 2_000, 5_000
"""How many entries of a partition are looked through for texts that the records do not have yet."""
_MAX_TEXTS = 50
"""Texts of one number that are listed."""


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


def read_cases(store: Store, records: Records, some: Sequence[OpenReview]) -> list[ReviewCase]:
    """Return the first text of what waits, in the same order.

    They are in the records, in the ledger, or in the inbox where no worker has run. A database
    that is away must not hide that there is something to decide. Raises ``StoreUnavailable``.
    """
    found = _recorded(records, some)
    partitions = {partition_of(one.number) for one in some if (one.number, one.first) not in found}
    for partition in partitions:
        found |= _stored(store, partition)
    if partitions:  # what moved meanwhile is in the records by now
        found |= _recorded(records, [one for one in some if (one.number, one.first) not in found])
    return [
        _case(store, records, one, one.first, found.get((one.number, one.first))) for one in some
    ]


def list_cases(store: Store, records: Records) -> list[ReviewCase]:
    """Return every text that waits, oldest first; one number may have sent several.

    Raises ``StoreUnavailable``.
    """
    found = store.inbox_reader.open_reviews()
    cases = read_cases(store, records, found)
    for one in found:
        if one.first != one.newest:
            cases += _later_cases(store, records, one)
    # a decision that is taken back lets a text wait that may have waited already
    distinct = {(one.key, one.received_us, one.text): one for one in reversed(cases)}
    return sorted(distinct.values(), key=lambda one: one.received_us)


def _later_cases(store: Store, records: Records, one: OpenReview) -> Iterator[ReviewCase]:
    """Yield what a number sent after the first text that waits."""
    found = _stored(store, partition_of(one.number))  # in the order in which an entry moves
    with suppress(RecordsUnavailable):
        told = records.reader.newest(_MAX_TEXTS, "review", "undo", number=one.number)
        found |= _entries(recorded.event for recorded in told)
    for (number, id_), entry in found.items():
        later = inbox_place(one.first) < inbox_place(id_) <= inbox_place(one.newest)
        same = (number, entry.program) == (one.number, one.program)
        if later and same and entry.decision.intent is Intent.REVIEW:
            yield _case(store, records, one, id_, entry)


def _case(
    store: Store, records: Records, one: OpenReview, id_: str, entry: Entry | None
) -> ReviewCase:
    """Return a text, or the text about which a decision was taken back."""
    received_us = _us_of(id_)
    if entry is not None and entry.decision.rule == REOPENED:
        found = _original(store, records, entry)
        received_us, entry = (found.received_us, found.entry) if found else (received_us, None)
    return ReviewCase(one.program, one.number, one.first, one.newest, received_us, entry)


def _original(store: Store, records: Records, entry: Entry) -> Event | None:
    """Find the text about which ``entry`` took a decision back: the newest before the decision.

    Raises ``StoreUnavailable``.
    """
    decided_us = _us_of(entry.message_id.removeprefix(f"{REOPENED}-").partition("-")[2])
    found: list[Event] = []
    with suppress(RecordsUnavailable):
        stories = records.reader.newest(_MAX_TEXTS, "review", number=entry.number)
        found = [recorded.event for recorded in reversed(stories)]
    found += store.ledger_reader.newest([partition_of(entry.number)], LEDGER)
    wanted = ("review", entry.number, entry.program)
    for event in reversed(found):
        text = event.entry is not None and event.entry.source == "text"
        same = (event.kind, event.number, event.program) == wanted
        if text and same and event.received_us <= decided_us:
            return event
    return None


def _us_of(id_: str) -> int:
    return ms_of(id_) * 1000


def _stored(store: Store, partition: int) -> dict[tuple[str, str], Entry]:
    stored = store.inbox_reader.latest(partition, INBOX)
    entries = {(one.entry.number, one.id): one.entry for one in stored}
    return entries | _entries(store.ledger_reader.newest([partition], LEDGER))


def _entries(events: Iterable[Event]) -> dict[tuple[str, str], Entry]:
    return {(one.number, one.inbox_id): one.entry for one in events if one.entry}


def _recorded(records: Records, some: Sequence[OpenReview]) -> dict[tuple[str, str], Entry]:
    with suppress(RecordsUnavailable):
        places = [(one.number, one.since_us) for one in some]
        return _entries(one.event for one in records.reader.at(places)) if places else {}
    return {}
