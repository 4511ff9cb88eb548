"""Which texts are forwarded to their program's own application, and what is kept for that. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import msgspec

from smsgate import __version__
from smsgate.consent.events import Event, event_id
from smsgate.domain.entry_parts import ForwardContent, OriginalRequest
from smsgate.domain.errors import NoSuchForward
from smsgate.domain.forwards import Forward, UndeliveredForward, forward_id
from smsgate.domain.messages import Entry, InboundMessage, Intent, WebhookRequest
from smsgate.domain.signing import as_bytes, is_form
from smsgate.metrics.counters import FORWARDS
from smsgate.records import Recorded, Records
from smsgate.settings import Application
from smsgate.store import Store
from smsgate.store.keys import PARTITIONS

MAX_FORM_BYTES = 64 * 1024
"""Of a provider's form that is kept; a larger one is made anew from the message."""


def content_to_forward(
    message: InboundMessage, request: WebhookRequest, application: Application
) -> ForwardContent:
    """What the application needs of a message beside its entry.

    The provider's form is kept where the application wants the original request and the form has
    one text; where the request came in another shape, a form is made when it is forwarded.
    """
    posted = posted_of(request) if application.original else None
    if posted is not None and len(posted.form) > MAX_FORM_BYTES:
        posted = None
    return ForwardContent(message.media, message.flag.value if message.flag else "", posted)


def without_form(entry: Entry) -> Entry:
    """The entry for the records: without its provider's form, which is large."""
    if entry.forward_content is None or entry.forward_content.posted is None:
        return entry
    content = msgspec.structs.replace(entry.forward_content, posted=None)
    return msgspec.structs.replace(entry, forward_content=content)


def forward_of(
    partition: int, entry: Entry, event: Event, application: Application | None
) -> Forward | None:
    """The forward of a message that was applied with ``event``, if the application wants it.

    Some applications want no keywords. A text that waits for a person is none, nor is YES where no
    question of ours was open: it may well answer one of the application's.
    """
    if entry.forward_content is None or application is None:
        return None
    is_keyword = entry.decision.intent not in (Intent.NONE, Intent.REVIEW)
    is_open_answer = entry.decision.condition and event.outcome not in ("applied", "repeat")
    if is_keyword and not is_open_answer and application.messages != "all":
        return None
    return Forward(
        id=forward_id(partition, event.inbox_id),
        entry=entry,
        inbox_id=event.inbox_id,
        event=event.id,
        outcome=event.outcome,
        event_time_us=event.event_time_us,
    )


GIVEN_UP_US = 24 * 3600 * 1_000_000
_BATCH = 200
"""Messages of a partition that are given up at once."""
RESTORE_WINDOW_US = 2 * GIVEN_UP_US
"""How far back a restore looks: what came before was taken, or given up long ago."""
_RESTORE_PAGE = 5_000

KIND = "forward"
"""The kind of events about forwards. Their outcomes:"""
TAKEN = "taken"
GIVEN_UP = "given_up"
RETRIED = "retried"
DISMISSED = "dismissed"


def forward_event(forward: Forward, outcome: str, now_us: int, note: str = "") -> Event:
    """The event that records what became of a forward."""
    return Event(
        id=event_id(now_us // 1000, forward.id, outcome, str(now_us)),
        kind=KIND,
        outcome=outcome,
        number=forward.entry.number,
        program=forward.entry.program,
        inbox_id=forward.inbox_id,
        applied_us=now_us,
        note=note,
        software=__version__,
    )


def give_up_old(store: Store) -> int:
    """Give up messages that have waited for a day; returns how many.

    Raises ``StoreUnavailable``.
    """
    given_up, partitions = 0, store.forwards.waiting_partitions()
    now_us = store.health.now_us() if partitions else 0
    for partition in partitions:
        for forward in store.forwards.overdue(partition, now_us - GIVEN_UP_US, _BATCH):
            note = forward.note or "not attempted within a day"
            event = forward_event(forward, GIVEN_UP, now_us, note)
            if store.forwards.give_up(UndeliveredForward(forward, note, now_us), event):
                store.metrics.count(FORWARDS, forward.entry.program, GIVEN_UP)
                given_up += 1
    return given_up


def find(store: Store, id_: str) -> UndeliveredForward:
    """The message of that id that was given up. Raises ``NoSuchForward``."""
    partition = id_.partition("-")[0]
    if partition.isdigit() and int(partition) < PARTITIONS:
        for undelivered in store.forwards.dead(int(partition)):
            if undelivered.forward.id == id_:
                return undelivered
    raise NoSuchForward(
        f"Nothing was changed: no failed text has the id {id_!r}. Maybe someone else retried or "
        "dismissed it first."
    )


def retry(store: Store, id_: str, actor: str) -> None:
    """Make a message that was given up due again, for another day. Raises ``NoSuchForward``."""
    undelivered = find(store, id_)
    again = msgspec.structs.replace(undelivered.forward, tries=0)
    _settle(store, undelivered, RETRIED, actor, again)


def dismiss(store: Store, id_: str, actor: str) -> None:
    """Remove a message that was given up. Raises ``NoSuchForward``."""
    _settle(store, find(store, id_), DISMISSED, actor, None)


def _settle(
    store: Store, undelivered: UndeliveredForward, outcome: str, actor: str, again: Forward | None
) -> None:
    note = f"by {actor}; before: {undelivered.note}"
    event = forward_event(undelivered.forward, outcome, store.health.now_us(), note)
    if not store.forwards.settle_dead(undelivered, event, again):
        raise NoSuchForward("Nothing was changed: someone else retried or dismissed it first.")


# --- restoring a store that was lost, from the records --------------------------------------------


@dataclass(slots=True)
class UnsettledForwards:
    """What applications had not taken, by id, as far as the events have been read."""

    waiting: dict[str, tuple[Forward, int]] = field(default_factory=dict)
    """With the time (us) since when each has waited."""
    dead: dict[str, UndeliveredForward] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    """Those of the known ids that were taken or dismissed."""


def restore_forwards(
    store: Store,
    records: Records,
    applications: Mapping[str, Application],
    renamed: Mapping[str, str],
    now_us: int,
    before_page: Callable[[], None],
) -> int:
    """Make exactly those messages pending that the records say are; returns how many.

    The provider's original request is not in the records: where the application wants it, the
    form is made anew. What was taken in the second by which the records are behind is sent again,
    under the id by which the application knows it. ``before_page`` is called before every some
    thousand events. Raises what it raises, and ``StoreUnavailable``, ``RecordsUnavailable``.
    """
    stored = {
        one.id: one for partition in range(PARTITIONS) for one in store.forwards.waiting(partition)
    }
    if not (stored or applications):
        return 0
    found = UnsettledForwards()
    for place, one in enumerate(records.reader.between(now_us - RESTORE_WINDOW_US)):
        if place % _RESTORE_PAGE == 0:
            before_page()
        _add_event(found, one, applications, renamed, stored.keys())
    for id_ in stored.keys() & (found.settled | found.dead.keys()):
        store.forwards.drop(stored[id_])
    store.rebuild.forward(found.waiting.values(), found.dead.values(), now_us)
    return len(found.waiting)


def _add_event(
    found: UnsettledForwards,
    one: Recorded,
    applications: Mapping[str, Application],
    renamed: Mapping[str, str],
    known: Collection[str],
) -> None:
    event = one.event
    if event.kind != KIND:
        entry = None if one.erased else event.entry
        if entry is not None and entry.forward_content is not None:
            program = renamed.get(entry.program, entry.program)
            entry = msgspec.structs.replace(entry, program=program)
            forward = forward_of(one.partition, entry, event, applications.get(program))
            if forward is not None:
                found.waiting[forward.id] = forward, event.applied_us
        return
    id_ = forward_id(one.partition, event.inbox_id)
    if event.outcome in (TAKEN, DISMISSED):
        found.waiting.pop(id_, None)
        found.dead.pop(id_, None)
        if id_ in known:
            found.settled.add(id_)
    elif event.outcome == GIVEN_UP and id_ in found.waiting:
        forward, _ = found.waiting.pop(id_)
        found.dead[id_] = UndeliveredForward(forward, event.note, event.applied_us)
    elif event.outcome == RETRIED and id_ in found.dead:
        found.waiting[id_] = found.dead.pop(id_).forward, event.applied_us
        found.settled.discard(id_)


def posted_of(request: WebhookRequest) -> OriginalRequest | None:
    """What is needed to post a request's form again; None where it carries no form."""
    content_type = request.headers.get("content-type", "")
    if request.method == "GET":
        return OriginalRequest("GET", "", as_bytes(request.query))
    return (
        OriginalRequest(request.method, content_type, request.body)
        if is_form(content_type)
        else None
    )
