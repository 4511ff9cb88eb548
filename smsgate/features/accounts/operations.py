"""The doctor, and sends that the gate refused."""

from __future__ import annotations

from typing import Annotated

import msgspec

from smsgate.features.accounts.doctor import Doctor, DoctorResult
from smsgate.interface.operation import Column, Context, operation
from smsgate.interface.schemas import moment
from smsgate.store.refusals import CAP, RefusalCount
from smsgate.store.store import Store


class DoctorQuery(msgspec.Struct, forbid_unknown_fields=True):
    """What to check."""

    account: Annotated[
        str, msgspec.Meta(max_length=200, description="One account, at its provider too.")
    ] = ""
    monitor: Annotated[
        bool, msgspec.Meta(description="Problems only; exit code 1 for warnings too.")
    ] = False


class DoctorReport(msgspec.Struct, frozen=True):
    """The results, the worst first."""

    results: list[DoctorResult]
    exit_code: int = 0
    """Of the command: 2 if something of smsgate is wrong, 1 if something of the account is."""


def _printed(report: DoctorReport) -> str:
    lines = []
    for one in report.results:
        lines.append(f"{one.state:>7}  {one.subject}: {one.text}")
        if one.state != "ok" and one.remedy:
            lines.append(f"         → {one.remedy}")
    return "\n".join(lines) or "All clear."


@operation(
    "GET /doctor",
    command="doctor <account>",
    role="viewer",
    scope="admin",
    example={"account": "twilio"},
    problems={404: "No account has that name."},
    text=_printed,
    exit_code=lambda report: report.exit_code,
)
def doctor(_: Context, request: DoctorQuery, checks: Doctor) -> DoctorReport:
    """Check everything, or one account, and name each problem with its remedy.

    Exit code 2 if something of smsgate is wrong, 1 if something of the account is.
    """
    name = request.account
    found = [*checks.check_account(name)] if name else checks.check_everything()
    states = {one.state for one in found}
    code = (1 if name else 2) if "fault" in states else 0
    if request.monitor:
        found = [one for one in found if one.state != "ok"]
        code = code or ("warning" in states) + 0
    return DoctorReport(found, code)


class RefusalsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How many refusals to list, and the days to count."""

    limit: Annotated[int, msgspec.Meta(ge=0, le=1_000, description="How many to list.")] = 100
    days: Annotated[
        int, msgspec.Meta(ge=1, le=400, description="Of how many days the counts are given.")
    ] = 30


class RefusedSend(msgspec.Struct, frozen=True):
    """One text that was not sent."""

    at: Annotated[str | None, Column("When")]
    number: str
    """Masked, as in logs."""
    program: str
    reason: str
    by: Annotated[str, Column("Sent by")]
    """Who wanted to send: ``twilio``, ``requests``, ``api`` …"""


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
    empty="The gate blocked no sends.",
)
def list_refusals(context: Context, request: RefusalsQuery, store: Store) -> RefusedSends:
    """List the newest refused sends, and count those of each day."""
    refusals, may = store.refusals, context.caller.may
    limit = CAP if context.caller.programs else request.limit  # of which some are of other programs
    newest = refusals.newest(limit) if request.limit else []
    newest = [one for one in newest if may(one.program)][: request.limit]
    shown = [
        RefusedSend(moment(one.at_ms * 1000), one.number, one.program, one.reason, one.by)
        for one in newest
    ]
    counts = [one for one in refusals.counts(request.days) if may(one.program)]
    return RefusedSends(shown, counts)


OPERATIONS = (doctor, list_refusals)
