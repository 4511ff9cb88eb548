"""Texts for a program's own application: the signed call, and what the application answers."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import structlog

from smsgate.consent.events import Forward
from smsgate.consent.rules import APP
from smsgate.domain.entry_parts import ForwardContent
from smsgate.domain.errors import AccountNotReady
from smsgate.domain.messages import (
    REPLY_WINDOW_US,
    HttpCall,
    HttpReply,
    InboundMessage,
    Intent,
    Reply,
)
from smsgate.domain.signed_times import iso_time
from smsgate.features.deliveries.sender import Source, signed_call
from smsgate.features.deliveries.twiml import read_twiml
from smsgate.pipeline.forwards import accepted_event, posted_of
from smsgate.providers import FORWARDING_ORIGINALS, PROVIDERS, usable
from smsgate.records.deliveries import Delivery
from smsgate.settings import Account, Application, Program, Settings
from smsgate.store.inbox import JobQueue
from smsgate.store.store import Store

IDEMPOTENCY = "I-Twilio-Idempotency-Token"
"""The header by which Twilio lets an application tell repeated webhooks apart
(twilio.com/docs/usage/webhooks/webhooks-connection-overrides)."""
_MAX_LOGGED_VERBS = 10
_decode = msgspec.json.Decoder(Forward).decode
_log = structlog.get_logger("smsgate.deliveries")


class TextDeliveries(Source):
    """The texts of one program. They are in the table since their events were recorded."""

    def __init__(
        self,
        program: Program,
        application: Application,
        settings: Settings,
        store: Store,
        job_queue: JobQueue,
    ) -> None:
        super().__init__(program)
        self._application = application
        self._accounts = settings.accounts
        self._store = store
        self._job_queue = job_queue

    def call_for(self, delivery: Delivery, now_s: int) -> HttpCall:
        """The call for a text. Raises ``AccountNotReady``."""
        forward = _forward_of(delivery)
        account = self._signing_account(forward)
        return describe_call(forward, self._application, account, now_s)

    def accept(self, delivery: Delivery, answer: HttpReply, now_us: int) -> None:
        """Record that the application accepted a text, and queue the texts that it answers.

        Raises ``StoreUnavailable``.
        """
        forward = _forward_of(delivery)
        entry = forward.entry
        twiml = read_twiml(answer, entry.number, entry.sender)
        if twiml.unsupported:
            verbs = [*dict.fromkeys(twiml.unsupported)][:_MAX_LOGGED_VERBS]
            _log.warning("not supported", program=entry.program, id=delivery.id, verbs=verbs)
        event = accepted_event(forward, now_us)
        replies = _replies(delivery.partition, forward, twiml.texts, now_us)
        unsent = self._store.unsent_replies
        if unsent.add_answers(forward.event, delivery.partition, event, replies):
            self._job_queue.notify_outboxes([delivery.partition])

    def _signing_account(self, forward: Forward) -> Account:
        """The program's account, which also signs what the simulator posted; else the message's."""
        needs_secret = self._application.as_ == "original" and not self._application.secrets
        for name in (self.program.account, forward.entry.account):
            account = self._accounts.get(name)
            if account is not None and (usable(account) or not needs_secret):
                return account
        raise AccountNotReady(f"account {self.program.account!r} has no secret to sign with")


def _forward_of(delivery: Delivery) -> Forward:
    """The text; its program may have had another name when it came."""
    forward = _decode(delivery.body)
    entry = msgspec.structs.replace(forward.entry, program=delivery.program)
    return msgspec.structs.replace(forward, entry=entry)


def _replies(partition: int, forward: Forward, texts: list[str], answered_us: int) -> list[Reply]:
    """The application's texts, each to be sent within five minutes of its answer."""
    entry = forward.entry
    return [
        Reply(
            id=f"{partition}-{forward.inbox_id}.{place}",
            kind=APP,
            account=entry.account,
            number=entry.number,
            sender=entry.sender,
            program=entry.program,
            text=text,
            deadline_us=answered_us + REPLY_WINDOW_US,
            service=entry.service,
            channel=entry.channel,
        )
        for place, text in enumerate(texts, 1)
    ]


def describe_call(
    forward: Forward, application: Application, account: Account, now_s: int
) -> HttpCall:
    """The call in our normal form, or as the provider's own request where ``original`` is set.

    The account is usable, or the application names a token.
    """
    if application.as_ == "original":
        return _original_request(forward, application, account)
    # The body is the same for every try, so that a repeat is known by more than its id.
    return signed_call(application, forward.event, now_s, msgspec.json.encode(_message(forward)))


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
    provider = FORWARDING_ORIGINALS.get(account.provider)
    if form is None or provider is None:
        raise AccountNotReady(f"{account.provider} posts no forms")
    token = application.secrets[0].get_secret_value() if application.secrets else ""
    call = provider.original_call(form, application.url, account, token)
    return replace(call, headers={**call.headers, IDEMPOTENCY: forward.event})


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
