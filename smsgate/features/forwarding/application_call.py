"""Describes the HTTP call that sends a message to its program's own application. Pure."""

from __future__ import annotations

import msgspec

from smsgate.domain.entry_parts import ForwardContent
from smsgate.domain.errors import AccountNotReady
from smsgate.domain.forwards import Forward
from smsgate.domain.messages import HttpCall, InboundMessage, Intent
from smsgate.domain.shared_schemes import standard_webhook_headers
from smsgate.domain.signed_times import iso_time
from smsgate.pipeline.forwards import posted_of
from smsgate.providers import PROVIDERS
from smsgate.settings import Account, Application

IDEMPOTENCY = "I-Twilio-Idempotency-Token"
"""The header by which Twilio lets an application tell repeated webhooks apart
(twilio.com/docs/usage/webhooks/webhooks-connection-overrides)."""


def describe_call(
    forward: Forward, application: Application, account: Account, now_s: int
) -> HttpCall:
    """The call in our normal form, or as the provider's own request where ``original`` is set.

    The account is usable, or the application names a token.
    """
    if application.original:
        return _original_request(forward, application, account)
    # The body is the same for every try, so that a repeat is known by more than its id.
    body = msgspec.json.encode(_message(forward))
    secrets = [one.value for one in application.secrets]
    headers = standard_webhook_headers(forward.event, str(now_s), body, secrets)
    return HttpCall("POST", application.url, headers, body)


def _original_request(forward: Forward, application: Application, account: Account) -> HttpCall:
    """The provider's form, signed for the application's URL.

    A message that came in another shape is put as the form that the provider would post.
    """
    entry = forward.entry
    content = entry.forward_content or ForwardContent()
    form = content.posted
    if form is None:
        message = InboundMessage(
            account=entry.account,
            message_id=_message_id(forward),
            number=entry.number,
            sender=entry.sender,
            text=entry.text,
            channel=entry.channel,
            service=entry.service,
            flag=Intent(content.flag) if content.flag else None,
            media=content.media,
        )
        url = application.url
        form = posted_of(PROVIDERS[account.provider].inbound(message, account, url))
    if form is None:
        raise AccountNotReady(f"{account.provider} posts no forms")
    token = application.secrets[0].value if application.secrets else ""
    call = PROVIDERS[account.provider].original_call(form, application.url, account, token)
    headers = {**call.headers, IDEMPOTENCY: forward.event}
    return HttpCall(call.method, call.url, headers, call.body)


def _message(forward: Forward) -> dict[str, object]:
    """The message in our normal form: what ``standard_webhooks`` accounts post to us, and more."""
    entry, received_at = forward.entry, iso_time(forward.event_time_us)
    content = entry.forward_content or ForwardContent()
    return {
        "type": "sms.received",
        "timestamp": received_at,
        "data": {
            "id": _message_id(forward),
            "from": entry.number,
            "to": entry.sender,
            "text": entry.text,
            "received_at": received_at,
            "channel": entry.channel,
            "service": entry.service,
            "flag": content.flag,
            "media": content.media,
            "account": entry.account,
            "program": entry.program,
            "intent": entry.decision.intent.value,
            "outcome": forward.outcome,
            "event": forward.event,
        },
    }


def _message_id(forward: Forward) -> str:
    """The provider's id of the text; ours of its event where the provider gives none."""
    return forward.entry.message_id or forward.event
