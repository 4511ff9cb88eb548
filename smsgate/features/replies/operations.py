"""Replies that are pending or failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from smsgate import event_text
from smsgate.consent.events import DeadLetter
from smsgate.consent.rules import late
from smsgate.domain.errors import NotFound
from smsgate.domain.messages import REPLY_WINDOW_US, Reply
from smsgate.domain.signed_times import time_of
from smsgate.interface.list_page import Action, ListPage
from smsgate.interface.operation import (
    HIDDEN,
    After,
    Column,
    Context,
    Limit,
    RowPage,
    operation,
    page_of,
)
from smsgate.interface.schemas import ChangedRow, ProgramName, RowChoice
from smsgate.monitoring.conditions import reply_problems
from smsgate.pipeline.send import reply_event
from smsgate.store.inbox import JobQueue
from smsgate.store.keys import PARTITIONS, partition_of
from smsgate.store.store import Store


class ReplyQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which replies, newest failures or first due first."""

    state: Annotated[Literal["pending", "failed"], msgspec.Meta(description="Which list.")] = (
        "pending"
    )
    program: ProgramName = ""
    after: After = ""
    limit: Limit = 50


class ReplyRow(msgspec.Struct, frozen=True):
    """A reply that waits, or that was given up."""

    id: str
    at: Annotated[datetime, Column("When")]
    """When it is due; of a failed one, when it was given up."""
    number: Annotated[str, Column("To")]
    program: str
    kind: str
    language: Annotated[str, HIDDEN]
    text: Annotated[str, Column(kind="words")]
    """Empty before the first attempt."""
    attempts: int
    expires: datetime
    outcome: Annotated[str, Column(kind="problem")]
    """Of a failed one."""
    problem: Annotated[str, Column("Reason", "text")]
    can_retry: Annotated[bool, HIDDEN]
    """Whether it could still leave in time; of a failed one."""


@operation(
    "GET /replies",
    command="replies list",
    role="viewer",
    scope="admin",
    by_program=True,
    example={"state": "failed"},
    empty="No replies.",
)
def list_replies(context: Context, request: ReplyQuery, store: Store) -> RowPage[ReplyRow]:
    """List the replies that wait to be sent, or those that failed: 2,000 at most."""
    unsent, now_us = store.unsent_replies, store.health.now_us()
    total, found = unsent.failed() if request.state == "failed" else unsent.pending()
    rows = [_row(at_us, one, now_us) for at_us, one in found]
    fitting = [
        one
        for one in rows
        if context.caller.may(one.program) and request.program in ("", one.program)
    ]
    shown, following = page_of(fitting, request.after, request.limit)
    is_narrowed = context.caller.programs or request.program
    return RowPage(shown, len(fitting) if is_narrowed else total, following)


def _row(at_us: int, one: Reply | DeadLetter, now_us: int) -> ReplyRow:
    reply = one.reply if isinstance(one, DeadLetter) else one
    return ReplyRow(
        id=reply.id,
        at=time_of(at_us),
        number=reply.number,
        program=reply.program,
        kind=event_text.reply_title(reply.kind),
        language=reply.language,
        text=reply.text,
        attempts=reply.tries,
        expires=time_of(reply.deadline_us),
        outcome=event_text.sent(one.outcome) if isinstance(one, DeadLetter) else "",
        problem=one.note if isinstance(one, DeadLetter) else reply.problem,
        can_retry=not _is_expired(reply, now_us),
    )


@operation(
    "POST /replies/<id>/retry",
    command="replies retry <id>",
    role="agent",
    status=202,
    example={"id": "3-1795534079000-0"},
    audit="retried a reply",
    done="Reply {id} queued again.",
    problems={404: "No failed reply has that id, or its time is over."},
)
def retry_reply(
    context: Context, request: RowChoice, store: Store, job_queue: JobQueue
) -> ChangedRow:
    """Send a failed reply again.

    The confirmation of an opt-out leaves within five minutes of the text or not at all, so an
    older one can only be dismissed.
    """
    letter, now_us = _find(store, request), store.health.now_us()
    reply = msgspec.structs.replace(letter.reply, tries=0, slot_us=0)
    if not reply.number:
        raise NotFound("Not sent: this reply cannot be read, so it can only be dismissed.")
    if reply.kind != "opt_out":
        reply = msgspec.structs.replace(reply, deadline_us=now_us + REPLY_WINDOW_US)
    elif _is_expired(reply, now_us):
        raise NotFound(
            "Not sent: an opt-out confirmation older than five minutes can only be dismissed "
            "(47 CFR 64.1200(a)(12))."
        )
    changed = _settle(context, store, letter, "retried", now_us, reply)
    job_queue.notify_outboxes([partition_of(reply.number)])
    return changed


@operation(
    "POST /replies/<id>/dismiss",
    command="replies dismiss <id>",
    role="agent",
    status=202,
    example={"id": "3-1795534079000-0"},
    audit="dismissed a reply",
    done="Reply {id} dismissed.",
    problems={404: "No failed reply has that id."},
)
def dismiss_reply(context: Context, request: RowChoice, store: Store) -> ChangedRow:
    """Remove a failed reply from the list. Its events stay."""
    letter = _find(store, request)
    return _settle(context, store, letter, "dismissed", store.health.now_us(), None)


def _is_expired(reply: Reply, now_us: int) -> bool:
    """Whether it can only be dismissed: the confirmation of an opt-out past its deadline.

    So is a reply that cannot be read. ``now_us`` is on Redis's clock. Too few seconds for a call
    count as over.
    """
    return (reply.kind == "opt_out" and late(reply, now_us)) or not reply.number


def _find(store: Store, request: RowChoice) -> DeadLetter:
    partition = request.id.partition("-")[0]
    if partition.isdecimal() and partition.isascii() and int(partition) < PARTITIONS:
        for letter in store.unsent_replies.dead(int(partition)):
            if letter.reply.id == request.id:
                return letter
    raise NotFound(
        f"Nothing was changed: no failed reply has the id {request.id!r}. Maybe someone else "
        "retried or dismissed it first."
    )


def _settle(
    context: Context,
    store: Store,
    letter: DeadLetter,
    outcome: str,
    now_us: int,
    again: Reply | None,
) -> ChangedRow:
    """Replace the letter by its event, and by the reply ``again`` that is due, if there is one."""
    reply = letter.reply
    note = f"by {context.actor()}; before: {letter.outcome}, {letter.note}"
    event = reply_event(reply, outcome, note, now_us, str(now_us))
    partition = int(reply.id.partition("-")[0])
    if not store.unsent_replies.settle_dead(partition, reply.id, event, again):
        raise NotFound("Nothing was changed: someone else retried or dismissed it first.")
    return ChangedRow(reply.id)


def _failing(_: RowPage[ReplyRow], store: Store) -> Sequence[tuple[str, str]]:
    problems = reply_problems(store.backlog.read())
    return [("bad", f"Replies are not accepted: {one}.") for one in problems.values()]


OPERATIONS = (list_replies, retry_reply, dismiss_reply)
PAGES = (
    ListPage(
        path="/console/replies",
        title="Replies",
        operation=list_replies,
        notices=_failing,
        help="Confirmations, help messages and questions that wait to be sent, or that were "
        "refused, too late, or possibly sent. An opt-out confirmation is sent within five minutes "
        "or not at all; an older one can only be dismissed. Retry queues a failed reply again. "
        "Dismiss removes it from this list and keeps the record.",
        actions=(
            Action(operation=retry_reply, label="Retry", done="Queued again", state="failed"),
            Action(
                operation=dismiss_reply,
                label="Dismiss",
                done="Dismissed",
                is_danger=True,
                state="failed",
            ),
        ),
    ),
)
