"""What happened to one number, newest first, a page at a time."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from smsgate.consent.events import DeadLetter, Event
from smsgate.consent.list_import import event_for
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable, StoreUnavailable
from smsgate.domain.messages import REPLY_WINDOW_US, Entry, Reply
from smsgate.pipeline.forwards import KIND
from smsgate.pipeline.services import Services
from smsgate.records import HistoryPlace, Recorded
from smsgate.records.history import place_of
from smsgate.store.keys import partition_of

PAGE = 30
_LEDGER = 2_000
"""How many events of the partition's ledger are looked through; all, while the records keep up."""
_SHOWN = 200
_REPLIES = 50
RECEIPT = "receipt"
_UNSEEN = "What happened in the last moments cannot be shown."
_NO_TEXTS = "Ordinary texts cannot be shown."


@dataclass(slots=True)
class TimelineEntry:
    """One thing that happened, and what followed from it."""

    event: Event
    erased: bool = False
    """Whether its texts were erased."""
    replies: list[Event] = field(default_factory=list)
    """What became of our reply, and of the message at the application, newest first."""
    unsettled: Reply | DeadLetter | None = None
    """A reply that waits to be sent, or was given up."""


@dataclass(slots=True)
class Timeline:
    """A page of what happened."""

    items: list[TimelineEntry] = field(default_factory=list)
    older: HistoryPlace | None = None
    """Where the next page begins; None at the end."""
    delivery_reports: dict[str, Event] = field(default_factory=dict)
    """By the provider's id of a reply that stands here: what it told of it afterwards."""
    texts_since_us: int | None = None
    """How far back ordinary texts are kept; 0: none is; None: the store could not be asked."""
    problems: list[str] = field(default_factory=list)
    is_store_away: bool = False
    """Whether Redis did not answer: each further question to it may take as long again."""


def timeline(
    services: Services, number: str, before: HistoryPlace | None, *, is_store_away: bool = False
) -> Timeline:
    """A page of a number's events. Raises nothing of ours: the page names what is missing.

    With ``is_store_away`` the store is not asked: it has just been seen not to answer.
    """
    return _TimelineReader(services, number, Timeline(is_store_away=is_store_away)).read(before)


class _TimelineReader:
    def __init__(self, services: Services, number: str, page: Timeline) -> None:
        self._store = services.store
        self._records = services.records
        self._number = number
        self._kept_us = services.settings.retention.conversations_us
        self._page = page

    def read(self, before: HistoryPlace | None) -> Timeline:
        page = self._page
        waiting = [] if before else self._waiting()  # first: what moves is in both
        recorded, texts = _one_page(self._recorded(before), self._ordinary_texts(before), page)
        known = {one.event.id for one in recorded}
        items = [TimelineEntry(one) for one in reversed(waiting) if one.id not in known]
        items += [TimelineEntry(one.event, one.erased) for one in recorded]
        elsewhere = self._later_replies(recorded) if before else []
        page.items, page.delivery_reports = _nested(items, elsewhere)
        if not before:
            self._add_unsettled()
        # Each text goes among the events by its time; the order of the events themselves stays.
        page.items = sorted([*page.items, *texts], key=lambda one: -_at_us(one.event))
        return page

    def _lose_store(self, missing: str, error: StoreUnavailable) -> None:
        self._page.is_store_away = True
        self._page.problems.append(missing.removesuffix(".") + f": {error}.")

    def _waiting(self) -> list[Event]:
        """What the records do not have yet, oldest first."""
        if self._page.is_store_away:
            self._page.problems.append(_UNSEEN)
            return []
        try:
            events = self._store.ledger_reader.newest(partition_of(self._number), _LEDGER)
        except StoreUnavailable as error:
            self._lose_store(_UNSEEN, error)
            return []
        found = [one for event in events if (one := event_for(event, self._number)) is not None]
        if len(events) == _LEDGER or len(found) > _SHOWN:
            self._page.problems.append(
                "The records are far behind: only the newest events are shown until they catch up."
            )
        return found[-_SHOWN:]

    def _recorded(self, before: HistoryPlace | None) -> list[Recorded]:
        try:
            if self._records.absent and any(self._store.ledger.kept().values()):
                raise RecordsNotReady("they are on another host: set DATABASE_URL")
            return self._records.history.of_number(self._number, before, PAGE + 1)
        except RecordsUnavailable as error:
            problem = f"Older events cannot be shown while the records are away: {error}."
            self._page.problems.append(problem)
        except StoreUnavailable:
            pass  # ``_waiting`` has named it
        return []

    def _ordinary_texts(self, before: HistoryPlace | None) -> list[TimelineEntry]:
        """The ordinary texts before a place that the sample log still has, newest first.

        They are on no record, so an event is made of each: ``text``, ``sampled``.
        """
        if self._page.is_store_away:
            self._page.problems.append(_NO_TEXTS)
            return []
        # A text of the same microsecond as an event stands behind it.
        before_us = before.received_us + (before.seq > 0) if before else 0
        try:
            found = self._store.sample_log.of_number(self._number, before_us, PAGE + 1)
        except StoreUnavailable as error:
            self._lose_store(_NO_TEXTS, error)
            return []
        self._page.texts_since_us = found.kept_since_us
        texts = dict(found.texts)
        if self._kept_us:
            texts.update(self._kept_texts(before_us))
        newest = sorted(texts.items(), key=lambda one: -one[0])[: PAGE + 1]
        return [TimelineEntry(_sampled(at_us, entry)) for at_us, entry in newest]

    def _kept_texts(self, before_us: int) -> dict[int, Entry]:
        """Those that the records keep for longer, by when they were received."""
        try:
            kept = self._records.ordinary_texts.of_number(self._number, before_us, PAGE + 1)
            cursor = self._records.ordinary_texts.cursors().get(partition_of(self._number))
        except RecordsUnavailable as error:
            self._page.problems.append(f"Older ordinary texts cannot be shown: {error}.")
            return {}
        if cursor is not None and cursor.since_us:
            since_us = max(cursor.since_us, time.time_ns() // 1000 - self._kept_us)
            self._page.texts_since_us = min(self._page.texts_since_us or since_us, since_us)
        return {one.at_us: one.entry for one in kept}

    def _later_replies(self, recorded: list[Recorded]) -> list[Event]:
        """Replies to this page's texts, and receipts, that came later: on the page before."""
        if not recorded:
            return []
        newest_us = place_of(recorded[0]).received_us
        until_us = newest_us + 2 * REPLY_WINDOW_US
        try:
            found = self._records.history.replies(self._number, newest_us + 1, until_us, _REPLIES)
        except RecordsUnavailable:
            return []
        return [one.event for one in found]

    def _add_unsettled(self) -> None:
        if self._page.is_store_away:
            return
        partition = partition_of(self._number)
        answered = {
            f"{partition}-{one.event.inbox_id}": one
            for one in self._page.items
            if one.event.inbox_id and one.event.kind != RECEIPT
        }
        with suppress(StoreUnavailable):
            for id_, reply in self._store.unsent_replies.unsettled([*answered]).items():
                answered[id_].unsettled = reply


def _sampled(at_us: int, entry: Entry) -> Event:
    return Event(
        id="",
        kind="text",
        outcome="sampled",
        number=entry.number,
        program=entry.program,
        entry=entry,
        received_us=at_us,
    )


def _one_page(
    recorded: list[Recorded], texts: list[TimelineEntry], page: Timeline
) -> tuple[list[Recorded], list[TimelineEntry]]:
    """The newest of both that fill one page, which then says where the next one begins."""
    places = [place_of(one) for one in recorded]
    places += [HistoryPlace(_at_us(one.event), 0) for one in texts]
    if len(places) <= PAGE:
        return recorded, texts
    last = page.older = sorted(places, reverse=True)[PAGE - 1]
    return (
        [one for one in recorded if place_of(one) >= last],
        [one for one in texts if (_at_us(one.event), 0) >= last],
    )


def _at_us(event: Event) -> int:
    return event.received_us or event.applied_us


def _follows(event: Event) -> bool:
    """Whether it is the outcome of a text: our reply, or the application's."""
    return event.reply is not None or event.kind == KIND


def _nested(
    entries: list[TimelineEntry], elsewhere: Iterable[Event]
) -> tuple[list[TimelineEntry], dict[str, Event]]:
    """Each reply under what it answers, and by provider id the receipts of replies shown here.

    What belongs to something that does not stand here stands alone.
    """
    events = [*elsewhere, *(one.event for one in entries)]
    answers: dict[str, list[Event]] = defaultdict(list)
    for event in filter(_follows, events):
        answers[event.inbox_id].append(event)
    causes = [one for one in entries if not _follows(one.event) and one.event.kind != RECEIPT]
    for cause in causes:
        if cause.event.inbox_id:
            cause.replies = answers.get(cause.event.inbox_id, [])
    answered = {one.event.inbox_id for one in causes}
    alone = [one for one in entries if _follows(one.event) and one.event.inbox_id not in answered]
    stories = [event for one in (*causes, *alone) for event in (one.event, *one.replies)]
    replies = {event.provider_id for event in stories if event.reply}
    reports = {
        one.provider_id: one for one in events if one.kind == RECEIPT and one.provider_id in replies
    }
    shown = {id(one) for one in (*causes, *alone)}
    return [
        one
        for one in entries
        if id(one) in shown or (one.event.kind == RECEIPT and one.event.provider_id not in reports)
    ], reports


@dataclass(frozen=True, slots=True)
class SpokenText:
    """One text between a subscriber and us."""

    at_us: int
    is_ours: bool
    event: Event
    text: str
    """Empty where it was erased."""


def spoken_texts(page: Timeline) -> list[SpokenText]:
    """The texts of a page in both directions, oldest first; actions of staff are left out."""
    found: list[SpokenText] = []
    for item in reversed(page.items):
        event, entry = item.event, item.event.entry
        if entry is not None and entry.source == "text":
            found.append(SpokenText(_at_us(event), False, event, entry.text))
        found += [
            SpokenText(_at_us(one), True, one, one.reply.text)
            for one in (event, *reversed(item.replies))
            if one.reply is not None
        ]
    return sorted(found, key=lambda one: one.at_us)
