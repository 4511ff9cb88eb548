"""What of a text goes on to its program's own application. Pure."""

from __future__ import annotations

import msgspec

from smsgate.consent.events import Event
from smsgate.domain.messages import (
    Entry,
    Forward,
    InboundMessage,
    Intent,
    Onward,
    WebhookRequest,
    forward_id,
)
from smsgate.providers.forms import posted_of
from smsgate.settings import Application

LARGEST_FORM = 64 * 1024
"""Bytes of a provider's form that are kept; of a larger one, what its message says is put anew."""
_NO_KEYWORDS = (Intent.NONE, Intent.REVIEW)


def onward_of(message: InboundMessage, request: WebhookRequest, application: Application) -> Onward:
    """What has to be kept of a message, beside its entry, until its application has it.

    Of a form, which has one text; what came in another shape is put as a form when it goes on.
    """
    posted = posted_of(request) if application.original else None
    if posted is not None and len(posted.form) > LARGEST_FORM:
        posted = None
    return Onward(message.media, message.flag.value if message.flag else "", posted)


def kept(entry: Entry) -> Entry:
    """What the records keep of a message: without its provider's request, which is large."""
    if entry.onward is None or entry.onward.posted is None:
        return entry
    onward = msgspec.structs.replace(entry.onward, posted=None)
    return msgspec.structs.replace(entry, onward=onward)


def forward_of(
    partition: int, entry: Entry, event: Event, application: Application | None
) -> Forward | None:
    """The forward of a message that was applied, if it goes on. ``event``: what became of it."""
    if entry.onward is None or application is None or not _goes_on(entry, event, application):
        return None
    return Forward(
        id=forward_id(partition, event.inbox_id),
        entry=entry,
        inbox_id=event.inbox_id,
        event=event.id,
        outcome=event.outcome,
        event_time_us=event.event_time_us,
    )


def _goes_on(entry: Entry, event: Event, application: Application) -> bool:
    """Whether the application wants it.

    A text that waits for a person is no keyword, nor is YES where no question of ours was open: it
    may well answer one of the application's.
    """
    if application.messages == "all" or entry.decision.intent in _NO_KEYWORDS:
        return True
    return bool(entry.decision.condition) and event.outcome not in ("applied", "repeat")
