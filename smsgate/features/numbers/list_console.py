"""The page of opt-outs, locks and consents, and its download."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Flask, Response, render_template, request

from smsgate.consent import decision_text, event_text
from smsgate.domain.errors import StoreNotReady, StoreUnavailable, Unfit
from smsgate.domain.messages import ALL
from smsgate.features.numbers.membership_list import (
    SOURCES,
    STATES,
    Membership,
    MembershipFilter,
    MembershipList,
    MembershipPlace,
    held_in_store,
)
from smsgate.files import csv_line
from smsgate.pipeline.services import Services
from smsgate.records.projections import MembershipKey
from smsgate.web.console.auth import needs, record_action
from smsgate.web.console.listing import DateRange, date_range, filter_note, query_with

LIST = "/console/suppressions"
PAGE_SIZE = 50
LEAST_DIGITS, MOST_DIGITS = 4, 7
"""A whole number belongs into no address of a page: logs and histories keep those."""
STATE_TITLES = {"opted_out": "Opted out", "locked": "Locked", "consent": "Consent"}
_CSV_PAGE = 1_000
MOST_SUGGESTED = 100
"""External sources that the field of the filter suggests."""
_FILTERS = ("program", "state", "source", "imported", "from", "to", "digits")
_COLUMNS = ("number", "state", "scope", "since", "source", "in_store", "external_source")
_MAX_FILTER_CHARS = 1_000
_PLACE = re.compile(r"([0-9]{1,17})\.(\+?[0-9]{1,20})\.([a-z_]{1,16})\.([a-z0-9_-]{1,200})")


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    memberships = MembershipList(services.records.database)

    @console.get(LIST)
    @needs("viewer")
    def suppressions() -> str:
        """Show a page of the list, with its total."""
        days, problem = date_range(), _digits_problem()
        wanted = _filter(services, days)
        found = [] if problem else memberships.page(wanted, _behind(), PAGE_SIZE + 1)
        rows, is_last = found[:PAGE_SIZE], len(found) <= PAGE_SIZE
        held, store_problem = _held(services, rows)
        titles = {one.name: one.title for one in services.settings.programs}
        return render_template(
            "memberships.html",
            rows=rows,
            total=None if problem else memberships.count(wanted),
            origins=memberships.origins(rows),
            held=held,
            differing=sum(not one for one in held.values()),
            store_problem=store_problem,
            digits_problem=problem,
            older="" if is_last else _text_of(rows[-1].place),
            days=days,
            titles=titles,
            program_options=[
                ("", "All"),
                (ALL, "All programs"),
                *titles.items(),
            ],
            states=STATE_TITLES,
            state_options=[("", "All"), *STATE_TITLES.items()],
            external_sources=memberships.external_sources(MOST_SUGGESTED),
            source_options=[("", "All"), *((name, event_text.source(name)) for name in SOURCES)],
            all=ALL,
            event_text=event_text,
            decision_text=decision_text,
            query_with=query_with,
        )

    @console.get(f"{LIST}/suppressions.csv")
    @needs("agent")
    def suppressions_csv() -> Response:
        """Download every row that the filters let through."""
        if problem := _digits_problem():
            raise Unfit(problem)
        wanted = _filter(services, date_range().checked())
        # Of a number the log keeps the last four digits.
        note = filter_note(_FILTERS, digits=_digits()[-LEAST_DIGITS:])
        record_action("exported opt-outs and consents", note or "all of them")
        return Response(
            _csv_lines(services, memberships, wanted),
            mimetype="text/csv",
            headers={"Content-Disposition": "attachment; filename=opt-outs-and-consents.csv"},
        )


def _filter(services: Services, days: DateRange) -> MembershipFilter:
    state, program, source = (request.args.get(name, "") for name in ("state", "program", "source"))
    known = {ALL, *(one.name for one in services.settings.programs)}
    return MembershipFilter(
        state=state if state in STATES else "",
        program=program if program in known else "",
        source=source if source in SOURCES else "",
        external_source=request.args.get("imported", "").strip()[:_MAX_FILTER_CHARS],
        digits=_digits(),
        since_us=days.since_us,
        until_us=days.until_us,
    )


def _digits() -> str:
    """What was typed, as digits: written with blanks, dashes or brackets or without."""
    return re.sub(r"[\s().+-]", "", request.args.get("digits", "")[:40])


def _digits_problem() -> str:
    digits = _digits()
    if not digits or re.fullmatch(f"[0-9]{{{LEAST_DIGITS},{MOST_DIGITS}}}", digits):
        return ""
    return f"Type the last {LEAST_DIGITS} to {MOST_DIGITS} digits of the number, and digits only."


def _behind() -> MembershipPlace | None:
    found = _PLACE.fullmatch(request.args.get("before", ""))
    if found is None:
        return None
    return MembershipPlace(int(found[1]), found[2], MembershipKey(found[3], found[4]))


def _text_of(place: MembershipPlace) -> str:
    return f"{place.since_us}.{place.number}.{place.key.state}.{place.key.scope}"


def _held(services: Services, rows: list[Membership]) -> tuple[dict[MembershipPlace, bool], str]:
    """By place whether a row holds in the store, or why that cannot be told."""
    try:
        return held_in_store(services.store, rows), ""
    except (StoreUnavailable, StoreNotReady) as error:
        return {}, str(error).rstrip(".")


def _csv_lines(
    services: Services, memberships: MembershipList, wanted: MembershipFilter
) -> Iterator[str]:
    yield csv_line([*_COLUMNS])
    behind: MembershipPlace | None = None
    while rows := memberships.page(wanted, behind, _CSV_PAGE):
        held, _ = _held(services, rows)
        yield "".join(_csv_row(one, held.get(one.place)) for one in rows)
        behind = rows[-1].place


def _csv_row(one: Membership, is_held: bool | None) -> str:
    place = one.place
    since = ""
    if place.since_us:
        since = datetime.fromtimestamp(place.since_us // 1_000_000, UTC).isoformat()
    in_store = "unknown" if is_held is None else "yes" if is_held else "no"
    source = one.source or "unknown"
    state, scope = place.key
    return csv_line([place.number, state, scope, since, source, in_store, one.external_source])
