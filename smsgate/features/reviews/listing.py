"""Every text that waits for a person, each by itself: one number may have written several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from smsgate.consent.reviews import REOPENED
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.domain.messages import Entry, Intent, inbox_place, ms_of
from smsgate.features.reviews.decided import Made
from smsgate.pipeline.open_reviews import INBOX, LEDGER, Open, all_open, cases_of
from smsgate.records import Records
from smsgate.store import Store
from smsgate.store.keys import partition_of

NOT_KNOWN = "its text is not known any more"
_MOST = 50
"""Texts of one number that are looked for."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A text that a person has to decide."""

    program: str
    number: str
    since_us: int
    text: str
    why: str
    """What made the classifier hesitate."""
    key: str
    """The name of all that waits of the number in the program: a decision says what was seen."""


def waiting(store: Store, records: Records) -> list[Waiting]:
    """Every text that waits, oldest first. Raises ``StoreUnavailable``."""
    found = all_open(store)
    texts = [
        _waiting(case.open, case.since_us, case.text, case.entry)
        for case in cases_of(store, records, found)
    ]
    texts += _later(store, records, [one for one in found if one.first != one.newest])
    # a decision that is taken back lets a text wait that may have waited already
    distinct = {(one.key, one.since_us, one.text): one for one in reversed(texts)}
    return sorted(distinct.values(), key=lambda one: one.since_us)


def _later(store: Store, records: Records, some: Sequence[Open]) -> Iterable[Waiting]:
    """What came of each number after the first text that waits."""
    entries: dict[int, dict[str, Entry]] = {}
    for partition in {
        partition_of(one.number) for one in some
    }:  # in the order in which an entry moves
        entries[partition] = {one.id: one.entry for one in store.inbox.latest(partition, INBOX)}
        events = store.ledger.newest(partition, LEDGER)
        entries[partition] |= {one.inbox_id: one.entry for one in events if one.entry}
    for one in some:
        found = entries[partition_of(one.number)] | _recorded(records, one.number)
        for id_, entry in found.items():
            after = inbox_place(one.first) < inbox_place(id_) <= inbox_place(one.newest)
            if after and _holds(entry, one):
                yield _told(store, records, one, id_, entry)


def _holds(entry: Entry, one: Open) -> bool:
    same = (entry.number, entry.program) == (one.number, one.program)
    return same and entry.decision.intent is Intent.REVIEW


def _recorded(records: Records, number: str) -> dict[str, Entry]:
    with suppress(RecordsUnavailable, RecordsNotReady):
        events = [one.event for one in records.stories.of_kinds(number, ("review", "undo"), _MOST)]
        return {event.inbox_id: event.entry for event in events if event.entry}
    return {}


def _told(store: Store, records: Records, one: Open, id_: str, entry: Entry) -> Waiting:
    """A text, or the text about which a decision was taken back."""
    if entry.decision.rule != REOPENED:
        return _waiting(one, ms_of(id_) * 1000, entry.text, entry)
    made = Made(store, records)
    before = made.find(entry.message_id.removeprefix(f"{REOPENED}-"))
    since_us = before.about[1] if before else 0
    text = made.texts([before]).get(before.key, "") if before else ""
    return _waiting(one, since_us or ms_of(id_) * 1000, text, entry)


def _waiting(one: Open, since_us: int, text: str, entry: Entry | None) -> Waiting:
    return Waiting(one.program, one.number, since_us, text, _why(entry), one.key)


def _why(entry: Entry | None) -> str:
    if entry is None:
        return NOT_KNOWN
    decision = entry.decision
    return " ".join(part for part in (decision.rule, decision.keyword, decision.note) if part)
