"""Deliveries that the operator's own programs have not accepted yet, or failed to accept."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from smsgate import event_text
from smsgate.domain.errors import NotFound, StoreUnavailable
from smsgate.domain.signed_times import time_of
from smsgate.interface.list_page import Action, ListPage
from smsgate.interface.operation import After, Column, Context, Limit, RowPage, offset_of, operation
from smsgate.interface.schemas import ChangedRow, ProgramName, RowChoice
from smsgate.records import Records
from smsgate.records.deliveries import Delivery
from smsgate.store.store import Store

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class DeliveryQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which deliveries, oldest first."""

    state: Annotated[Literal["pending", "failed"], msgspec.Meta(description="Which list.")] = (
        "pending"
    )
    program: ProgramName = ""
    kind: Annotated[
        Literal["", "text", "change"], msgspec.Meta(description="Texts, or changes of consent.")
    ] = ""
    after: After = ""
    limit: Limit = 50


class DeliveryRow(msgspec.Struct, frozen=True):
    """A text or a change of consent that was not accepted."""

    id: str
    at: Annotated[datetime, Column("Waiting since")]
    number: str
    program: str
    kind: str
    content: Annotated[str, Column(kind="words")]
    """The text; of a change, why the number may not be texted, or that it may."""
    attempts: int
    next_attempt: datetime | None
    """None where it failed."""
    problem: Annotated[str, Column("Reason", "text")]


@operation(
    "GET /deliveries",
    command="deliveries list",
    role="viewer",
    scope="admin",
    by_program=True,
    example={"state": "failed"},
    empty="No deliveries.",
)
def list_deliveries(
    context: Context, request: DeliveryQuery, records: Records
) -> RowPage[DeliveryRow]:
    """List the texts and changes of consent that your own programs have not accepted."""
    first = offset_of(request.after)
    found, total = records.deliveries.page(
        failed=request.state == "failed",
        program=request.program,
        kind=request.kind,
        among=context.caller.programs,
        first=first,
        limit=request.limit,
    )
    end = first + request.limit
    return RowPage([*map(_row, found)], total, str(end) if end < total else None)


def _row(one: Delivery) -> DeliveryRow:
    body = _decode(one.body)
    change = body.get("data", {})
    return DeliveryRow(
        id=one.id,
        at=time_of(one.made_us),
        number=one.number,
        program=one.program,
        kind=one.kind,
        content=body["entry"].get("text", "") if one.kind == "text" else _change_text(change),
        attempts=one.tries,
        next_attempt=None if one.failed else time_of(max(one.due_us, one.made_us)),
        problem=one.note,
    )


def _change_text(change: Mapping[str, Any]) -> str:
    count = len(change.get("numbers", ()))
    return (f"{count:,} numbers of a list: " if count else "") + event_text.reason(change["reason"])


@operation(
    "POST /deliveries/<id>/retry",
    command="deliveries retry <id>",
    role="agent",
    status=202,
    example={"id": "019abc4e-0000-7000-8000-000000000000"},
    audit="retried a delivery",
    done="Delivery {id} queued again.",
    problems={404: "No failed delivery has that id."},
)
def retry_delivery(
    context: Context, request: RowChoice, store: Store, records: Records
) -> ChangedRow:
    """Try a failed delivery for another day."""
    return _only(request, _retry(context, [request], store, records))


def _retry(
    _: Context, requests: Sequence[RowChoice], store: Store, records: Records
) -> list[RowChoice]:
    found = records.deliveries.retry([one.id for one in requests], time.time_ns() // 1000)
    return _settled(requests, found, store, records)


@operation(
    "POST /deliveries/<id>/dismiss",
    command="deliveries dismiss <id>",
    role="agent",
    status=202,
    example={"id": "019abc4e-0000-7000-8000-000000000000"},
    audit="dismissed a delivery",
    done="Delivery {id} dismissed.",
    problems={404: "No failed delivery has that id."},
)
def dismiss_delivery(
    context: Context, request: RowChoice, store: Store, records: Records
) -> ChangedRow:
    """Remove a failed delivery from the list. Its event stays."""
    return _only(request, _dismiss(context, [request], store, records))


def _dismiss(
    _: Context, requests: Sequence[RowChoice], store: Store, records: Records
) -> list[RowChoice]:
    found = records.deliveries.dismiss([one.id for one in requests])
    return _settled(requests, found, store, records)


def _settled(
    requests: Sequence[RowChoice], changed: Collection[str], store: Store, records: Records
) -> list[RowChoice]:
    with suppress(StoreUnavailable):  # the process ``sender`` counts again in a moment
        store.delivery_counts.write(records.deliveries.counts())
    return [one for one in requests if one.id in changed]


def _only(request: RowChoice, changed: Sequence[RowChoice]) -> ChangedRow:
    if not changed:
        raise NotFound(f"Nothing was changed: no failed delivery has the id {request.id!r}.")
    return ChangedRow(request.id)


OPERATIONS = (list_deliveries, retry_delivery, dismiss_delivery)
PAGES = (
    ListPage(
        path="/console/deliveries",
        title="Deliveries",
        operation=list_deliveries,
        help="Texts and changes of consent that wait for your own programs, or that these did not "
        "accept for a day. Retry tries a failed one for another day. Dismiss removes it from this "
        "list and keeps the record.",
        actions=(
            Action(
                operation=retry_delivery,
                many=_retry,
                label="Retry",
                done="Queued again",
                state="failed",
            ),
            Action(
                operation=dismiss_delivery,
                many=_dismiss,
                label="Dismiss",
                done="Dismissed",
                is_danger=True,
                state="failed",
            ),
        ),
    ),
)
