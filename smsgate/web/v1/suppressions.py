"""``/v1/suppressions`` and ``/v1/locks``: manual changes of numbers, and the list of a scope."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from smsgate.consent.restore import CONSENT
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import Unfit
from smsgate.domain.messages import ALL, Entry
from smsgate.domain.phone import e164
from smsgate.pipeline.gate import Since
from smsgate.pipeline.manual import RestoreRequest, check_program, lock_entry, opt_out_entry
from smsgate.records import NumberConsentState
from smsgate.web.v1.bulk import RawItems, enter_many, enter_one
from smsgate.web.v1.consents import Given, Medium, Source, Words, consent_of
from smsgate.web.v1.operations import Call, Operation, Outcome
from smsgate.web.v1.schemas import (
    MAX_ITEMS,
    AcceptedChange,
    Actor,
    CorrelationId,
    ItemResults,
    Number,
    Reason,
    moment,
)

Basis = Annotated[
    Literal["consent", "mistake", "evidence"],
    msgspec.Meta(
        description="What allows it: a newer consent of theirs; that the opt-out was entered by us "
        "by mistake; or evidence, which only a key of the scope `admin` may name. A subscriber's "
        "own opt-out is never lifted as a mistake."
    ),
]
Evidence = Annotated[
    str,
    msgspec.Meta(
        max_length=1_000,
        description="Of the basis `evidence`: what shows that they want texts, and where it is.",
    ),
]


class Why(msgspec.Struct, forbid_unknown_fields=True):
    """For the record."""

    reason: Reason
    actor: Actor = ""


class WhyRestored(msgspec.Struct, forbid_unknown_fields=True):
    """For the record, and what allows it."""

    reason: Reason
    actor: Actor = ""
    basis: Basis = "mistake"
    words: Words | None = None
    """Of the basis ``consent``, like ``medium``, ``given`` and ``source``."""
    medium: Medium | None = None
    given: Given | None = None
    source: Source = ""
    evidence: Evidence = ""


class GivenConsent(msgspec.Struct, forbid_unknown_fields=True):
    """A consent that is newer than the opt-out, with its evidence."""

    words: Words
    medium: Medium
    given: Given
    source: Source


class Suppression(msgspec.Struct, forbid_unknown_fields=True):
    """One number that opted out, or came back."""

    number: Number
    state: Literal["opted_out", "opted_in"]
    reason: Reason
    scope: str = ALL
    """``all`` or a program."""
    actor: Actor = ""
    correlation_id: CorrelationId = ""
    basis: Basis = "mistake"
    """Of ``opted_in``."""
    consent: GivenConsent | None = None
    """Of the basis ``consent``."""
    evidence: Evidence = ""


Suppressions = Annotated[list[Suppression], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]
_ITEM = msgspec.json.Decoder(Suppression)


class SuppressionQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of the set."""

    after: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """The ``next`` of an earlier page."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000


class SuppressedNumber(msgspec.Struct, frozen=True):
    """A number in a scope's set."""

    number: str
    since: Since
    why: str
    """Who or what said so: a rule and its keyword, ``operator``, ``link`` …"""
    locked: bool
    exceptions: list[str]
    """Programs to which it came back although it is in ``all``."""


class SuppressionPage(msgspec.Struct, frozen=True):
    """Numbers of a set in their order, as the records have it: up to a second ago."""

    numbers: list[SuppressedNumber]
    next: str | None
    """For ``after``; null at the end. A page may have fewer numbers than asked for before it."""


def suppress(call: Call) -> Outcome:
    """Opt a number out manually; it blocks at once."""
    number, scope, query = call.path["number"], call.path["scope"], call.query
    call.caller.require_program(scope)
    settings, actor, reason = call.services.settings, call.actor(query.actor), query.reason.strip()
    return enter_one(call, opt_out_entry(settings, number, scope, actor, reason))


def restore(call: Call) -> Outcome:
    """Lift an opt-out. One of the subscriber's own wants a newer consent, or an admin's evidence.

    Without a basis it is lifted as a mistake of yours, which only what you entered yourselves can
    be.
    """
    call.caller.require_program(call.path["scope"])
    return 202, AcceptedChange(call.services.manual.restore(_asked_restore(call)))


def upsert_suppressions(call: Call) -> Outcome:
    """Opt many numbers out, or lift opt-outs; each item is accepted or refused by itself."""
    return enter_many(call, call.body, _ITEM, _change)


def list_suppressions(call: Call) -> Outcome:
    """List the numbers of a scope's set."""
    scope, query = call.path["scope"], call.query
    call.caller.require_program(scope)
    if scope != ALL:
        check_program(call.services.settings, scope)
    after = e164(query.after) if query.after else ""
    page = call.services.records.suppression_sets.page(scope, after, query.limit)
    return 200, SuppressionPage(
        [_suppressed_number(call, one, scope) for one in page.numbers], page.next or None
    )


def _asked_restore(call: Call) -> RestoreRequest:
    query: WhyRestored = call.query
    consent = None
    if query.basis == CONSENT:
        if query.words is None or query.medium is None or query.given is None:
            raise Unfit("The basis `consent` needs `words`, `medium`, `given` and `source`.")
        consent = _newer(query.words, query.medium, query.source, query.given)
    elif query.words or query.medium or query.given or query.source:
        raise Unfit("`words`, `medium`, `given` and `source` go with the basis `consent`.")
    return _restore_request(call, call.path["number"], call.path["scope"], query, consent)


def _restore_request(
    call: Call,
    number: str,
    scope: str,
    why: WhyRestored | Suppression,
    consent: Consent | None,
) -> RestoreRequest:
    return RestoreRequest(
        number=number,
        scope=scope,
        actor=call.actor(why.actor),
        reason=why.reason.strip(),
        basis=why.basis,
        consent=consent,
        evidence=why.evidence.strip(),
        is_admin=call.caller.scope == "admin",
    )


def _newer(words: str, medium: str, source: str, given: datetime) -> Consent:
    """A consent that may lift an opt-out. Raises ``Unfit``, also where it is ahead of our clock.

    By a clock that is ahead, it might have been given before the opt-out.
    """
    now = datetime.now(UTC)
    if given > now:
        raise Unfit(
            f"`given` is ahead of our clock, which says {now:%Y-%m-%dT%H:%M:%SZ}: only a consent "
            "that is surely newer lifts an opt-out. Set your clock, or send it once that time has "
            "passed."
        )
    return consent_of(words, medium, source.strip(), given)


def _change(call: Call, item: Suppression) -> Entry | RestoreRequest:
    given = item.consent
    call.caller.require_program(item.scope)
    if item.state == "opted_out":
        if given is not None or item.evidence:
            raise Unfit("`consent` and `evidence` go with the state `opted_in`.")
        actor, reason = call.actor(item.actor), item.reason.strip()
        return opt_out_entry(call.services.settings, item.number, item.scope, actor, reason)
    consent = None
    if given is not None:
        consent = _newer(given.words, given.medium, given.source, given.given)
    return replace(
        _restore_request(call, item.number, item.scope, item, consent),
        caller=call.caller.name,
        correlation_id=item.correlation_id,
    )


def _suppressed_number(call: Call, one: NumberConsentState, scope: str) -> SuppressedNumber:
    consent_state = one.consent_state
    mark = consent_state.state.marks.get(scope)
    known = mark is not None and mark.stops
    return SuppressedNumber(
        number=one.number,
        since=moment(mark.since_us) if mark and known else None,
        why=mark.why if mark and known else "",
        locked=consent_state.locked,
        exceptions=sorted(filter(call.caller.may, consent_state.exceptions)),
    )


def lock(call: Call) -> Outcome:
    """Lock a number: no program may text it, whatever it texts us."""
    return _change_lock(call, locked=True)


def unlock(call: Call) -> Outcome:
    """Unlock a number; it stays opted out until it texts START."""
    return _change_lock(call, locked=False)


def _change_lock(call: Call, *, locked: bool) -> Outcome:
    reason, actor = call.query.reason.strip(), call.actor(call.query.actor)
    return enter_one(call, lock_entry(call.path["number"], actor, reason, locked=locked))


OPERATIONS = (
    Operation(
        method="PUT",
        path="/suppressions/<scope>/<number>",
        scope="write",
        summary="Opt a number out",
        run=suppress,
        query=Why,
        answers={202: AcceptedChange},
        by_program=True,
    ),
    Operation(
        method="DELETE",
        path="/suppressions/<scope>/<number>",
        scope="write",
        summary="Lift an opt-out",
        run=restore,
        query=WhyRestored,
        answers={202: AcceptedChange},
        by_program=True,
        also={
            409: "The opt-out is the subscriber's own, or the consent is older; `detail` says what "
            "lifts it."
        },
    ),
    Operation(
        method="GET",
        path="/suppressions/<scope>",
        scope="write",
        summary="The numbers of a scope's suppression set",
        run=list_suppressions,
        query=SuppressionQuery,
        answers={200: SuppressionPage},
        by_program=True,
    ),
    Operation(
        method="POST",
        path="/suppressions",
        scope="write",
        summary="Opt many numbers out, or lift opt-outs",
        run=upsert_suppressions,
        body=Suppressions,
        read_as=RawItems,
        answers={200: ItemResults},
        by_program=True,
    ),
    Operation(
        method="PUT",
        path="/locks/<number>",
        scope="admin",
        summary="Lock a number: never to be texted again",
        run=lock,
        query=Why,
        answers={202: AcceptedChange},
    ),
    Operation(
        method="DELETE",
        path="/locks/<number>",
        scope="admin",
        summary="Unlock a number; it stays opted out",
        run=unlock,
        query=Why,
        answers={202: AcceptedChange},
    ),
)
