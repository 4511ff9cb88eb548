"""The audit log: what staff did."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from smsgate.domain.errors import CursorRefused
from smsgate.features.audit.storage import (
    GROUPS,
    AuditEntry,
    AuditFilter,
    AuditLog,
    AuditPlace,
)
from smsgate.interface.list_page import ListPage, Tab
from smsgate.interface.operation import After, Column, Context, Limit, Listing, operation
from smsgate.interface.schemas import SinceTime, UntilTime, micros

_PLACE = re.compile(r"([0-9]{1,17})\.([0-9])\.(.{1,300})", re.ASCII)
Group = Literal[
    "",
    "sign_ins",
    "people",
    "keys",
    "numbers",
    "reviews",
    "replies",
    "lists",
    "exports",
    "keywords",
    "configuration",
    "system",
]


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which actions, newest first."""

    person: Annotated[str, msgspec.Meta(max_length=200, description="Who did it.")] = ""
    group: Annotated[
        Group, msgspec.Meta(description="What was done.", title="Action", extra={"titles": GROUPS})
    ] = ""
    since: SinceTime = None
    until: UntilTime = None
    after: After = ""
    limit: Limit = 50


class AuditPage(msgspec.Struct, frozen=True):
    """One page of the log."""

    items: list[AuditEntry]
    next: str | None


@operation(
    "GET /audit",
    command="audit",
    role="viewer",
    scope="admin",
    example={"group": "exports"},
    listing=Listing(
        (
            Column("at", "When", "time"),
            Column("person", "Person"),
            Column("action", "Action"),
            Column("number", "Number", "number"),
            Column("about", "About"),
            Column("note", "Note", "words"),
            Column("address", "Address"),
        ),
        empty="No activity.",
    ),
)
def read_audit_log(context: Context, request: AuditQuery) -> AuditPage:
    """List what staff did, newest first."""
    wanted = AuditFilter(
        person=request.person.strip(),
        group=request.group,
        since_us=micros(request.since),
        until_us=micros(request.until),
    )
    behind = _place(request.after) if request.after else None
    log = AuditLog(context.services.records.database)
    found = log.page(wanted, behind, request.limit + 1)
    shown = found[: request.limit]
    following = shown[-1][0] if len(found) > len(shown) else None
    return AuditPage(
        [entry for _, entry in shown],
        f"{following.at_us}.{following.source}.{following.id}" if following else None,
    )


def _place(after: str) -> AuditPlace:
    found = _PLACE.fullmatch(after)
    if found is None:
        raise CursorRefused("`after` is not the `next` of a page of the audit log.")
    return AuditPlace(int(found[1]), int(found[2]), found[3])


OPERATIONS = (read_audit_log,)
PAGES = (
    ListPage(
        path="/console/audit",
        title="Audit log",
        operation=read_audit_log,
        tabs=(
            Tab(
                key="all",
                title="Audit log",
                help="Sign-ins, people, keys and exports are logged as they happen. Manual changes "
                "of numbers, review decisions and imports are events of the records and appear "
                "here within a second or so. What programs change by an API key at a number is in "
                "the history of that number. The file’s times are in UTC.",
                empty="Nothing was done yet.",
            ),
        ),
    ),
)
