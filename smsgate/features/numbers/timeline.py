"""What happened to one number, newest first, a page at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from smsgate.consent.events import DeadLetter, Event, event_for
from smsgate.consent.transitions import WINDOW_US
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable, StoreUnavailable
from smsgate.domain.messages import Entry, Reply
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
    """A page of a number's events. Raises nothing of ours: what is missing is said.

    With ``is_store_away`` the store is not asked: it has just been seen not to answer.
    """
    page = Timeline(is_store_away=is_store_away)
    waiting = [] if before else _waiting(services, number, page)  # first: what moves is in both
    recorded, texts = _one_page(
        _recorded(services, number, before, page), _ordinary(services, number, before, page), page
    )
    known = {one.event.id for one in recorded}
    items = [TimelineEntry(one) for one in reversed(waiting) if one.id not in known]
    items += [TimelineEntry(one.event, one.erased) for one in recorded]
    elsewhere = _later_replies(services, number, recorded) if before else []
    page.items, page.delivery_reports = _nested(items, elsewhere)
    if not before:
        _add_unsettled(services, number, page)
    # Each text goes among the events by its time; the order of the events themselves stays.
    page.items = sorted([*page.items, *texts], key=lambda one: -_at_us(one.event))
    return page


def _waiting(services: Services, number: str, page: Timeline) -> list[Event]:
    """What the records do not have yet, oldest first."""
    if page.is_store_away:
        page.problems.append(_UNSEEN)
        return []
    try:
        events = services.store.ledger.newest(partition_of(number), _LEDGER)
    except StoreUnavailable as error:
        page.is_store_away = True
        page.problems.append(_UNSEEN.removesuffix(".") + f": {error}.")
        return []
    values = [one for one in (event_for(event, number) for event in events) if one is not None]
    if len(events) == _LEDGER or len(values) > _SHOWN:
        page.problems.append(
            "The records are far behind: only the newest events are shown until they catch up."
        )
    return values[-_SHOWN:]


def _recorded(
    services: Services, number: str, before: HistoryPlace | None, page: Timeline
) -> list[Recorded]:
    try:
        if services.records.absent and any(services.store.ledger.kept().values()):
            raise RecordsNotReady("they are on another host: set DATABASE_URL")
        found = services.records.history.of_number(number, before, PAGE + 1)
    except (RecordsUnavailable, RecordsNotReady) as error:
        page.problems.append(f"Older events cannot be shown while the records are away: {error}.")
        return []
    except StoreUnavailable:
        return []
    return found


def _ordinary(
    services: Services, number: str, before: HistoryPlace | None, page: Timeline
) -> list[TimelineEntry]:
    """The ordinary texts before a place that the sample log still has, newest first.

    They are on no record, so an event is made of each: ``text``, ``sampled``.
    """
    if page.is_store_away:
        page.problems.append(_NO_TEXTS)
        return []
    # A text of the same microsecond as an event stands behind it.
    before_us = before.received_us + (before.seq > 0) if before else 0
    try:
        found = services.store.sample_log.of_number(number, before_us, PAGE + 1)
    except StoreUnavailable as error:
        page.is_store_away = True
        page.problems.append(_NO_TEXTS.removesuffix(".") + f": {error}.")
        return []
    page.texts_since_us = found.kept_since_us
    return [TimelineEntry(_sampled(at_us, entry)) for at_us, entry in found.texts]


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


def _later_replies(services: Services, number: str, recorded: list[Recorded]) -> list[Event]:
    """Replies to this page's texts, and receipts, that stand on the page before.

    For they came a little later.
    """
    if not recorded:
        return []
    newest_us = place_of(recorded[0]).received_us
    try:
        found = services.records.history.replies(
            number, newest_us + 1, newest_us + 2 * WINDOW_US, _REPLIES
        )
    except (RecordsUnavailable, RecordsNotReady):
        return []
    return [one.event for one in found]


def _follows(event: Event) -> bool:
    """Whether it tells of what came of a text: our reply, or the application."""
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


def _add_unsettled(services: Services, number: str, page: Timeline) -> None:
    if page.is_store_away:
        return
    partition = partition_of(number)
    asked = {
        f"{partition}-{one.event.inbox_id}": one
        for one in page.items
        if one.event.inbox_id and one.event.kind != RECEIPT
    }
    try:
        found = services.store.outbox.unsettled([*asked])
    except StoreUnavailable:
        return
    for id_, reply in found.items():
        asked[id_].unsettled = reply
