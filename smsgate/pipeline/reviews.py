"""Texts that wait for a person: which they are, since when, what they say, and what was decided.

Until a person has decided, marketing programs may not text the number; no time releases it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from smsgate.consent import decision_text, event_text
from smsgate.consent.events import Event
from smsgate.consent.reviews import REOPENED, undecided
from smsgate.consent.transitions import REVIEWED, decision_id, seen_id
from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.messages import Entry, Intent, inbox_place, ms_of
from smsgate.records import Records
from smsgate.store.keys import PARTITIONS, partition_of
from smsgate.store.store import Store

INBOX, LEDGER = 2_000, 5_000
"""How many entries of a partition are looked through for texts that the records do not have yet."""
UNDO_US = 48 * 3600 * 1_000_000
"""How long a decision can be taken back: as long as the store keeps the last change of a number."""
_MAX_SEARCHED = 500
"""Entries of a partition, and manual decisions, among which one is looked for."""
_MAX_TEXTS = 50
"""Texts of one number that are listed."""


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A number's texts to one program that are in review."""

    program: str
    number: str
    first: str
    """Inbox id of the text since which it waits."""
    newest: str
    """Inbox id of the newest text that waits; a decision must have seen it."""

    @property
    def key(self) -> str:
        """Partition and inbox id of the newest text; by it a decision says what was seen."""
        return f"{partition_of(self.number)}-{self.newest}"

    @property
    def since_us(self) -> int:
        """When the first text came."""
        return _us_of(self.first)


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


def list_open(store: Store) -> list[OpenReview]:
    """Return everything that waits, oldest first; one round trip."""
    found = [
        _open(*item)
        for partition in store.inbox_reader.all_review_holds()
        for item in partition.items()
    ]
    return sorted(found, key=lambda one: one.since_us)


def list_open_of(store: Store, number: str) -> list[OpenReview]:
    """Return what waits of one number, by program."""
    found = [_open(*item) for item in store.inbox_reader.review_holds(partition_of(number)).items()]
    return sorted((one for one in found if one.number == number), key=lambda one: one.program)


def _open(field: str, ids: str) -> OpenReview:
    program, _, number = field.partition(":")
    first, _, newest = ids.partition(" ")
    return OpenReview(program, number, first, newest or first)


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
    found = list_open(store)
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
        found = _find_original(store, records, entry)
        received_us, entry = (found.received_us, found.entry) if found else (received_us, None)
    return ReviewCase(one.program, one.number, one.first, one.newest, received_us, entry)


def _find_original(store: Store, records: Records, entry: Entry) -> Event | None:
    """Find the text about which ``entry`` took a decision back: the newest before the decision.

    Raises ``StoreUnavailable``.
    """
    decided_us = _us_of(entry.message_id.removeprefix(f"{REOPENED}-").partition("-")[2])
    found: list[Event] = []
    with suppress(RecordsUnavailable):
        stories = records.reader.newest(_MAX_TEXTS, "review", number=entry.number)
        found = [recorded.event for recorded in reversed(stories)]
    found += store.ledger_reader.newest(partition_of(entry.number), LEDGER)
    wanted = ("review", entry.number, entry.program)
    for event in reversed(found):
        text = event.entry is not None and event.entry.source == "text"
        same = (event.kind, event.number, event.program) == wanted
        if text and same and event.received_us <= decided_us:
            return event
    return None


def recorded_open(records: Records) -> Iterator[tuple[str, str, str]]:
    """Yield program, number, and the first and the newest waiting text as the store has them."""
    found = records.reader.between(kinds=("review", "undo"))
    numbers = dict.fromkeys(one.event.number for one in found)
    for number, story in zip(numbers, records.reader.of_numbers(numbers), strict=True):
        for program, waiting in undecided(one.event for one in story).items():
            yield program, number, " ".join(dict.fromkeys((waiting[0], waiting[-1])))


def _us_of(id_: str) -> int:
    return ms_of(id_) * 1000


def _stored(store: Store, partition: int) -> dict[tuple[str, str], Entry]:
    stored = store.inbox_reader.latest(partition, INBOX)
    entries = {(one.entry.number, one.id): one.entry for one in stored}
    return entries | _entries(store.ledger_reader.newest(partition, LEDGER))


def _entries(events: Iterable[Event]) -> dict[tuple[str, str], Entry]:
    return {(one.number, one.inbox_id): one.entry for one in events if one.entry}


def _recorded(records: Records, some: Sequence[OpenReview]) -> dict[tuple[str, str], Entry]:
    with suppress(RecordsUnavailable):
        places = [(one.number, one.since_us) for one in some]
        return _entries(one.event for one in records.reader.at(places)) if places else {}
    return {}


# --- decisions ---


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """A decision that a person made."""

    key: str
    """Partition and inbox id."""
    decided: str
    """``opt_out``, ``none`` or ``undo``."""
    entry: Entry
    at_us: int
    outcome: str
    """Of its event; empty where it is not applied yet."""

    @property
    def undoes(self) -> str:
        """The key of the decision that it takes back."""
        return self.entry.message_id.removeprefix(f"{REOPENED}-") if self.decided == "undo" else ""

    @property
    def about(self) -> tuple[str, int]:
        """Number and time of receipt of the text that was decided; 0 where that is unknown."""
        id_ = seen_id(self.entry)
        return self.entry.number, _us_of(id_) if id_ else 0


class ReviewDecisions:
    """Finds decisions. Raises ``StoreUnavailable``; while the records are away, less is found."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    def find(self, key: str) -> ReviewDecision | None:
        """Return a decision by its key, from inbox, ledger, or records of the last two days."""
        return next((one for one in self._of_partition(key) if one.key == key), None)

    def newest(self, number: str, program: str) -> ReviewDecision | None:
        """Return the newest decision about a number's texts to a program."""
        mine = [
            one
            for one in self._of_partition(f"{partition_of(number)}-")
            if (one.entry.number, one.entry.program) == (number, program)
        ]
        return max(mine, key=lambda one: inbox_place(one.key.partition("-")[2]), default=None)

    def about(self, key: str) -> ReviewDecision | None:
        """Return the decision about what waited by that key."""
        id_ = decision_id(key)
        return next((one for one in self._of_partition(key) if one.entry.message_id == id_), None)

    def texts(self, some: Sequence[ReviewDecision]) -> dict[str, str]:
        """Return by key of a decision the text that it was about, where that is still known."""
        places = {one.about: one.key for one in some if one.about[1]}
        events = self._store.ledger_reader.newest_of_all(_MAX_SEARCHED)
        with suppress(RecordsUnavailable):
            events += [one.event for one in self._records.reader.at([*places])]
        found = {(event.number, event.received_us): event.entry for event in events}
        texts = {}
        for place, key in places.items():
            entry = found.get(place)
            if entry is not None and entry.decision.rule == REOPENED:
                original = _find_original(self._store, self._records, entry)
                entry = original.entry if original else None
            if entry is not None:
                texts[key] = entry.text
        return texts

    def lately(self, period_us: int, limit: int) -> list[ReviewDecision]:
        """Return what was decided within a period, newest first."""
        found = {one.key: one for one in self._made(period_us)}
        return sorted(found.values(), key=lambda one: one.at_us, reverse=True)[:limit]

    def _of_partition(self, key: str) -> Iterator[ReviewDecision]:
        """Yield the decisions of the key's partition."""
        partition = key.partition("-")[0]
        if partition.isdecimal() and int(partition[:9]) < PARTITIONS:
            yield from self._made(UNDO_US, int(partition))

    def _made(self, period_us: int, partition: int | None = None) -> Iterator[ReviewDecision]:
        """Yield decisions, perhaps of one partition, as an entry moves: so none is missed."""
        store = self._store
        for at in store.inbox.busy() if partition is None else [partition]:
            for one in store.inbox_reader.latest(at, _MAX_SEARCHED):
                yield from _decision(one.entry, one.id, one.received_us, "")
        if partition is None:
            events = store.ledger_reader.newest_of_all(_MAX_SEARCHED)
        else:
            events = store.ledger_reader.newest(partition, _MAX_SEARCHED)
        since_us = store.health.now_us() - period_us
        with suppress(RecordsUnavailable):
            events += [
                one.event
                for one in self._records.reader.newest(
                    _MAX_SEARCHED, source="operator", since_us=since_us
                )
            ]
        for event in events:
            if event.entry is not None and event.received_us >= since_us:
                yield from _decision(event.entry, event.inbox_id, event.received_us, event.outcome)


def _decision(entry: Entry, id_: str, at_us: int, outcome: str) -> Iterator[ReviewDecision]:
    """Yield the decision of an entry; nothing if the entry is no decision."""
    rule = entry.decision.rule
    if entry.source == "operator" and rule in (REVIEWED, REOPENED):
        found = "opt_out" if entry.decision.intent.stops else "none"
        decided = "undo" if rule == REOPENED else found
        yield ReviewDecision(f"{partition_of(entry.number)}-{id_}", decided, entry, at_us, outcome)
