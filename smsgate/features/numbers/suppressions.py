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
from smsgate.features.numbers.bulk import RawItems, enter_many, enter_one
from smsgate.features.numbers.consents import Given, Source, Words, consent_of
from smsgate.interface.operation import Actor, After, Context, operation
from smsgate.interface.schemas import (
    MAX_ITEMS,
    AcceptedChange,
    CorrelationId,
    ItemResults,
    Medium,
    Number,
    Reason,
    moment,
)
from smsgate.pipeline.gate import Since
from smsgate.pipeline.manual import RestoreRequest, check_program, lock_entry, opt_out_entry
from smsgate.records import NumberConsentState

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


Scope = Annotated[str, msgspec.Meta(max_length=200, description="A program's name, or `all`.")]


class OptOutRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to opt out, and why, for the record."""

    number: Number
    reason: Reason
    scope: Scope = ALL
    actor: Actor = ""


class LockRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which number, and why, for the record."""

    number: Number
    reason: Reason
    actor: Actor = ""


class RestoreQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Whose opt-out to lift, what allows it, and why, for the record."""

    number: Number
    reason: Reason
    scope: Scope = ALL
    actor: Actor = ""
    basis: Basis = "mistake"
    words: Words | None = None
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


class ItemsRequest(msgspec.Struct):
    """What happened to each of many numbers."""

    items: RawItems


class SuppressionQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of which set."""

    scope: Scope
    after: After = ""
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


@operation(
    "PUT /suppressions/<scope>/<number>",
    command="opt-out <number>",
    role="agent",
    scope="write",
    status=202,
    by_program=True,
    example={"number": "+14155550123", "scope": "all", "reason": "asked by phone"},
    done="Opted {number} out, scope {scope}: it blocks now.",
)
def suppress(context: Context, request: OptOutRequest) -> AcceptedChange:
    """Opt a number out manually; it blocks at once."""
    context.caller.require_program(request.scope)
    actor, reason = context.actor(request.actor), request.reason.strip()
    settings = context.services.settings
    return enter_one(context, opt_out_entry(settings, request.number, request.scope, actor, reason))


@operation(
    "DELETE /suppressions/<scope>/<number>",
    command="restore <number>",
    role="agent",
    scope="write",
    status=202,
    by_program=True,
    example={"number": "+14155550123", "scope": "all", "reason": "typed a wrong number"},
    problems={
        409: "The opt-out is the subscriber's own, or the consent is older; `detail` says what "
        "lifts it."
    },
    done="Saved the restore of {number}; `smsgate history {number}` shows its result.",
)
def restore(context: Context, request: RestoreQuery) -> AcceptedChange:
    """Lift an opt-out. One of the subscriber's own wants a newer consent, or an admin's evidence.

    Without a basis it is lifted as a mistake of yours, which only what you entered yourselves can
    be. The subscriber's own START is better and needs no call.
    """
    context.caller.require_program(request.scope)
    asked = _restore_request(context, request, _consent(request))
    return AcceptedChange(context.services.manual.restore(asked))


@operation(
    "POST /suppressions",
    role="agent",
    scope="write",
    by_program=True,
    body="items",
    body_schema=Suppressions,
    example={},
)
def upsert_suppressions(context: Context, request: ItemsRequest) -> ItemResults:
    """Opt many numbers out, or lift opt-outs; each item is accepted or refused by itself."""
    return enter_many(context, request.items, _ITEM, _change)


@operation(
    "GET /suppressions/<scope>",
    role="viewer",
    by_program=True,
    example={"scope": "all"},
)
def list_suppressions(context: Context, request: SuppressionQuery) -> SuppressionPage:
    """List the numbers of a scope's suppression set."""
    context.caller.require_program(request.scope)
    if request.scope != ALL:
        check_program(context.services.settings, request.scope)
    after = e164(request.after) if request.after else ""
    page = context.services.records.suppression_sets.page(request.scope, after, request.limit)
    return SuppressionPage(
        [_suppressed_number(context, one, request.scope) for one in page.numbers],
        page.next or None,
    )


def _consent(asked: RestoreQuery) -> Consent | None:
    if asked.basis == CONSENT:
        if asked.words is None or asked.medium is None or asked.given is None:
            raise Unfit("The basis `consent` needs `words`, `medium`, `given` and `source`.")
        return _newer(asked.words, asked.medium, asked.source, asked.given)
    if asked.words or asked.medium or asked.given or asked.source:
        raise Unfit("`words`, `medium`, `given` and `source` go with the basis `consent`.")
    return None


def _restore_request(
    context: Context, asked: RestoreQuery | Suppression, consent: Consent | None
) -> RestoreRequest:
    return RestoreRequest(
        number=asked.number,
        scope=asked.scope,
        actor=context.actor(asked.actor),
        reason=asked.reason.strip(),
        basis=asked.basis,
        consent=consent,
        evidence=asked.evidence.strip(),
        is_admin=context.caller.scope == "admin",
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


def _change(context: Context, item: Suppression) -> Entry | RestoreRequest:
    given = item.consent
    context.caller.require_program(item.scope)
    if item.state == "opted_out":
        if given is not None or item.evidence:
            raise Unfit("`consent` and `evidence` go with the state `opted_in`.")
        actor, reason = context.actor(item.actor), item.reason.strip()
        return opt_out_entry(context.services.settings, item.number, item.scope, actor, reason)
    consent = None
    if given is not None:
        consent = _newer(given.words, given.medium, given.source, given.given)
    return replace(
        _restore_request(context, item, consent),
        caller=context.caller.name,
        correlation_id=item.correlation_id,
    )


def _suppressed_number(context: Context, one: NumberConsentState, scope: str) -> SuppressedNumber:
    consent_state = one.consent_state
    mark = consent_state.state.marks.get(scope)
    known = mark is not None and mark.stops
    return SuppressedNumber(
        number=one.number,
        since=moment(mark.since_us) if mark and known else None,
        why=mark.why if mark and known else "",
        locked=consent_state.locked,
        exceptions=sorted(filter(context.caller.may, consent_state.exceptions)),
    )


@operation(
    "PUT /locks/<number>",
    command="lock <number>",
    role="agent",
    status=202,
    example={"number": "+14155550123", "reason": "letter of her lawyer, 3 May"},
    done="Locked {number}: no program can text it.",
)
def lock(context: Context, request: LockRequest) -> AcceptedChange:
    """Lock a number: no program may text it, whatever it texts us.

    For litigants, minors and court orders.
    """
    return _change_lock(context, request, locked=True)


@operation(
    "DELETE /locks/<number>",
    command="unlock <number>",
    role="agent",
    status=202,
    example={"number": "+14155550123", "reason": "locked by mistake"},
    done="Unlocked {number}. It stays opted out until it texts START.",
)
def unlock(context: Context, request: LockRequest) -> AcceptedChange:
    """Unlock a number; it stays opted out until it texts START."""
    return _change_lock(context, request, locked=False)


def _change_lock(context: Context, asked: LockRequest, *, locked: bool) -> AcceptedChange:
    reason, actor = asked.reason.strip(), context.actor(asked.actor)
    return enter_one(context, lock_entry(asked.number, actor, reason, locked=locked))


OPERATIONS = (suppress, restore, list_suppressions, upsert_suppressions, lock, unlock)
