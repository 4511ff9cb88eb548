"""Texts for your own applications that are pending or failed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from smsgate.domain.forwards import Forward, UndeliveredForward
from smsgate.domain.signed_times import time_of
from smsgate.interface.list_page import Action, ListPage, Tab
from smsgate.interface.operation import After, Column, Context, Limit, Listing, operation, page_of
from smsgate.interface.schemas import ProgramName
from smsgate.pipeline import forwards
from smsgate.store.backlog import MOST, BacklogPage


class DeliveryQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which texts, the oldest that wait or the newest failures first."""

    state: Annotated[Literal["pending", "failed"], msgspec.Meta(description="Which list.")] = (
        "pending"
    )
    program: ProgramName = ""
    after: After = ""
    limit: Limit = 50


class Delivery(msgspec.Struct, frozen=True):
    """A text that an application has not accepted."""

    id: str
    at: datetime
    """Since when it waits; of a failed one, when it was given up."""
    number: str
    program: str
    text: str
    intent: str
    outcome: str
    attempts: int
    problem: str


class DeliveryPage(msgspec.Struct, frozen=True):
    """One page of the list. Of more than 2,000, it has those."""

    items: list[Delivery]
    total: int
    next: str | None


class DeliveryChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which text."""

    id: Annotated[str, msgspec.Meta(max_length=200, description="The id that the list shows.")]


class SettledDelivery(msgspec.Struct, frozen=True):
    """The text that was queued again or dismissed."""

    id: str


@operation(
    "GET /deliveries",
    command="deliveries list",
    role="viewer",
    scope="admin",
    by_program=True,
    example={"state": "failed"},
    listing=Listing(
        (
            Column("at", "When", "time"),
            Column("id", "Id"),
            Column("number", "From", "number"),
            Column("program", "Program", "program"),
            Column("text", "Text", "words"),
            Column("attempts", "Attempts"),
            Column("problem", "Reason"),
        ),
        empty="No texts for applications.",
    ),
)
def list_deliveries(context: Context, request: DeliveryQuery) -> DeliveryPage:
    """List the texts that your applications have not accepted yet, or failed to accept."""
    backlog = context.services.store.backlog
    is_failed = request.state == "failed"
    page: BacklogPage[Any] = (backlog.forwards_dead if is_failed else backlog.forwards)(0, MOST)
    may = context.caller.may
    rows = [_row(at_us, one) for at_us, one in page.found]
    fitting = [one for one in rows if may(one.program) and request.program in ("", one.program)]
    shown, following = page_of(fitting, request.after, request.limit)
    return DeliveryPage(
        shown,
        page.total if len(fitting) == len(rows) else len(fitting),
        following,
    )


def _row(at_us: int, one: Forward | UndeliveredForward) -> Delivery:
    forward = one.forward if isinstance(one, UndeliveredForward) else one
    entry = forward.entry
    return Delivery(
        id=forward.id,
        at=time_of(at_us),
        number=entry.number,
        program=entry.program,
        text=entry.text,
        intent=entry.decision.intent.value,
        outcome=forward.outcome,
        attempts=forward.tries,
        problem=one.note,
    )


@operation(
    "POST /deliveries/<id>/retry",
    command="deliveries retry <id>",
    role="agent",
    status=202,
    example={"id": "3-1795534079000-000000"},
    audit="retried a message",
    done="Text {id} queued again.",
    problems={404: "No failed text has that id."},
)
def retry_delivery(context: Context, request: DeliveryChoice) -> SettledDelivery:
    """Try a failed text for another day."""
    forwards.retry(context.services.store, request.id, context.actor())
    return SettledDelivery(request.id)


@operation(
    "POST /deliveries/<id>/dismiss",
    command="deliveries dismiss <id>",
    role="agent",
    status=202,
    example={"id": "3-1795534079000-000000"},
    audit="dismissed a message",
    done="Text {id} dismissed.",
    problems={404: "No failed text has that id."},
)
def dismiss_delivery(context: Context, request: DeliveryChoice) -> SettledDelivery:
    """Remove a failed text from the list. Its events stay."""
    forwards.dismiss(context.services.store, request.id, context.actor())
    return SettledDelivery(request.id)


OPERATIONS = (list_deliveries, retry_delivery, dismiss_delivery)
PAGES = (
    ListPage(
        path="/console/deliveries",
        title="Deliveries",
        operation=list_deliveries,
        tabs=(
            Tab(
                key="pending",
                title="Pending deliveries",
                values={"state": "pending"},
                hidden=frozenset({"id"}),
                help="Texts waiting for your own applications.",
                empty="No text is waiting for your applications.",
            ),
            Tab(
                key="dead",
                title="Failed deliveries",
                values={"state": "failed"},
                hidden=frozenset({"id"}),
                help="Texts that an application did not accept for a day. Retry tries for another "
                "day. Dismiss removes the text from this list and keeps the record.",
                empty="Your applications accepted every text.",
                actions=(
                    Action(operation=retry_delivery, label="Retry", done="Queued again"),
                    Action(
                        operation=dismiss_delivery,
                        label="Dismiss",
                        done="Dismissed",
                        is_danger=True,
                    ),
                ),
            ),
        ),
    ),
)
