"""Manual changes of numbers: opt-outs, restores, locks and consents, one at a time or many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeVar

import msgspec

from smsgate.consent.restore import CONSENT
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import SmsGateError, Unfit, reason_of
from smsgate.domain.messages import ALL, AddResult, Entry
from smsgate.interface.operation import Actor, Context, operation
from smsgate.interface.schemas import (
    MAX_ITEMS,
    AcceptedChange,
    CorrelationId,
    ItemResult,
    ItemResults,
    Medium,
    Number,
    ProgramName,
    Reason,
)
from smsgate.interface.values import read_item
from smsgate.pipeline.manual import RestoreRequest, consent_entry, lock_entry, opt_out_entry

Scope = Annotated[str, msgspec.Meta(max_length=200, description="A program's name, or `all`.")]
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
Words = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\S", max_length=4_000, description="What was shown or said.", examples=["Yes"]
    ),
]
Given = Annotated[
    datetime, msgspec.Meta(tz=True, description="When, with its zone, such as 2026-05-03T14:00Z.")
]
Source = Annotated[
    str, msgspec.Meta(max_length=500, description="Where exactly: page, form, file.")
]
RawItems = Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]
"""Items as they came, so that one of another shape refuses none but itself."""
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(minutes=5)
"""How far another clock may be ahead of ours."""
T = TypeVar("T")


class LockRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which number, and why, for the record."""

    number: Number
    reason: Reason
    actor: Actor = ""


class OptOutRequest(LockRequest, forbid_unknown_fields=True):
    """Whom to opt out, and why, for the record."""

    scope: Scope = ALL


class RestoreQuery(OptOutRequest, forbid_unknown_fields=True):
    """Whose opt-out to lift, what allows it, and why, for the record."""

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


class Suppression(OptOutRequest, kw_only=True, forbid_unknown_fields=True):
    """One number that opted out, or came back."""

    state: Literal["opted_out", "opted_in"]
    correlation_id: CorrelationId = ""
    basis: Basis = "mistake"
    """Of ``opted_in``."""
    consent: GivenConsent | None = None
    """Of the basis ``consent``."""
    evidence: Evidence = ""


class NewConsent(GivenConsent, kw_only=True, forbid_unknown_fields=True):
    """One consent: 47 CFR 64.1200(f)(9) asks who agreed to what, and how."""

    number: Number
    program: ProgramName
    source: Source = ""
    actor: Actor = ""


class ConsentItem(NewConsent, kw_only=True, forbid_unknown_fields=True):
    """One consent of many."""

    correlation_id: CorrelationId = ""


Suppressions = Annotated[list[Suppression], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]
ConsentItems = Annotated[list[ConsentItem], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]
_SUPPRESSION = msgspec.json.Decoder(Suppression)
_CONSENT = msgspec.json.Decoder(ConsentItem)


class ItemsRequest(msgspec.Struct):
    """What happened to each of many numbers."""

    items: RawItems


class ConsentRequest(msgspec.Struct):
    """One consent, or many of them."""

    items: ConsentItem | RawItems


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
    return _add(context, _opt_out(context, request))


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
    consent = None
    if request.basis == CONSENT:
        if request.words is None or request.medium is None or request.given is None:
            raise Unfit("The basis `consent` needs `words`, `medium`, `given` and `source`.")
        given = GivenConsent(request.words, request.medium, request.given, request.source)
        consent = _consent(given)
    elif request.words or request.medium or request.given or request.source:
        raise Unfit("`words`, `medium`, `given` and `source` go with the basis `consent`.")
    return _add(context, _restore(context, request, consent))


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
    return _add_many(context, request.items, _SUPPRESSION, _suppression)


@operation(
    "POST /consents",
    role="agent",
    scope="write",
    by_program=True,
    body="items",
    body_schema=ConsentItem | ConsentItems,
    status={AcceptedChange: 202, ItemResults: 200},
    example={},
)
def record_consents(context: Context, request: ConsentRequest) -> AcceptedChange | ItemResults:
    """Put consents on record that were given elsewhere: one, or many. None lifts an opt-out."""
    if isinstance(request.items, ConsentItem):
        return _add(context, _new_consent(context, request.items))
    return _add_many(context, request.items, _CONSENT, _new_consent)


@operation(
    command="consent <number>",
    role="agent",
    example={
        "number": "+14155550123",
        "program": "alerts",
        "medium": "paper",
        "words": "Yes, text me offers",
        "given": "2026-05-03",
    },
    done="Recorded the consent of {number} to {program}. Opt-outs of the number still hold.",
)
def record_consent(context: Context, request: NewConsent) -> AcceptedChange:
    """Record a consent. It never lifts an opt-out: START does, or `smsgate restore`."""
    return _add(context, _new_consent(context, request))


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
    actor = context.actor(request.actor)
    return _add(context, lock_entry(request.number, actor, request.reason.strip(), locked=True))


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
    actor = context.actor(request.actor)
    return _add(context, lock_entry(request.number, actor, request.reason.strip(), locked=False))


def _opt_out(context: Context, asked: OptOutRequest | Suppression) -> Entry:
    context.caller.require_program(asked.scope)
    actor, reason = context.actor(asked.actor), asked.reason.strip()
    return opt_out_entry(context.services.settings, asked.number, asked.scope, actor, reason)


def _restore(
    context: Context, asked: RestoreQuery | Suppression, consent: Consent | None
) -> RestoreRequest:
    context.caller.require_program(asked.scope)
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


def _suppression(context: Context, item: Suppression) -> Entry | RestoreRequest:
    given = item.consent
    if item.state == "opted_out":
        if given is not None or item.evidence:
            raise Unfit("`consent` and `evidence` go with the state `opted_in`.")
        return _opt_out(context, item)
    asked = _restore(context, item, _consent(given) if given else None)
    return replace(asked, caller=context.caller.name, correlation_id=item.correlation_id)


def _new_consent(context: Context, item: NewConsent) -> Entry:
    context.caller.require_program(item.program)
    consent = _consent(item, ahead=_AHEAD)
    source, actor = "operator" if context.is_person else "api", context.actor(item.actor)
    return consent_entry(
        context.services.settings, item.number, item.program, consent, source, actor
    )


def _consent(given: GivenConsent, ahead: timedelta = timedelta()) -> Consent:
    """A consent for the record. Raises ``Unfit`` for a time that cannot be.

    What may lift an opt-out is not ``ahead`` of our clock: by a clock that is, it might have been
    given before the opt-out.
    """
    now, at = datetime.now(UTC), given.given
    if not _EARLIEST <= at <= now + ahead:
        raise Unfit(
            "`given` must be a time from 1990 until now, such as 2026-05-03T14:00:00Z. By our "
            f"clock it is {now:%Y-%m-%dT%H:%M:%SZ}.",
            field="given",
        )
    words, source = given.words.strip(), given.source.strip()
    return Consent(words, given.medium, source, round(at.timestamp() * 1_000_000))


def _add(context: Context, change: Entry | RestoreRequest) -> AcceptedChange:
    """Enter one change. Raises what refuses it."""
    return AcceptedChange(context.services.manual.add(change).id)


def _add_many(
    context: Context,
    items: Sequence[msgspec.Raw],
    decoder: msgspec.json.Decoder[T],
    change_of: Callable[[Context, T], Entry | RestoreRequest],
) -> ItemResults:
    """Enter all items that can be; says of each what became of it."""

    def change(item: msgspec.Raw) -> Entry | RestoreRequest | SmsGateError:
        try:
            return change_of(context, read_item(item, decoder))
        except SmsGateError as error:
            return error

    found = context.services.manual.add_each([change(item) for item in items])
    results = [_result(item, one) for item, one in zip(items, found, strict=True)]
    counts = Counter(one.status for one in results)
    return ItemResults(counts["accepted"], counts["duplicate"], counts["refused"], results)


def _result(item: msgspec.Raw, found: AddResult | SmsGateError) -> ItemResult:
    try:
        given = msgspec.json.decode(item)
    except ValueError:
        given = None
    named = given if isinstance(given, dict) else {}
    texts = (named.get("number"), named.get("correlation_id"))
    number, correlation = (one if isinstance(one, str) else "" for one in texts)
    if isinstance(found, SmsGateError):
        why = {"reason": reason_of(found), "detail": str(found)}
        return ItemResult(number, "refused", correlation, **why)
    if found.duplicate:
        return ItemResult(number, "duplicate", correlation)
    return ItemResult(number, "accepted", correlation, found.id)


OPERATIONS = (
    suppress,
    restore,
    upsert_suppressions,
    record_consents,
    record_consent,
    lock,
    unlock,
)
