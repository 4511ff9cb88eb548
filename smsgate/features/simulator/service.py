"""The simulator: texts us as a subscriber would, and follows each text through the pipeline.

A text goes to the real endpoint, signed as the account's provider signs it. Phones have numbers
that regulators keep for films and books, so that no reply can reach a person.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from smsgate import event_text
from smsgate.consent.events import Event
from smsgate.decision_text import meant, reason
from smsgate.domain.errors import InvalidNumber
from smsgate.domain.messages import Entry, HttpCall, HttpReply, InboundMessage
from smsgate.domain.phone import e164
from smsgate.outbound import Outbound
from smsgate.pipeline.history import History
from smsgate.providers import PROVIDERS
from smsgate.settings import ANY_SENDER, Account, Settings
from smsgate.store.keys import partition_of
from smsgate.store.store import Store

OUR_NUMBER = "+12025550100"
"""The sender that is texted where the programs name none; 555-01XX is kept for fiction."""
PATIENCE_US = 10_000_000
"""How long a step may take before it counts as failed."""
_MAX_SHOWN = 40
"""Texts of a conversation that are shown."""
_MAX_SEARCHED = 500
"""Entries of the partition's inbox among which the text is looked for."""

RANGES = {
    "US": ("United States", "+141555501XX"),  # NANPA: 555-0100 to 555-0199
    "GB": ("United Kingdom", "+447700900XXX"),  # Ofcom: numbers for drama use
    "FR": ("France", "+3363998XXXX"),  # ARCEP, decision 2018-0881, 2.5.12
    "DE": ("Germany", "+491713920XXX"),  # Bundesnetzagentur: for media productions
}
"""By region the country, and its numbers that are kept for fiction; an X is any digit."""


def draw_number(region: str) -> str:
    """A random number of a region of ``RANGES``."""
    return re.sub("X", lambda _: str(secrets.randbelow(10)), RANGES[region][1])


def parse_fictional(text: str) -> str:
    """Return the number in E.164. Raises ``InvalidNumber`` if it may belong to a person."""
    number, shapes = e164(text.strip()), [shape for _, shape in RANGES.values()]
    if any(re.fullmatch(re.escape(one).replace("X", "[0-9]"), number) for one in shapes):
        return number
    raise InvalidNumber(
        f"{number} may belong to someone: use one that is reserved for fiction: {', '.join(shapes)}"
    )


def simulated_account(settings: Settings) -> Account | None:
    """Return the account that texts without a provider; ``smsgate dev`` adds one."""
    return next((one for one in settings.accounts.values() if one.simulated), None)


def default_sender(settings: Settings, account: Account) -> str:
    """Return a sender of the first program that the account reaches."""
    for program in settings.programs:
        if account.simulated or program.account == account.name:
            return next((one for one in program.senders if one != ANY_SENDER), OUR_NUMBER)
    return OUR_NUMBER


def make_message(account: Account, body: str, number: str, sender: str) -> InboundMessage:
    """Return a text from a number (E.164) to a sender of ours, sent now."""
    # Twilio's ids have a form of their own; the other providers that look at it give UUIDs.
    twilio = account.provider == "twilio"
    return InboundMessage(
        account=account.name,
        message_id=f"SM{secrets.token_hex(16)}" if twilio else str(uuid.uuid4()),
        number=number,
        sender=sender,
        text=body,
        sent_us=time.time_ns() // 1000,  # some providers sign it
    )


class SentText(NamedTuple):
    """A text that was posted to our own endpoint."""

    message_id: str
    posted_us: int
    took_us: int
    status: int
    """The HTTP status that our endpoint answered."""


def post_text(message: InboundMessage, account: Account, url: str) -> tuple[SentText, HttpReply]:
    """Post a text to the webhook's address, as the provider would. Raises ``CallFailed``."""
    request = PROVIDERS[account.provider].inbound(message, account, url)
    outbound = Outbound()
    try:
        call = HttpCall(request.method, request.url, request.headers, request.body)
        answer = outbound.perform(call)
    finally:
        outbound.close()
    sent_us = message.sent_us or 0
    took_us = time.time_ns() // 1000 - sent_us
    return SentText(message.message_id, sent_us, took_us, answer.status), answer


class TextStep(NamedTuple):
    """One step of a text through the pipeline."""

    name: str
    state: str
    """``done``, ``waits``, ``none`` where there is nothing to do, or ``failed``."""
    note: str
    after_us: int = -1
    """How long after the text was posted; -1 where that is not known."""


class ConversationText(NamedTuple):
    """One text of the conversation."""

    ours: bool
    text: str
    at_us: int


class PhoneView(NamedTuple):
    """What a phone shows: its conversation, and the progress of the text that it sent last."""

    texts: Sequence[ConversationText]
    steps: Sequence[TextStep]
    settled: bool
    """Whether the text is completely processed."""


def read_phone(
    history: History, store: Store, number: str, sent: SentText | None = None
) -> PhoneView:
    """What a phone shows, texts oldest first. Raises as ``History.of_number``."""
    events = history.of_number(number)
    ordinary = store.sample_log.of_number(number, 0, _MAX_SHOWN)
    inbox = store.inbox_reader.latest(partition_of(number), _MAX_SEARCHED)
    waiting = [(one.received_us, one.entry) for one in inbox if one.entry.number == number]
    applied = [(one.received_us, one.entry) for one in events if one.entry]
    entries = [(at_us, one) for at_us, one in (*applied, *waiting, *ordinary) if one.text]
    texts = [ConversationText(False, one.text, at_us) for at_us, one in entries]
    texts += [
        ConversationText(True, one.reply.text, one.applied_us)
        for one in events
        if one.reply and one.outcome == "sent"
    ]
    texts = sorted(set(texts), key=lambda one: one.at_us)[-_MAX_SHOWN:]
    if sent is None:
        return PhoneView(texts, (), settled=True)
    event = next((one for one in events if _is(one.entry, sent)), None)
    entry = next((one for _, one in entries if _is(one, sent)), None)
    steps = [*_steps(sent, entry, events, event)]
    if time.time_ns() // 1000 - sent.posted_us > PATIENCE_US:
        note = "no result after ten seconds: see what Home says"
        steps = [
            one._replace(state="failed", note=note) if one.state == "waits" else one
            for one in steps
        ]
    return PhoneView(texts, steps, settled=all(step.state != "waits" for step in steps))


def _is(entry: Entry | None, sent: SentText) -> bool:
    return entry is not None and entry.message_id == sent.message_id


def _steps(
    sent: SentText, entry: Entry | None, events: Sequence[Event], event: Event | None
) -> Iterator[TextStep]:
    if sent.status >= 300:
        note = f"our endpoint answered {sent.status} and accepted nothing"
        yield TextStep("Message", "failed", note)
        return
    took = f"verified and answered with {sent.status} in {sent.took_us / 1000:,.0f} ms"
    # Stored before its answer was back here.
    stored_us = max(0, event.received_us - sent.posted_us) if event else sent.took_us
    at_us = min(sent.took_us, stored_us)
    yield TextStep("Message", "done", took, at_us)
    if entry is None:
        yield TextStep("Decision", "waits", "in progress")
        return
    decision = entry.decision
    found = reason(decision.rule, decision.keyword)
    yield TextStep("Decision", "done", f"{meant(decision.intent)} ({found})", at_us)
    if event is None and decision.intent == "none" and decision.rule != "unrouted":
        yield TextStep("Inbox", "none", "ordinary text, kept for a limited time")
        return
    blocks = ", the number is blocked" if decision.intent.stops and event is None else ""
    yield TextStep("Inbox", "done", f"stored{blocks}", at_us)
    if event is None:
        yield TextStep("Applied", "waits", "waiting for a worker")
        yield TextStep("Confirmation", "waits", "sent once it is applied")
        return
    came = ". ".join(filter(None, (event_text.outcome(event), event_text.change(event))))
    yield TextStep("Applied", "done", came, event.applied_us - sent.posted_us)
    replies = [one for one in events if one.kind == "reply" and one.inbox_id == event.inbox_id]
    if replies:
        reply = replies[-1]
        why = f" ({reply.note})" if reply.note else ""
        state = "done" if reply.outcome == "sent" else "failed"
        said, settled_us = f"{event_text.outcome(reply)}{why}", reply.applied_us - sent.posted_us
        yield TextStep("Confirmation", state, said, settled_us)
    elif decision.intent.stops or decision.intent == "opt_in" or decision.wants_help:
        is_over = bool(event.note)
        note = event.note or "sending"
        yield TextStep("Confirmation", "none" if is_over else "waits", note)
    else:
        yield TextStep("Confirmation", "none", event.note or "not needed")
