"""Opt-outs, locks and consents, newest first, by the records, which are a second behind at most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection, Row, Select, exists, func, literal, select, tuple_
from sqlalchemy import text as sql

from smsgate import event_text
from smsgate.consent.events import CONSENT, EXCEPTION, LOCKED, OPTED_OUT, Event, MembershipKey
from smsgate.consent.list_import import event_for
from smsgate.domain.errors import CursorRefused, Unfit
from smsgate.domain.messages import ALL
from smsgate.domain.signed_times import time_of
from smsgate.interface.list_page import ListPage
from smsgate.interface.operation import HIDDEN, After, Column, Context, Limit, RowPage, operation
from smsgate.interface.schemas import SinceTime, UntilTime, micros
from smsgate.process.published_programs import check_program
from smsgate.records import Records
from smsgate.records.database import Database, lookup
from smsgate.records.projections import TAIL
from smsgate.records.reader import EVENTS, recorded_of
from smsgate.records.tables import FROM_OUTSIDE, events, links, memberships
from smsgate.settings import Program, Settings

STATES = (OPTED_OUT, LOCKED, CONSENT)
SOURCES = ("text", "provider", "link", "operator", "api", "import")
COUNTED = 100_000
"""Rows of a state and scope that are counted at most, so that a count takes a bounded time."""
_COUNTED_ROWS = 200
"""Longer pages are those of a file, which needs no count on each."""
_PLACES_AT_ONCE = 400
_DIGITS = re.compile("[0-9]{4,7}")
"""A whole number belongs into no address of a page: logs and histories keep those."""
_PLACE = re.compile(r"([0-9]{1,17})\.(\+?[0-9]{1,20})\.([a-z_]{1,16})\.([a-z0-9_-]{1,200})")
"""The last row of a page: since when, number, state and scope."""
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
        ),
    ] = ""
    after: After = ""
    limit: Limit = 50


class MembershipRow(msgspec.Struct, frozen=True):
    """An opt-out, a lock or a consent of one number."""

    number: str
    state: Annotated[str, Column("Status", "name")]
    scope: Annotated[str, Column("Program", "program")]
    since: datetime | None
    source: Annotated[str, HIDDEN]
    external_source: Annotated[str, HIDDEN]
    reason: Annotated[str, Column(kind="words")]


@operation(
    "GET /memberships",
    command="memberships",
    role="viewer",
    scope="admin",
    example={"state": "opted_out"},
    empty="No opt-outs, locks or consents.",
)
def list_memberships(
    _: Context, request: MembershipQuery, settings: Settings, records: Records
) -> RowPage[MembershipRow]:
    """List opt-outs, locks and consents; a number has a row for each.

    ``total`` is null above 100,000, and on pages of more than 200 rows.
    """
    if request.scope not in ("", ALL):
        check_program(settings, request.scope)
    digits = re.sub(r"[\s().+-]", "", request.digits)
    if digits and not _DIGITS.fullmatch(digits):
        raise Unfit("Type the last 4 to 7 digits of the number, and digits only.", field="digits")
    wanted = msgspec.structs.replace(request, digits=digits, imported=request.imported.strip())
    database, keys = records.database, keys_of(wanted, settings.programs)
    if database.absent:
        return RowPage([], 0)
    with database.reading() as connection:
        found = read_page(connection, keys, wanted, request.limit + 1)
        shown = found[: request.limit]
        origins = _origins(connection, shown)
        total = count(connection, keys, wanted) if request.limit <= _COUNTED_ROWS else None
    return RowPage(
        items=[_row(one, origins.get((one.partition, one.seq))) for one in shown],
        total=total,
        next=_place_of(shown[-1]) if len(found) > len(shown) else None,
    )


def read_page(
    connection: Connection, keys: Sequence[MembershipKey], wanted: MembershipQuery, limit: int
) -> list[Row[Any]]:
    """At most ``limit`` rows behind the place that is asked for, newest first.

    Raises ``CursorRefused``.
    """
    behind, found = _PLACE.fullmatch(wanted.after), list[Row[Any]]()
    if wanted.after and not behind:
        raise CursorRefused("`after` is not the `next` of a page of this list.")
    for key in keys:
        asked = _filtered(wanted, key, select(memberships))
        if behind:
            mine = tuple_(memberships.c.since_us, memberships.c.number)
            last = tuple_(literal(int(behind[1])), literal(behind[2]))
            is_later_key = key > MembershipKey(behind[3], behind[4])
            asked = asked.where(mine <= last if is_later_key else mine < last)
        newest = (memberships.c.since_us.desc(), memberships.c.number.desc())
        found += connection.execute(asked.order_by(*newest).limit(limit))
    # Stable: rows of one moment and number stay in the order of their keys.
    found.sort(key=lambda one: (one.since_us, one.number), reverse=True)
    return found[:limit]


def count(
    connection: Connection, keys: Sequence[MembershipKey], wanted: MembershipQuery
) -> int | None:
    """How many rows all pages have together; None where they are too many to be counted."""
    total = 0
    for key in keys:
        some = _filtered(wanted, key, select(literal(1)).select_from(memberships))
        rows = select(func.count()).select_from(some.limit(COUNTED).subquery())
        counted = connection.scalar(rows) or 0
        if counted == COUNTED:
            return None
        total += counted
    return total


def keys_of(wanted: MembershipQuery, programs: Iterable[Program]) -> list[MembershipKey]:
    """The states and scopes that a filter is about, in their order."""
    every = {name for one in programs for name in (one.name, *one.formerly)}
    named = {wanted.scope} if wanted.scope else every
    scopes = {OPTED_OUT: {ALL, *named}, LOCKED: {ALL}, CONSENT: named}
    states = [one for one in STATES if wanted.state in ("", one)]
    return sorted(MembershipKey(state, scope) for state in states for scope in scopes[state])


def _filtered(wanted: MembershipQuery, key: MembershipKey, asked: Select[Any]) -> Select[Any]:
    asked = asked.where(memberships.c.state == key.state, memberships.c.scope == key.scope)
    if key == (OPTED_OUT, ALL) and wanted.scope not in ("", ALL):
        back = memberships.alias("came_back")
        came_back = (back.c.number == memberships.c.number) & (back.c.state == EXCEPTION)
        asked = asked.where(~exists().where(came_back, back.c.scope == wanted.scope))
    if wanted.source:
        asked = asked.where(memberships.c.source == wanted.source)
    if wanted.imported:
        # Word for word the condition of the index, or it is not used.
        named = memberships.c.external_source == lookup(wanted.imported)
        asked = asked.where(sql(FROM_OUTSIDE), named)
    if wanted.since:
        asked = asked.where(memberships.c.since_us >= micros(wanted.since))
    if wanted.until:
        asked = asked.where(memberships.c.since_us < micros(wanted.until))
    if wanted.digits:
        asked = asked.where(
            memberships.c.tail == wanted.digits[-TAIL:],
            memberships.c.number.like(f"%{wanted.digits}"),
        )
    return asked


def _place_of(row: Row[Any]) -> str:
    return f"{row.since_us}.{row.number}.{row.state}.{row.scope}"


def _origins(connection: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[int, int], Event]:
    """By partition and number the events that made some rows, as far as they are recorded."""
    places = [*{(one.partition, one.seq) for one in rows if one.seq}]
    found: dict[tuple[int, int], Event] = {}
    for at in range(0, len(places), _PLACES_AT_ONCE):
        here = tuple_(links.c.partition, links.c.seq).in_(places[at : at + _PLACES_AT_ONCE])
        ids = select(links.c.event_id).where(here)
        for one in map(recorded_of, connection.execute(EVENTS.where(events.c.id.in_(ids)))):
            found[one.partition, one.seq] = one.event
    return found


class RecordedOrigin(NamedTuple):
    """Since when a number is in something, and the event that made it so, where it is recorded."""

    since_us: int
    event: Event | None


RecordedOrigins: TypeAlias = Mapping[MembershipKey, RecordedOrigin]


def origins_of_number(database: Database, number: str) -> RecordedOrigins:
    """What a number is in by the records, those who came back included."""
    if database.absent:
        return {}
    with database.reading() as connection:
        asked = select(memberships).where(memberships.c.number == lookup(number))
        rows = connection.execute(asked).all()
        found = _origins(connection, rows)
    events_of = {key: event_for(event, number) for key, event in found.items()}
    return {
        MembershipKey(one.state, one.scope): RecordedOrigin(
            one.since_us, events_of.get((one.partition, one.seq))
        )
        for one in rows
    }


def _row(one: Row[Any], origin: Event | None) -> MembershipRow:
    return MembershipRow(
        number=one.number,
        state=one.state,
        scope=one.scope,
        since=time_of(one.since_us) if one.since_us else None,
        source=one.source or "unknown",
        reason=_reason(one, origin),
        external_source=one.external_source,
    )


def _reason(one: Row[Any], origin: Event | None) -> str:
    if not one.source:
        return "unknown"
    event = event_for(origin, one.number) if origin else None
    if event is not None and event.entry is not None:
        return event_text.cause(event.entry)
    named = one.external_source
    return f"imported: {named}" if named else event_text.source(one.source)


OPERATIONS = (list_memberships,)
PAGES = (
    ListPage(
        path="/console/suppressions",
        title="Opt-outs and consents",
        operation=list_memberships,
        navigation="part_number_tabs.html",
        help="A number has a row for each opt-out, lock and consent on record. Its page says "
        "whether it may be texted now.",
    ),
)
