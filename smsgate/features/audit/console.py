"""The page of the audit log, for admins: it has addresses of staff, and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Flask, Response, render_template, request

from smsgate.features.audit.storage import (
    GROUPS,
    AuditEntry,
    AuditFilter,
    AuditLog,
    AuditPlace,
)
from smsgate.files import csv_line
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import needs, record_action
from smsgate.web.console.listing import DateRange, date_range, filter_note, query_with

AUDIT = "/console/audit"
PAGE_SIZE = 50
_CSV_PAGE = 1_000
_COLUMNS = ("when", "person", "action", "about", "note", "address")
_FILTERS = ("person", "what", "from", "to")
_PLACE = re.compile(r"([0-9]{1,17})\.([0-9])\.(.{1,300})", re.ASCII)


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    log = AuditLog(services.records.database)

    @console.get(AUDIT)
    @needs("admin")
    def audit() -> str:
        """Show a page of what staff did."""
        days = date_range()
        found = log.page(_filter(days), _behind(), PAGE_SIZE + 1)
        entries, is_last = found[:PAGE_SIZE], len(found) <= PAGE_SIZE
        return render_template(
            "audit.html",
            entries=entries,
            older="" if is_last else _text_of(entries[-1].place),
            days=days,
            groups=[("", "All"), *GROUPS.items()],
            people=log.people(),
            query_with=query_with,
        )

    @console.get(f"{AUDIT}/audit.csv")
    @needs("admin")
    def audit_csv() -> Response:
        """Download every entry that the filters let through."""
        wanted = _filter(date_range().checked())
        record_action("exported the audit log", filter_note(_FILTERS) or "all of it")
        return Response(
            _csv_lines(log, wanted),
            mimetype="text/csv",
            headers={"Content-Disposition": "attachment; filename=audit.csv"},
        )


def _filter(days: DateRange) -> AuditFilter:
    group = request.args.get("what", "")
    return AuditFilter(
        person=request.args.get("person", "").strip()[:200],
        group=group if group in GROUPS else "",
        since_us=days.since_us,
        until_us=days.until_us,
    )


def _behind() -> AuditPlace | None:
    found = _PLACE.fullmatch(request.args.get("before", ""))
    return AuditPlace(int(found[1]), int(found[2]), found[3]) if found else None


def _text_of(place: AuditPlace) -> str:
    return f"{place.at_us}.{place.source}.{place.id}"


def _csv_lines(log: AuditLog, wanted: AuditFilter) -> Iterator[str]:
    yield csv_line([*_COLUMNS])
    behind: AuditPlace | None = None
    while entries := log.page(wanted, behind, _CSV_PAGE):
        yield "".join(_csv_row(one) for one in entries)
        behind = entries[-1].place


def _csv_row(one: AuditEntry) -> str:
    when = datetime.fromtimestamp(one.place.at_us // 1_000_000, UTC).isoformat()
    return csv_line([when, one.person, one.action, one.number or one.about, one.note, one.address])
