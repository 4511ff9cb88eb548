"""What of a text goes on to its program's own application, and in which form. Pure."""

from __future__ import annotations

import msgspec

from smsgate.consent.events import Event
from smsgate.errors import AccountNotReady
from smsgate.messages import (
    Entry,
    Forward,
    HttpCall,
    InboundMessage,
    Intent,
    Onward,
    Posted,
    WebhookRequest,
    forward_id,
)
from smsgate.providers import PROVIDERS, SIGNED_AGAIN
from smsgate.providers.contract import IDEMPOTENCY, posted_of
from smsgate.settings import Account, Application
from smsgate.signing import iso_time, standard_webhook_signature

LARGEST_FORM = 64 * 1024
"""Bytes of a provider's form that are kept; of a larger one, what its message says is put anew."""
_NO_KEYWORDS = (Intent.NONE, Intent.REVIEW)


class _Text(msgspec.Struct, frozen=True, rename={"number": "from"}):
    """A text in our normal form, as ``standard_webhooks`` accounts post it to us, and more."""

    id: str
    number: str
    to: str
    text: str
    received_at: str
    channel: str
    service: str
    flag: str
    media: tuple[str, ...]
    account: str
    program: str
    intent: str
    outcome: str
    event: str


class _Message(msgspec.Struct, frozen=True):
    type: str
    timestamp: str
    data: _Text


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
        stamp_us=event.stamp_us,
    )


def _goes_on(entry: Entry, event: Event, application: Application) -> bool:
    """Whether the application wants it.

    A text that waits for a person is no keyword, nor is YES where no question of ours was open: it
    may well answer one of the application's.
    """
    if application.messages == "all" or entry.decision.intent in _NO_KEYWORDS:
        return True
    return bool(entry.decision.condition) and event.outcome not in ("applied", "repeat")


def call_of(forward: Forward, application: Application, account: Account, now_s: int) -> HttpCall:
    """Describe the call that hands a forward over. The account is usable, or has a token named."""
    if application.original:
        return _original(forward, application, account)
    return _normal(forward, application, now_s)


def _original(forward: Forward, application: Application, account: Account) -> HttpCall:
    posted = forward.entry.onward.posted if forward.entry.onward else None
    posted = posted or _as_form(forward.entry, application.url, account)
    token = application.secrets[0].value if application.secrets else ""
    call = SIGNED_AGAIN[account.provider](posted, application.url, account, token)
    headers = {**call.headers, IDEMPOTENCY: forward.event}
    return HttpCall(call.method, call.url, headers, call.body)


def _as_form(entry: Entry, url: str, account: Account) -> Posted:
    """The form by which the provider would post a message that came in another shape."""
    onward = entry.onward or Onward()
    message = InboundMessage(
        account=entry.account,
        message_id=entry.message_id,
        number=entry.number,
        sender=entry.sender,
        text=entry.text,
        channel=entry.channel,
        service=entry.service,
        flag=Intent(onward.flag) if onward.flag else None,
        media=onward.media,
    )
    posted = posted_of(PROVIDERS[account.provider].inbound(message, account, url))
    if posted is None:
        raise AccountNotReady(f"{account.provider} posts no forms")
    return posted


def _normal(forward: Forward, application: Application, now_s: int) -> HttpCall:
    body = msgspec.json.encode(_message(forward))
    time = str(now_s)
    signatures = [
        standard_webhook_signature(forward.event, time, body, one.value)
        for one in application.secrets
    ]
    headers = {
        "Content-Type": "application/json",
        "webhook-id": forward.event,
        "webhook-timestamp": time,
        "webhook-signature": " ".join(signatures),
    }
    return HttpCall("POST", application.url, headers, body)


def _message(forward: Forward) -> _Message:
    """The same bytes for every try, so that what is repeated is known by more than its id."""
    entry, received_at = forward.entry, iso_time(forward.stamp_us)
    onward = entry.onward or Onward()
    text = _Text(
        id=entry.message_id,
        number=entry.number,
        to=entry.sender,
        text=entry.text,
        received_at=received_at,
        channel=entry.channel,
        service=entry.service,
        flag=onward.flag,
        media=onward.media,
        account=entry.account,
        program=entry.program,
        intent=entry.decision.intent.value,
        outcome=forward.outcome,
        event=forward.event,
    )
    return _Message("sms.received", received_at, text)
