"""Replies that were given up (dead letters): a person retries or dismisses them."""

from __future__ import annotations

import msgspec

from smsgate import __version__
from smsgate.consent.events import DeadLetter, Event, event_id
from smsgate.consent.transitions import late
from smsgate.domain.errors import NoSuchReply, ReplyExpired
from smsgate.domain.messages import REPLY_WINDOW_US, Reply
from smsgate.pipeline.services import Services
from smsgate.store.keys import PARTITIONS, partition_of
from smsgate.store.store import Store


def is_expired(reply: Reply, now_us: int) -> bool:
    """Whether it can only be dismissed: the confirmation of an opt-out past its deadline.

    So is a reply that cannot be read. ``now_us`` is on Redis's clock. Too few seconds for a call
    count as over.
    """
    return (reply.kind == "opt_out" and late(reply, now_us)) or not reply.number


def retry_reply(services: Services, id_: str, actor: str) -> None:
    """Make a dead letter due again.

    The confirmation of an opt-out leaves within five minutes of receipt or not at all, so it keeps
    its deadline; other replies get a new one. Raises ``NoSuchReply``, ``ReplyExpired``.
    """
    store = services.store
    letter, now_us = _find(store, id_), store.health.now_us()
    reply = msgspec.structs.replace(letter.reply, tries=0, slot_us=0)
    if not reply.number:
        raise ReplyExpired("Not sent: this reply cannot be read, so it can only be dismissed.")
    if reply.kind != "opt_out":
        reply = msgspec.structs.replace(reply, deadline_us=now_us + REPLY_WINDOW_US)
    elif is_expired(reply, now_us):
        raise ReplyExpired(
            "Not sent: an opt-out confirmation older than five minutes can only be dismissed "
            "(47 CFR 64.1200(a)(12))."
        )
    _settle(store, letter, "retried", actor, now_us, reply)
    services.job_queue.notify_outboxes([partition_of(reply.number)])


def dismiss_reply(services: Services, id_: str, actor: str) -> None:
    """Delete a dead letter. Raises ``NoSuchReply``."""
    store = services.store
    _settle(store, _find(store, id_), "dismissed", actor, store.health.now_us(), None)


def _find(store: Store, id_: str) -> DeadLetter:
    partition = id_.partition("-")[0]
    if partition.isdecimal() and partition.isascii() and int(partition) < PARTITIONS:
        for letter in store.unsent_replies.dead(int(partition)):
            if letter.reply.id == id_:
                return letter
    raise NoSuchReply(
        f"Nothing was changed: no failed reply has the id {id_!r}. Maybe someone else retried or "
        "dismissed it first."
    )


def _settle(
    store: Store, letter: DeadLetter, outcome: str, actor: str, now_us: int, again: Reply | None
) -> None:
    """Replace the letter by its event, and by the reply ``again`` that is due, if there is one."""
    reply = letter.reply
    event = Event(
        id=event_id(now_us // 1000, reply.id, outcome, str(now_us)),
        kind=reply.event_kind,
        outcome=outcome,
        number=reply.number,
        program=reply.program,
        inbox_id=reply.answers,
        reply=reply,
        applied_us=now_us,
        note=f"by {actor}; before: {letter.outcome}, {letter.note}",
        software=__version__,
    )
    partition = int(reply.id.partition("-")[0])
    if not store.unsent_replies.settle_dead(partition, reply.id, event, again):
        raise NoSuchReply("Nothing was changed: someone else retried or dismissed it first.")
