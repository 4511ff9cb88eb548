"""``GET /v1/refusals``: sends that the gate stopped."""

from __future__ import annotations

from typing import Annotated

import msgspec

from smsgate.store.refusals import CAP, RefusalCount
from smsgate.web.v1.operations import Call, Operation, Outcome
from smsgate.web.v1.schemas import moment


class RefusalsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How many refusals to list, and the days to count."""

    limit: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 100
    days: Annotated[int, msgspec.Meta(ge=1, le=400)] = 30
    """Of how many days the counts are given."""


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


def list_refusals(call: Call) -> Outcome:
    """List the newest refused sends, and count those of each day."""
    refusals, query = call.services.store.refusals, call.query
    may = call.caller.may
    limit = CAP if call.caller.programs else query.limit  # of which some are of other programs
    newest = refusals.newest(limit) if query.limit else []
    newest = [one for one in newest if may(one.program)][: query.limit]
    shown = [
        RefusedSend(one.number, one.program, one.reason, one.by, moment(one.at_ms * 1000))
        for one in newest
    ]
    counts = [one for one in refusals.counts(query.days) if may(one.program)]
    return 200, RefusedSends(shown, counts)


OPERATIONS = (
    Operation(
        method="GET",
        path="/refusals",
        scope="admin",
        summary="Sends that the gate stopped",
        run=list_refusals,
        query=RefusalsQuery,
        answers={200: RefusedSends},
        by_program=True,
    ),
)
