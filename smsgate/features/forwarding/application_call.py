"""The HTTP call that hands a text to its program's own application. Pure."""

from __future__ import annotations

import msgspec

from smsgate.domain.errors import AccountNotReady
from smsgate.domain.messages import Entry, Forward, HttpCall, InboundMessage, Intent, Onward, Posted
from smsgate.domain.signing import iso_time, standard_webhook_signature
from smsgate.providers import PROVIDERS
from smsgate.providers.forms import IDEMPOTENCY, posted_of
from smsgate.settings import Account, Application


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


def call_of(forward: Forward, application: Application, account: Account, now_s: int) -> HttpCall:
    """Describe the call that hands a forward over. The account is usable, or has a token named."""
    if application.original:
        return _original(forward, application, account)
    return _normal(forward, application, now_s)


def _original(forward: Forward, application: Application, account: Account) -> HttpCall:
    posted = forward.entry.onward.posted if forward.entry.onward else None
    posted = posted or _as_form(forward.entry, application.url, account)
    token = application.secrets[0].value if application.secrets else ""
    call = PROVIDERS[account.provider].original_call(posted, application.url, account, token)
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
    entry, received_at = forward.entry, iso_time(forward.event_time_us)
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
