"""What becomes of a text of the simulator, step by step, and how the phone would show it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from smsgate.classifier.explanation import because, meant
from smsgate.consent.events import Event
from smsgate.features.simulator.simulating import event_of, simulated_account
from smsgate.gateway.gateway import Gateway
from smsgate.messages import Decision, Entry, ms_of
from smsgate.store.keys import partition_of

PATIENCE_US = 10_000_000
"""How long the steps of a text are waited for."""
_SHOWN = 40
"""Texts of a conversation that are shown."""
_REMEMBERED = 500
"""Ordinary texts of the partition that are looked through for those of the number."""
_ANSWERED = ("opt_out", "opt_out_all", "opt_in", "help")


class Sent(NamedTuple):
    """A text that was posted to our own door."""

    message_id: str
    number: str
    sender: str
    text: str
    posted_us: int
    took_us: int
    status: int
    """What the door answered."""


class Step(NamedTuple):
    """One step."""

    name: str
    state: str
    """``done``, ``waits``, ``none`` where there is nothing to do, or ``failed``."""
    said: str
    after_us: int = -1
    """How long after the text was posted; -1 where that is not known."""


class Bubble(NamedTuple):
    """One text of the conversation."""

    ours: bool
    text: str
    at_us: int
    message_id: str = ""
    """Of the subscriber's."""


class Watched(NamedTuple):
    """All that is known of a text by now."""

    steps: Sequence[Step]
    bubbles: Sequence[Bubble]
    decision: Decision | None
    settled: bool
    """Whether nothing more will come of it."""


def watched(gateway: Gateway, sent: Sent) -> Watched:
    """Look once. Raises what ``Gateway.history`` raises."""
    events = gateway.history(sent.number)
    event = event_of(events, sent.message_id)
    ordinary = _ordinary(gateway, sent.number)
    entry = event.entry if event else _waiting(gateway, ordinary, sent)
    decision = entry.decision if entry else _decided(gateway, sent)
    at_us = _arrived(sent, event)
    steps = [_received(sent, at_us)]
    if sent.status < 300:
        steps += _after(decision, sent, at_us, event, _reply(events, event))
    waits = any(step.state == "waits" for step in steps)
    late = time.time_ns() // 1000 - sent.posted_us > PATIENCE_US
    if waits and late:
        steps = [_given_up(step) for step in steps]
    bubbles = _bubbles(events, ordinary)
    if all(one.message_id != sent.message_id for one in bubbles):
        text = entry.text if entry else sent.text
        bubbles.append(Bubble(False, text, sent.posted_us, sent.message_id))
    return Watched(steps, bubbles[-_SHOWN:], decision, settled=not waits or late)


def conversation(gateway: Gateway, number: str) -> list[Bubble]:
    """The texts from and to a number, oldest first. Raises as ``watched``."""
    return _bubbles(gateway.history(number), _ordinary(gateway, number))[-_SHOWN:]


def _waiting(gateway: Gateway, ordinary: Iterable[tuple[str, Entry]], sent: Sent) -> Entry | None:
    """The text where it is before it is applied, or stays where it asks for nothing."""
    inbox = gateway.store.inbox.latest(partition_of(sent.number), _REMEMBERED)
    entries = [*(stored.entry for stored in inbox), *(entry for _, entry in ordinary)]
    return next((one for one in entries if one.message_id == sent.message_id), None)


def _decided(gateway: Gateway, sent: Sent) -> Decision | None:
    """What the door must have understood: the same text always gets the same decision."""
    account = simulated_account(gateway.settings)
    program = gateway.settings.programs.route(account, sent.sender) if account else None
    if not sent.text or program is None or program.name not in gateway.classifiers:
        return None
    return gateway.classifiers[program.name].classify(sent.text, sent.number)


def _arrived(sent: Sent, event: Event | None) -> int:
    """When the text was read and stored, which is before its answer was back here."""
    if event is None:
        return sent.took_us
    return min(sent.took_us, max(0, event.received_us - sent.posted_us))


def _received(sent: Sent, at_us: int) -> Step:
    if sent.status < 300:
        took = f"{sent.took_us / 1000:,.0f} ms"
        return Step(
            "Message", "done", f"signed, verified and answered: {sent.status} within {took}", at_us
        )
    return Step("Message", "failed", f"the door answered {sent.status}: nothing was accepted")


def _after(
    decision: Decision | None, sent: Sent, at_us: int, event: Event | None, reply: Event | None
) -> list[Step]:
    if decision is None:
        return [Step("Decision", "waits", "it is looked for")]
    found = because(f"{decision.rule} {decision.keyword}".strip())
    said = f"{meant(decision.intent)}, because {found}"
    return [
        Step("Decision", "done", said, at_us),
        *(_coming(decision, at_us) if event is None else _come(decision, event, reply, sent)),
    ]


def _coming(decision: Decision, at_us: int) -> list[Step]:
    """Before a worker had it."""
    if decision.intent == "none" and decision.rule != "unrouted":
        nothing = "an ordinary text: kept for a while in the trail, nothing else to do"
        return [Step("Inbox", "none", nothing)]
    stored = "stored on disk; it blocks already" if decision.intent.stops else "stored on disk"
    return [
        Step("Inbox", "done", stored, at_us),
        Step("Applied", "waits", "a worker applies it"),
        Step("Confirmation", "waits", "the sender's turn comes after that"),
    ]


def _come(decision: Decision, event: Event, reply: Event | None, sent: Sent) -> list[Step]:
    return [
        Step(
            "Inbox",
            "done",
            f"received as {event.inbox_id}",
            max(0, event.received_us - sent.posted_us),
        ),
        Step("Applied", "done", _applied(event), event.applied_us - sent.posted_us),
        _confirmed(decision, event, reply, sent),
    ]


def _applied(event: Event) -> str:
    changed = f": {event.before} → {event.after}" if event.before != event.after else ""
    return f"{event.outcome}{changed}"


def _confirmed(decision: Decision, event: Event, reply: Event | None, sent: Sent) -> Step:
    if reply is not None:
        why = f" ({reply.note})" if reply.note else ""
        state = "done" if reply.outcome == "sent" else "failed"
        return Step(
            "Confirmation", state, f"{reply.outcome}{why}", reply.applied_us - sent.posted_us
        )
    if event.note or decision.intent not in _ANSWERED:
        return Step("Confirmation", "none", f"none{': ' if event.note else ''}{event.note}")
    return Step("Confirmation", "waits", "it is being sent")


def _given_up(step: Step) -> Step:
    if step.state != "waits":
        return step
    return step._replace(
        state="failed", said="nothing after ten seconds: does its process run? Home says so"
    )


def _reply(events: Sequence[Event], event: Event | None) -> Event | None:
    """What became of the reply to a message."""
    if event is None:
        return None
    found = (
        one for one in reversed(events) if one.kind == "reply" and one.inbox_id == event.inbox_id
    )
    return next(found, None)


def _ordinary(gateway: Gateway, number: str) -> list[tuple[str, Entry]]:
    """The newest texts of a number that asked for nothing."""
    page = gateway.store.trail.page(partition_of(number), "", _REMEMBERED)
    return [(id_, entry) for id_, entry in page if entry.number == number]


def _bubbles(events: Iterable[Event], ordinary: Iterable[tuple[str, Entry]]) -> list[Bubble]:
    events = list(events)
    texted = [
        Bubble(False, one.entry.text, one.received_us, one.entry.message_id)
        for one in events
        if one.entry and one.entry.source == "text"
    ]
    said = [
        Bubble(True, one.reply.text, one.applied_us)
        for one in events
        if one.reply and one.outcome == "sent"
    ]
    plain = [
        Bubble(False, entry.text, ms_of(id_) * 1000, entry.message_id) for id_, entry in ordinary
    ]
    return sorted([*texted, *said, *plain], key=lambda one: one.at_us)
