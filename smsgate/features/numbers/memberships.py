"""Opt-outs, locks and consents that hold, by the records and compared with the store."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from smsgate.consent import decision_text, event_text
from smsgate.consent.events import Event
from smsgate.domain.errors import CursorRefused, StoreNotReady, StoreUnavailable, Unfit
from smsgate.domain.signed_times import time_of
from smsgate.features.numbers.membership_list import (
    SOURCES,
    Membership,
    MembershipFilter,
    MembershipList,
    MembershipPlace,
    held_in_store,
)
from smsgate.interface.list_page import ListPage, Tab
from smsgate.interface.operation import After, Column, Context, Limit, Listing, operation
from smsgate.interface.schemas import SinceTime, UntilTime, micros
from smsgate.pipeline.services import Services
from smsgate.records.projections import MembershipKey

_DIGITS = re.compile("[0-9]{4,7}")
"""A whole number belongs into no address of a page: logs and histories keep those."""
_PLACE = re.compile(r"([0-9]{1,17})\.(\+?[0-9]{1,20})\.([a-z_]{1,16})\.([a-z0-9_-]{1,200})")
_COUNTED_ROWS = 200
"""Longer pages are those of a file, which needs no count on each."""
_SOURCE_TITLES = {"": "Any", **{name: event_text.source(name) for name in SOURCES}}


class MembershipQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which of them, the newest first."""

    scope: Annotated[
        str,
        msgspec.Meta(
            max_length=200, title="Program", description="A program, or `all`: for every program."
        ),
    ] = ""
    state: Annotated[
        Literal["", "opted_out", "locked", "consent"],
        msgspec.Meta(title="Status", description="Opt-outs, locks or consents."),
    ] = ""
    source: Annotated[
        Literal["", "text", "provider", "link", "operator", "api", "import"],
        msgspec.Meta(description="Where it came from.", extra={"titles": _SOURCE_TITLES}),
    ] = ""
    imported: Annotated[
        str,
        msgspec.Meta(
            max_length=1_000, title="Imported from", description="As a list names its source."
        ),
    ] = ""
    since: SinceTime = None
    until: UntilTime = None
    digits: Annotated[
        str,
        msgspec.Meta(
            max_length=40,
            title="Last digits",
            description="The last 4 to 7 digits of the number.",
            extra={"kept_in_logs": 4},
        ),
    ] = ""
    after: After = ""
    limit: Limit = 50


class MembershipRow(msgspec.Struct, frozen=True):
    """An opt-out, a lock or a consent of one number."""

    number: str
    state: str
    scope: str
    since: datetime | None
    source: str
    in_store: Literal["yes", "no", "unknown"]
    """Whether it holds in the store, which decides who can be texted."""
    external_source: str
    reason: str


class MembershipPage(msgspec.Struct, frozen=True):
    """One page of the list."""

    items: list[MembershipRow]
    total: int | None
    """Null above a million, and on pages of more than 200 rows."""
    next: str | None


@operation(
    "GET /memberships",
    command="memberships",
    role="viewer",
    scope="admin",
    example={"state": "opted_out"},
    listing=Listing(
        (
            Column("number", "Number", "number"),
            Column("state", "Status", "name"),
            Column("scope", "Program", "program"),
            Column("since", "Since", "time"),
            Column("reason", "Reason", "words"),
            Column("in_store", "In the store"),
        ),
        empty="No opt-outs, locks or consents.",
    ),
)
def list_memberships(context: Context, request: MembershipQuery) -> MembershipPage:
    """List opt-outs, locks and consents; a number has a row for each."""
    wanted = MembershipFilter(
        state=request.state,
        program=request.scope,
        source=request.source,
        external_source=request.imported.strip(),
        digits=_digits(request.digits),
        since_us=micros(request.since),
        until_us=micros(request.until),
    )
    memberships = MembershipList(context.services.records.database)
    behind = _place(request.after) if request.after else None
    found = memberships.page(wanted, behind, request.limit + 1)
    shown = found[: request.limit]
    origins, held = memberships.origins(shown), _held(context.services, shown)
    count = memberships.count(wanted) if request.limit <= _COUNTED_ROWS else None
    return MembershipPage(
        items=[_row(one, origins.get(one.place), held) for one in shown],
        total=count.count if count and count.is_complete else None,
        next=_text_of(shown[-1].place) if len(found) > len(shown) else None,
    )


def _digits(typed: str) -> str:
    """What was typed, as digits: written with blanks, dashes or brackets or without."""
    digits = re.sub(r"[\s().+-]", "", typed)
    if digits and not _DIGITS.fullmatch(digits):
        raise Unfit("Type the last 4 to 7 digits of the number, and digits only.", field="digits")
    return digits


def _place(after: str) -> MembershipPlace:
    found = _PLACE.fullmatch(after)
    if found is None:
        raise CursorRefused("`after` is not the `next` of a page of this list.")
    return MembershipPlace(int(found[1]), found[2], MembershipKey(found[3], found[4]))


def _text_of(place: MembershipPlace) -> str:
    return f"{place.since_us}.{place.number}.{place.key.state}.{place.key.scope}"


def _held(services: Services, rows: Sequence[Membership]) -> Mapping[MembershipPlace, bool]:
    """By place whether a row holds in the store; nothing where that cannot be told."""
    try:
        return held_in_store(services.store, rows)
    except (StoreUnavailable, StoreNotReady):
        return {}


def _row(
    one: Membership, event: Event | None, held: Mapping[MembershipPlace, bool]
) -> MembershipRow:
    place = one.place
    is_held = held.get(place)
    return MembershipRow(
        number=place.number,
        state=place.key.state,
        scope=place.key.scope,
        since=time_of(place.since_us) if place.since_us else None,
        source=one.source or "unknown",
        reason=_reason(one, event),
        in_store="unknown" if is_held is None else "yes" if is_held else "no",
        external_source=one.external_source,
    )


def _reason(one: Membership, event: Event | None) -> str:
    if not one.source:
        return "unknown"
    source = event_text.source(one.source)
    found = f"imported: {one.external_source}" if one.external_source else source
    entry = event.entry if event else None
    if entry is None:
        return found
    decision = entry.decision
    why = decision.note
    if entry.source == "text":
        why = decision_text.reason(decision.rule, "")  # without a pattern of ours
    by = f" ({entry.actor})" if entry.actor not in ("subscriber", "provider", "") else ""
    return found + (f": {why}" if why else "") + by


def _differing(services: Services, page: MembershipPage) -> Sequence[tuple[str, str]]:  # noqa: ARG001
    states = [one.in_store for one in page.items]
    if "unknown" in states:
        return [("bad", "The store cannot be asked, so these rows come from the records alone.")]
    differing = states.count("no")
    if differing:
        problem = (
            f"{differing} on this page differ from the store, which decides who can be texted. "
            "Usually something just changed: reload the page. If they still differ, run "
            "`smsgate records diff`."
        )
        return [("warn", problem)]
    return []


OPERATIONS = (list_memberships,)
PAGES = (
    ListPage(
        path="/console/suppressions",
        title="Opt-outs and consents",
        operation=list_memberships,
        notices=_differing,
        navigation="part_number_tabs.html",
        tabs=(
            Tab(
                key="all",
                title="Opt-outs and consents",
                help="A number has a row for each opt-out, lock and consent.",
                empty="Opt-outs, locks and consents appear here.",
            ),
        ),
    ),
)
