"""Being a subscriber: a text through the real door, signed as its provider signs it."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable

from smsgate.consent.events import Event
from smsgate.messages import HttpCall, HttpReply, InboundMessage
from smsgate.pipeline.outbound import Outbound
from smsgate.providers import PROVIDERS
from smsgate.settings import Account, Settings
from smsgate.settings.values import ANY_SENDER

OUR_NUMBER = "+12025550100"
"""The sender that is texted where the programs name none; 555-01XX is kept for fiction."""


def simulated_account(settings: Settings) -> Account | None:
    """The account that texts without a provider; only ``smsgate dev`` has one by itself."""
    return next((one for one in settings.accounts.values() if one.simulated), None)


def message_of(account: Account, body: str, number: str, sender: str) -> InboundMessage:
    """A text from a number (E.164) to a sender of ours, sent now."""
    return InboundMessage(
        account=account.name,
        message_id=_new_id(account),
        number=number,
        sender=sender,
        text=body,
        sent_us=time.time_ns() // 1000,  # some providers sign it
    )


def _new_id(account: Account) -> str:
    """Twilio's ids have a form of their own; the other providers that look at it give UUIDs."""
    return f"SM{secrets.token_hex(16)}" if account.provider == "twilio" else str(uuid.uuid4())


def default_sender(settings: Settings, account: Account) -> str:
    """A sender that belongs to the first program that the account reaches."""
    for program in settings.programs:
        if account.simulated or program.account == account.name:
            named = [sender for sender in program.senders if sender != ANY_SENDER]
            return named[0] if named else OUR_NUMBER
    return OUR_NUMBER


def post(message: InboundMessage, account: Account, url: str) -> HttpReply:
    """Post the webhook to its address, as the provider would. Raises ``CallFailed``."""
    request = PROVIDERS[account.provider].inbound(message, account, url)
    outbound = Outbound()
    try:
        call = HttpCall(request.method, request.url, request.headers, request.body)
        return outbound.perform(call)
    finally:
        outbound.close()


def event_of(events: Iterable[Event], message_id: str) -> Event | None:
    """What the history says of a message; nothing before it is applied."""
    return next((one for one in events if one.entry and one.entry.message_id == message_id), None)
