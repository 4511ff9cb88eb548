"""Which texts are forwarded to their program's own application, and what is kept for that. Pure."""

from __future__ import annotations

import msgspec

from smsgate import __version__
from smsgate.consent.events import Event, Forward, event_id
from smsgate.domain.entry_parts import ForwardContent, OriginalRequest
from smsgate.domain.messages import Entry, InboundMessage, Intent, WebhookRequest, ms_of
from smsgate.domain.signing import as_bytes, is_form
from smsgate.settings import Application

KIND = "forward"
"""The kind of events about forwarded texts."""
ACCEPTED = "taken"
"""Their outcome."""
MAX_FORM_BYTES = 64 * 1024
"""Of a provider's form that is kept; a larger one is made anew from the message."""


def content_to_forward(
    message: InboundMessage, request: WebhookRequest, application: Application
) -> ForwardContent:
    """What the application needs of a message beside its entry.

    The provider's form is kept where the application wants the original request and the form has
    one text; where the request came in another shape, a form is made when it is forwarded.
    """
    posted = posted_of(request) if application.as_ == "original" else None
    if posted is not None and len(posted.form) > MAX_FORM_BYTES:
        posted = None
    return ForwardContent(message.media, message.flag.value if message.flag else "", posted)


def without_form(entry: Entry) -> Entry:
    """The entry for the records: without its provider's form, which is large."""
    if entry.forward_content is None or entry.forward_content.posted is None:
        return entry
    content = msgspec.structs.replace(entry.forward_content, posted=None)
    return msgspec.structs.replace(entry, forward_content=content)


def forward_of(entry: Entry, event: Event, application: Application | None) -> Forward | None:
    """The forward of a text that was applied with ``event``, if the application wants it.

    Some applications want no keywords. A text that waits for a person is none, nor is YES where no
    question of ours was open: it may well answer one of the application's.
    """
    if entry.forward_content is None or application is None:
        return None
    is_keyword = entry.decision.intent not in (Intent.NONE, Intent.REVIEW)
    is_open_answer = entry.decision.condition and event.outcome not in ("applied", "repeat")
    if is_keyword and not is_open_answer and application.messages != "all":
        return None
    return Forward(entry, event.inbox_id, event.id, event.outcome, event.event_time_us)


def accepted_event(forward: Forward, now_us: int) -> Event:
    """The event that records that an application accepted a text: one, however often it did."""
    return Event(
        id=event_id(ms_of(forward.inbox_id), forward.event, ACCEPTED),
        kind=KIND,
        outcome=ACCEPTED,
        number=forward.entry.number,
        program=forward.entry.program,
        inbox_id=forward.inbox_id,
        applied_us=now_us,
        software=__version__,
    )


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
