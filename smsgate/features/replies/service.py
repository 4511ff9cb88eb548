"""Replies that were given up: a person retries or dismisses them."""

from __future__ import annotations

import msgspec

from smsgate import __version__
from smsgate.consent.events import DeadLetter, Event, event_id
from smsgate.consent.send_check import WINDOW_US, late
from smsgate.domain.errors import NoSuchReply, ReplyExpired
from smsgate.domain.messages import Reply
from smsgate.store import Store
from smsgate.store.keys import PARTITIONS, partition_of


def find(store: Store, id_: str) -> DeadLetter:
    """The dead letter of that id. Raises ``NoSuchReply``."""
    partition = id_.partition("-")[0]
    if partition.isdigit() and int(partition) < PARTITIONS:
        for letter in store.outbox.dead(int(partition)):
            if letter.reply.id == id_:
                return letter
    raise NoSuchReply(f"no reply {id_!r} was given up; `smsgate replies list --dead` shows those")


def is_expired(reply: Reply, now_us: int) -> bool:
    """Whether it confirms an opt-out and its deadline is over, so that it can only be dismissed.

    ``now_us`` is on Redis's clock. Too few seconds for a call count as over.
    """
    return reply.kind == "opt_out" and late(reply, now_us)


def retry(store: Store, id_: str, actor: str) -> Reply:
    """Make a dead letter due again; gives the reply.

    The confirmation of an opt-out leaves within five minutes of receipt or not at all, so that
    one keeps its deadline; other replies get a new one. Raises ``NoSuchReply``, ``ReplyExpired``.
    """
    letter = find(store, id_)
    now_us = store.health.now_us()
    reply = msgspec.structs.replace(letter.reply, tries=0, slot_us=0)
    if reply.kind != "opt_out":
        reply = msgspec.structs.replace(reply, deadline_us=now_us + WINDOW_US)
    elif is_expired(reply, now_us):
        raise ReplyExpired(
            f"reply {id_!r} confirms an opt-out and its five minutes are over: it can only be "
            "dismissed (47 CFR 64.1200(a)(12))"
        )
    _take_out(store, letter, _event(letter, "retried", actor, now_us), reply)
    return reply


def dismiss(store: Store, id_: str, actor: str) -> None:
    """Forget a dead letter. Raises ``NoSuchReply``."""
    letter = find(store, id_)
    _take_out(store, letter, _event(letter, "dismissed", actor, store.health.now_us()), None)


def _take_out(store: Store, letter: DeadLetter, event: Event, reply: Reply | None) -> None:
    partition = partition_of(letter.reply.number)
    if not store.outbox.bury(partition, letter.reply.id, event, reply):
        raise NoSuchReply(f"reply {letter.reply.id!r} was taken out by somebody else just now")


def _event(letter: DeadLetter, outcome: str, actor: str, now_us: int) -> Event:
    reply = letter.reply
    return Event(
        id=event_id(now_us // 1000, reply.id, outcome, str(now_us)),
        kind=reply.told_as,
        outcome=outcome,
        number=reply.number,
        program=reply.program,
        inbox_id=reply.answers,
        reply=reply,
        applied_us=now_us,
        note=f"by {actor}; before: {letter.outcome}, {letter.note}",
        software=__version__,
    )
