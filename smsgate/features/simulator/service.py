"""The simulator: texts us as a subscriber would, and follows each text through the pipeline.

A text goes to the real endpoint, signed as the account's provider signs it. Phones have numbers
that regulators keep for films and books, so that no reply can reach a person.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from smsgate.consent import event_text
from smsgate.consent.decision_text import meant, reason
from smsgate.consent.events import Event
from smsgate.domain.errors import InvalidNumber
from smsgate.domain.messages import Decision, Entry, HttpCall, HttpReply, InboundMessage, ms_of
from smsgate.domain.phone import e164
from smsgate.outbound import Outbound
from smsgate.pipeline.services import Services
from smsgate.providers import PROVIDERS
from smsgate.settings import ANY_SENDER, Account, Settings
from smsgate.store.keys import partition_of

OUR_NUMBER = "+12025550100"
"""The sender that is texted where the programs name none; 555-01XX is kept for fiction."""
PATIENCE_US = 10_000_000
"""How long a step may take before it counts as failed."""
_MAX_SHOWN = 40
"""Texts of a conversation that are shown."""
_MAX_SEARCHED = 500
"""Ordinary texts of the partition among which those of the number are looked for."""
_NANPA = re.compile(r"\+1[2-9]\d\d55501\d\d", re.ASCII)


class NumberRange(NamedTuple):
    """Reserved numbers of one country."""

    region: str
    country: str
    prefix: str
    digits: int
    """How many follow the prefix."""

    def draw(self) -> str:
        """Return a random number of the range."""
        return f"{self.prefix}{secrets.randbelow(10**self.digits):0{self.digits}}"


RANGES = (
    NumberRange("US", "United States", "+141555501", 2),  # NANPA: 555-0100 to 555-0199
    NumberRange("GB", "United Kingdom", "+447700900", 3),  # Ofcom: numbers for drama use
    NumberRange("FR", "France", "+3363998", 4),  # ARCEP, decision 2018-0881, 2.5.12
    NumberRange("DE", "Germany", "+491713920", 3),  # Bundesnetzagentur: for media productions
)


def find_range(region: str) -> NumberRange:
    """Return the range of a country; default: that of the United States."""
    return next((one for one in RANGES if one.region == region), RANGES[0])


def parse_fictional(text: str) -> str:
    """Return the number in E.164. Raises ``InvalidNumber`` if it may belong to a person."""
    number = e164(text.strip())
    for one in RANGES:
        if number.startswith(one.prefix) and len(number) == len(one.prefix) + one.digits:
            return number
    if _NANPA.fullmatch(number):
        return number
    shown = ", ".join(f"{one.prefix}{'X' * one.digits}" for one in RANGES)
    raise InvalidNumber(
        f"{number} may belong to someone: use one that is reserved for fiction: {shown}"
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


def post_webhook(message: InboundMessage, account: Account, url: str) -> HttpReply:
    """Post the webhook to its address, as the provider would. Raises ``CallFailed``."""
    request = PROVIDERS[account.provider].inbound(message, account, url)
    outbound = Outbound()
    try:
        call = HttpCall(request.method, request.url, request.headers, request.body)
        return outbound.perform(call)
    finally:
        outbound.close()


def find_event(events: Iterable[Event], message_id: str) -> Event | None:
    """Return the event of a message; None before it is applied."""
    return next((one for one in events if one.entry and one.entry.message_id == message_id), None)


class SentText(NamedTuple):
    """A text that was posted to our own endpoint."""

    message_id: str
    number: str
    sender: str
    text: str
    posted_us: int
    took_us: int
    status: int
    """The HTTP status that our endpoint answered."""


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
    message_id: str = ""
    """Of the subscriber's."""


class TextProgress(NamedTuple):
    """The progress of a text."""

    steps: Sequence[TextStep]
    conversation: Sequence[ConversationText]
    decision: Decision | None
    settled: bool
    """Whether the text is completely processed."""


def read_progress(services: Services, sent: SentText) -> TextProgress:
    """Return the progress of a text. Raises what ``History.of_number`` raises."""
    events = services.history.of_number(sent.number)
    ordinary = _ordinary_texts(services, sent.number)
    event = find_event(events, sent.message_id)
    entry = event.entry if event else _find_waiting(services, ordinary, sent)
    decision = entry.decision if entry else _expected_decision(services, sent)
    steps = [*_steps(sent, decision, events, event)]
    waits = any(step.state == "waits" for step in steps)
    late = time.time_ns() // 1000 - sent.posted_us > PATIENCE_US
    if late:
        note = "no result after ten seconds: check System status on Home"
        steps = [
            one._replace(state="failed", note=note) if one.state == "waits" else one
            for one in steps
        ]
    texts = _conversation(events, ordinary)
    if all(one.message_id != sent.message_id for one in texts):
        text = entry.text if entry else sent.text
        texts.append(ConversationText(False, text, sent.posted_us, sent.message_id))
    return TextProgress(steps, texts[-_MAX_SHOWN:], decision, settled=not waits or late)


def read_conversation(services: Services, number: str) -> list[ConversationText]:
    """Return the texts from and to a number, oldest first. Raises as ``read_progress``."""
    return _conversation(services.history.of_number(number), _ordinary_texts(services, number))[
        -_MAX_SHOWN:
    ]


def _find_waiting(
    services: Services, ordinary: Iterable[tuple[str, Entry]], sent: SentText
) -> Entry | None:
    """Find the text before it is applied, and one that asks for nothing in the sample log."""
    inbox = services.store.inbox_reader.latest(partition_of(sent.number), _MAX_SEARCHED)
    entries = [*(stored.entry for stored in inbox), *(entry for _, entry in ordinary)]
    return next((one for one in entries if one.message_id == sent.message_id), None)


def _expected_decision(services: Services, sent: SentText) -> Decision | None:
    """Decide again: the same text always gets the same decision."""
    account = simulated_account(services.settings)
    program = services.settings.programs.route(account, sent.sender) if account else None
    if not sent.text or program is None or program.name not in services.content.value.classifiers:
        return None
    return services.content.value.classifiers[program.name].classify(sent.text, sent.number)


def _steps(
    sent: SentText, decision: Decision | None, events: Sequence[Event], event: Event | None
) -> Iterable[TextStep]:
    if sent.status >= 300:
        note = f"our endpoint answered {sent.status} and accepted nothing"
        yield TextStep("Message", "failed", note)
        return
    at_us = sent.took_us
    if event is not None:  # stored before its answer was back here
        at_us = min(at_us, max(0, event.received_us - sent.posted_us))
    took = f"verified and answered with {sent.status} in {sent.took_us / 1000:,.0f} ms"
    yield TextStep("Message", "done", took, at_us)
    if decision is None:
        yield TextStep("Decision", "waits", "in progress")
        return
    found = reason(decision.rule, decision.keyword)
    yield TextStep("Decision", "done", f"{meant(decision.intent)} ({found})", at_us)
    if event is not None:
        yield from _applied_steps(sent, decision, events, event)
    elif decision.intent == "none" and decision.rule != "unrouted":
        nothing = "ordinary text, kept for a limited time"
        yield TextStep("Inbox", "none", nothing)
    else:
        stored = "stored, the number is blocked" if decision.intent.stops else "stored"
        yield TextStep("Inbox", "done", stored, at_us)
        yield TextStep("Applied", "waits", "waiting for a worker")
        yield TextStep("Confirmation", "waits", "sent once it is applied")


def _applied_steps(
    sent: SentText, decision: Decision, events: Sequence[Event], event: Event
) -> Iterable[TextStep]:
    received_us = max(0, event.received_us - sent.posted_us)
    yield TextStep("Inbox", "done", "stored", received_us)
    applied_us = event.applied_us - sent.posted_us
    came = ". ".join(filter(None, (event_text.outcome(event), event_text.change(event))))
    yield TextStep("Applied", "done", came, applied_us)
    replies = [one for one in events if one.kind == "reply" and one.inbox_id == event.inbox_id]
    reply = replies[-1] if replies else None
    if reply is not None:
        why = f" ({reply.note})" if reply.note else ""
        state = "done" if reply.outcome == "sent" else "failed"
        settled_us = reply.applied_us - sent.posted_us
        yield TextStep("Confirmation", state, f"{event_text.outcome(reply)}{why}", settled_us)
    elif event.note or not (
        decision.intent.stops or decision.intent == "opt_in" or decision.wants_help
    ):
        yield TextStep("Confirmation", "none", event.note or "not needed")
    else:
        yield TextStep("Confirmation", "waits", "sending")


def _ordinary_texts(services: Services, number: str) -> list[tuple[str, Entry]]:
    """Return the newest texts of a number that asked for nothing."""
    page = services.store.sample_log.page(partition_of(number), "", _MAX_SEARCHED)
    return [(id_, entry) for id_, entry in page if entry.number == number]


def _conversation(
    events: Iterable[Event], ordinary: Iterable[tuple[str, Entry]]
) -> list[ConversationText]:
    texts = [
        ConversationText(False, entry.text, ms_of(id_) * 1000, entry.message_id)
        for id_, entry in ordinary
    ]
    for one in events:
        if one.entry and one.entry.source == "text":
            message_id = one.entry.message_id
            texts.append(ConversationText(False, one.entry.text, one.received_us, message_id))
        if one.reply and one.outcome == "sent":
            texts.append(ConversationText(True, one.reply.text, one.applied_us))
    return sorted(texts, key=lambda one: one.at_us)
