"""``/v1/suppressions``: opt numbers out or back in by hand, one or many, and list a scope's set."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from smsgate.gateway.amending import once
from smsgate.gateway.overriding import check_program, override_entry
from smsgate.messages import ALL, Entry
from smsgate.phone import e164
from smsgate.records import Numbered
from smsgate.web.v1.items import RawItems, enter_many, enter_one
from smsgate.web.v1.operations import Call, Operation, Outcome
from smsgate.web.v1.shapes import (
    MOST_ITEMS,
    Accepted,
    Actor,
    CorrelationId,
    Items,
    Number,
    Reason,
    moment,
)

_ACTIONS = {"opted_out": "suppress", "opted_in": "restore"}


class Why(msgspec.Struct, forbid_unknown_fields=True):
    """For the record."""

    reason: Reason
    actor: Actor = ""


class Suppression(msgspec.Struct, forbid_unknown_fields=True):
    """One number that opted out, or came back."""

    number: Number
    state: Literal["opted_out", "opted_in"]
    reason: Reason
    scope: str = ALL
    """``all`` or a program."""
    actor: Actor = ""
    correlation_id: CorrelationId = ""


Suppressions = Annotated[list[Suppression], msgspec.Meta(min_length=1, max_length=MOST_ITEMS)]
_ITEM = msgspec.json.Decoder(Suppression)


class PageQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of the set."""

    after: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """The ``next`` of an earlier page."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000


class InSet(msgspec.Struct, frozen=True):
    """A number in a scope's set."""

    number: str
    since: str | None
    why: str
    """Who or what said so: a rule and its keyword, ``operator``, ``link`` …"""
    locked: bool
    back: list[str]
    """Programs to which it came back although it is in ``all``."""


class SetPage(msgspec.Struct, frozen=True):
    """Numbers of a set in their order, as the records have it: up to a second ago."""

    numbers: list[InSet]
    next: str | None
    """For ``after``; null at the end. A page may have fewer numbers than asked for before it."""


def suppress(call: Call) -> Outcome:
    """Opt a number out by hand; it blocks at once."""
    return enter_one(call, _override(call, "suppress"))


def restore(call: Call) -> Outcome:
    """Opt a number back in by hand."""
    return enter_one(call, _override(call, "restore"))


def upsert_suppressions(call: Call) -> Outcome:
    """Opt many numbers out or back in; each item is accepted or refused by itself."""
    return enter_many(call, call.body, _ITEM, _change)


def list_suppressions(call: Call) -> Outcome:
    """List the numbers of a scope's set."""
    scope, query = call.path["scope"], call.query
    if scope != ALL:
        check_program(call.gateway.settings, scope)
    after = e164(query.after) if query.after else ""
    page = call.gateway.records.suppressed.page(scope, after, query.limit)
    return 200, SetPage([_in_set(one, scope) for one in page.numbers], page.next or None)


def _override(call: Call, action: str) -> Entry:
    number, scope, query = call.path["number"], call.path["scope"], call.query
    settings, actor = call.gateway.settings, call.actor(query.actor)
    return override_entry(settings, action, number, scope, actor, query.reason.strip())


def _change(call: Call, item: Suppression) -> Entry:
    settings, actor, reason = call.gateway.settings, call.actor(item.actor), item.reason.strip()
    entry = override_entry(settings, _ACTIONS[item.state], item.number, item.scope, actor, reason)
    if item.state == "opted_in" and item.correlation_id:
        return once(entry, call.caller.name, item.correlation_id)
    return entry


def _in_set(one: Numbered, scope: str) -> InSet:
    standing = one.standing
    mark = standing.state.marks.get(scope)
    known = mark is not None and mark.stops
    return InSet(
        number=one.number,
        since=moment(mark.since_us) if mark and known else None,
        why=mark.why if mark and known else "",
        locked=standing.locked,
        back=sorted(standing.back),
    )


OPERATIONS = (
    Operation(
        method="PUT",
        path="/suppressions/<scope>/<number>",
        scope="write",
        summary="Opt a number out by hand",
        run=suppress,
        query=Why,
        answers={202: Accepted},
    ),
    Operation(
        method="DELETE",
        path="/suppressions/<scope>/<number>",
        scope="write",
        summary="Opt a number back in by hand",
        run=restore,
        query=Why,
        answers={202: Accepted},
    ),
    Operation(
        method="GET",
        path="/suppressions/<scope>",
        scope="write",
        summary="The numbers of a scope's suppression set",
        run=list_suppressions,
        query=PageQuery,
        answers={200: SetPage},
    ),
    Operation(
        method="POST",
        path="/suppressions",
        scope="write",
        summary="Opt many numbers out or back in",
        run=upsert_suppressions,
        body=Suppressions,
        read_as=RawItems,
        answers={200: Items},
    ),
)
