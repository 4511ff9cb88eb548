"""Sends that the gate refused."""

from __future__ import annotations

from typing import Annotated

import msgspec

from smsgate.interface.operation import Column, Context, Listing, operation
from smsgate.interface.schemas import moment
from smsgate.store.refusals import CAP, RefusalCount


class RefusalsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How many refusals to list, and the days to count."""

    limit: Annotated[int, msgspec.Meta(ge=0, le=1_000, description="How many to list.")] = 100
    days: Annotated[
        int, msgspec.Meta(ge=1, le=400, description="Of how many days the counts are given.")
    ] = 30


class RefusedSend(msgspec.Struct, frozen=True):
    """One text that was not sent."""

    number: str
    """Masked, as in logs."""
    program: str
    reason: str
    by: str
    """Who wanted to send: ``twilio``, ``requests``, ``api`` …"""
    at: str | None


class RefusedSends(msgspec.Struct, frozen=True):
    """The newest refusals, newest first, and the counts of each day."""

    refusals: list[RefusedSend]
    counts: list[RefusalCount]


@operation(
    "GET /refusals",
    command="refusals",
    role="viewer",
    scope="admin",
    by_program=True,
    example={"days": 7},
    listing=Listing(
        (
            Column("at", "When"),
            Column("number", "Number"),
            Column("program", "Program", "program"),
            Column("reason", "Reason"),
            Column("by", "Sent by"),
        ),
        rows="refusals",
        empty="The gate blocked no sends.",
    ),
)
def list_refusals(context: Context, request: RefusalsQuery) -> RefusedSends:
    """List the newest refused sends, and count those of each day."""
    refusals, may = context.services.store.refusals, context.caller.may
    limit = CAP if context.caller.programs else request.limit  # of which some are of other programs
    newest = refusals.newest(limit) if request.limit else []
    newest = [one for one in newest if may(one.program)][: request.limit]
    shown = [
        RefusedSend(one.number, one.program, one.reason, one.by, moment(one.at_ms * 1000))
        for one in newest
    ]
    counts = [one for one in refusals.counts(request.days) if may(one.program)]
    return RefusedSends(shown, counts)


OPERATIONS = (list_refusals,)
