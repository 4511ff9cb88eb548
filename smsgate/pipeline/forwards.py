"""Which texts are forwarded to their program's own application, and what is kept for that. Pure."""

from __future__ import annotations

import msgspec

from smsgate.consent.events import Event
from smsgate.domain.messages import (
    Entry,
    Forward,
    ForwardContent,
    InboundMessage,
    Intent,
    WebhookRequest,
    forward_id,
)
from smsgate.providers.forms import posted_of
from smsgate.settings import Application

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
