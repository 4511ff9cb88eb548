"""Manual changes of numbers: opt-outs, restores, locks and consents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from smsgate.consent.actions import CONSENT, EVIDENCE
from smsgate.domain.entry_parts import Consent, Restore
from smsgate.domain.errors import Forbidden, Unfit
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.domain.phone import e164
from smsgate.features.numbers.restores import approve
from smsgate.interface.operation import Actor, Context, operation
from smsgate.interface.schemas import AcceptedChange, Medium, Number, ProgramName, Reason
from smsgate.pipeline.apply import InboxApplier
from smsgate.pipeline.history import History
from smsgate.process.published_programs import check_program
from smsgate.settings import Settings
from smsgate.store.store import Store

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
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(minutes=5)
"""How far another clock may be ahead of ours."""


class LockRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which number, and why, for the record."""

    number: Number
    reason: Reason
    actor: Actor = ""


class OptOutRequest(LockRequest, forbid_unknown_fields=True):
    """Whom to opt out, and why, for the record."""

    scope: Scope = ALL


class RestoreRequest(OptOutRequest, forbid_unknown_fields=True):
    """Whose opt-out to lift, what allows it, and why, for the record."""

    basis: Basis = "mistake"
    words: Words | None = None
    medium: Medium | None = None
    given: Given | None = None
    source: Source = ""
    evidence: Evidence = ""


class NewConsent(msgspec.Struct, forbid_unknown_fields=True):
    """One consent: 47 CFR 64.1200(f)(9) asks who agreed to what, and how."""

    number: Number
    program: ProgramName
    words: Words
    medium: Medium
    given: Given
    source: Source = ""
    actor: Actor = ""


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
def suppress(
    context: Context, request: OptOutRequest, store: Store, settings: Settings
) -> AcceptedChange:
    """Opt a number out manually; it blocks at once."""
    program = _known_scope(context, settings, request.scope)
    entry = _manual(context, request, program, Intent.OPT_OUT)
    return _added(store, replace(entry, scope=request.scope))


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
def restore(
    context: Context,
    request: RestoreRequest,
    settings: Settings,
    store: Store,
    history: History,
    applier: InboxApplier,
) -> AcceptedChange:
    """Lift an opt-out. One of the subscriber's own wants a newer consent, or an admin's evidence.

    Without a basis it is lifted as a mistake of yours, which only what you entered yourselves can
    be. The subscriber's own START is better and needs no call.
    """
    program = _known_scope(context, settings, request.scope)
    basis = Restore(request.basis, request.evidence.strip())
    asked = _manual(context, request, program, Intent.OPT_IN, "restore")
    asked = replace(asked, consent=_new_consent(request))
    if (basis.basis == EVIDENCE) is not bool(basis.evidence):
        raise Unfit(
            "Name the evidence that they want texts, and where it can be found."
            if basis.basis == EVIDENCE
            else "Evidence goes with the basis `evidence`."
        )
    if basis.basis == EVIDENCE and context.caller.scope != "admin":
        raise Forbidden("Only an admin may name evidence that lifts an opt-out.")
    renamed = settings.programs.renamed
    return _added(store, approve(asked, basis, renamed, store, history, applier))


def _new_consent(request: RestoreRequest) -> Consent | None:
    """The consent that allows a restore, of the basis ``consent``. Raises ``Unfit``."""
    words, medium, given = request.words, request.medium, request.given
    if request.basis == CONSENT:
        if words is None or medium is None or given is None or not request.source.strip():
            raise Unfit("The basis `consent` needs `words`, `medium`, `given` and `source`.")
        return _consent(words, medium, given, request.source)
    if words or medium or given or request.source:
        raise Unfit("`words`, `medium`, `given` and `source` go with the basis `consent`.")
    return None


@operation(
    "POST /consents",
    command="consent <number>",
    role="agent",
    scope="write",
    status=202,
    by_program=True,
    example={
        "number": "+14155550123",
        "program": "alerts",
        "medium": "paper",
        "words": "Yes, text me offers",
        "given": "2026-05-03",
    },
    done="Recorded the consent of {number} to {program}. Opt-outs of the number still hold.",
)
def record_consent(
    context: Context, request: NewConsent, store: Store, settings: Settings
) -> AcceptedChange:
    """Record a consent. It never lifts an opt-out: START does, or `smsgate restore`."""
    context.caller.require_program(request.program)
    check_program(settings, request.program)
    given = request.words, request.medium, request.given, request.source
    entry = Entry(
        number=e164(request.number),
        program=request.program,
        decision=Decision(Intent.OPT_IN, rule="consent"),
        source="operator" if context.is_person else "api",
        actor=context.actor(request.actor),
        action="consent",
        consent=_consent(*given, ahead=_AHEAD),
    )
    return _added(store, entry)


@operation(
    "PUT /locks/<number>",
    command="lock <number>",
    role="agent",
    status=202,
    example={"number": "+14155550123", "reason": "letter of her lawyer, 3 May"},
    done="Locked {number}: no program can text it.",
)
def lock(context: Context, request: LockRequest, store: Store) -> AcceptedChange:
    """Lock a number: no program may text it, whatever it texts us.

    For litigants, minors and court orders.
    """
    entry = _manual(context, request, ALL, Intent.OPT_OUT_ALL, "lock")
    return _added(store, replace(entry, scope=ALL))


@operation(
    "DELETE /locks/<number>",
    command="unlock <number>",
    role="agent",
    status=202,
    example={"number": "+14155550123", "reason": "locked by mistake"},
    done="Unlocked {number}. It stays opted out until it texts START.",
)
def unlock(context: Context, request: LockRequest, store: Store) -> AcceptedChange:
    """Unlock a number; it stays opted out until it texts START."""
    return _added(store, _manual(context, request, ALL, Intent.NONE, "unlock"))


def _manual(
    context: Context, request: LockRequest, program: str, intent: Intent, action: str = ""
) -> Entry:
    """What somebody asks of a number, for the inbox. Raises ``InvalidNumber``."""
    return Entry(
        number=e164(request.number),
        program=program,
        decision=Decision(intent, rule="operator", note=request.reason.strip()),
        source="operator",
        actor=context.actor(request.actor),
        action=action,
    )


def _known_scope(context: Context, settings: Settings, scope: str) -> str:
    """The scope, ``all`` or a program, for which the caller may act. Raises ``UnknownProgram``."""
    context.caller.require_program(scope)
    if scope != ALL:
        check_program(settings, scope)
    return scope


def _added(store: Store, entry: Entry) -> AcceptedChange:
    """Put an entry into the inbox; from here on an opt-out blocks. Raises ``StoreUnavailable``."""
    (added,) = store.inbox.add([Arrival(entry)])
    return AcceptedChange(added.id)


def _consent(
    words: str, medium: str, given: datetime, source: str, ahead: timedelta = timedelta()
) -> Consent:
    """A consent for the record. Raises ``Unfit`` for a time that cannot be.

    What may lift an opt-out is not ``ahead`` of our clock: by a clock that is, it might have been
    given before the opt-out.
    """
    now = datetime.now(UTC)
    if not _EARLIEST <= given <= now + ahead:
        raise Unfit(
            "`given` must be a time from 1990 until now, such as 2026-05-03T14:00:00Z. By our "
            f"clock it is {now:%Y-%m-%dT%H:%M:%SZ}.",
            field="given",
        )
    return Consent(words.strip(), medium, source.strip(), round(given.timestamp() * 1_000_000))


OPERATIONS = (
    suppress,
    restore,
    record_consent,
    lock,
    unlock,
)
