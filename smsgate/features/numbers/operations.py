"""Whether numbers may be texted, and the numbers that may not."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import msgspec

from smsgate.domain.errors import StoreUnavailable, Unfit
from smsgate.domain.messages import ALL
from smsgate.domain.phone import as_recorded, e164
from smsgate.interface.operation import After, Column, Context, operation
from smsgate.interface.schemas import CheckResult, ProgramName, Reason, moment
from smsgate.pipeline.apply import InboxApplier
from smsgate.pipeline.forgetting import Forgetting, Forgotten
from smsgate.pipeline.gate import Gate, Since
from smsgate.process.published_programs import check_program
from smsgate.records import NumberConsentState, Records
from smsgate.settings import Settings
from smsgate.store.keys import partition_of
from smsgate.store.refusals import Refusal
from smsgate.store.store import Store

MAX_NUMBERS = 10_000


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """Numbers that a program would text."""

    program: str
    numbers: Annotated[list[str], msgspec.Meta(max_length=MAX_NUMBERS)]
    sending: bool = False
    """Whether what is not allowed here is a text that was about to leave, so that it counts."""


class Checked(msgspec.Struct, frozen=True):
    """An answer for each number, in the order asked."""

    results: list[CheckResult]


@operation(
    "POST /check",
    role="viewer",
    scope="check",
    by_program=True,
    example={"program": "alerts", "numbers": ["+14155550123"]},
)
def check_numbers(context: Context, request: Check, gate: Gate, store: Store) -> Checked:
    """Say of each number whether the program may text it, in the order asked."""
    context.caller.require_program(request.program)
    answers = gate.check(request.numbers, program=request.program)
    if request.sending:
        stopped = [
            Refusal(one.number, request.program, one.reason, "api")
            for one in answers
            if not one.allowed
        ]
        with suppress(StoreUnavailable):  # what cannot be counted is stopped all the same
            store.refusals.add(stopped)
    return Checked([CheckResult(one.number, one.allowed, one.reason, one.since) for one in answers])


class SuppressionQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of which set."""

    scope: ProgramName
    """A program, or ``all``."""
    after: After = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000, description="Numbers in one page.")] = 1_000


class SuppressedNumber(msgspec.Struct, frozen=True):
    """A number in a scope's set."""

    number: str
    since: Since
    why: str
    """Who or what said so: a rule and its keyword, ``operator``, ``link`` …"""
    locked: bool
    exceptions: Annotated[list[str], Column("Came back to")]
    """Programs to which it came back although it is in ``all``."""


class SuppressionPage(msgspec.Struct, frozen=True):
    """Numbers of a set in their order, as the records have it: up to a second ago."""

    numbers: list[SuppressedNumber]
    next: str | None
    """For ``after``; null at the end."""


@operation(
    "GET /suppressions/<scope>",
    command="numbers suppressed <scope>",
    role="viewer",
    by_program=True,
    example={"scope": "all"},
    empty="No numbers.",
)
def list_suppressions(
    context: Context, request: SuppressionQuery, settings: Settings, records: Records
) -> SuppressionPage:
    """List the numbers of a scope's suppression set."""
    context.caller.require_program(request.scope)
    if request.scope != ALL:
        check_program(settings, request.scope)
    after = e164(request.after) if request.after else ""
    limit = request.limit
    found = records.reader.suppressed(request.scope, after, limit + 1)
    return SuppressionPage(
        [_suppressed_number(context, one, request.scope) for one in found[:limit]],
        found[limit - 1].number if len(found) > limit else None,
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


class ForgetRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whose texts are erased."""

    number: Annotated[str, msgspec.Meta(description="As it is on record, such as +14155550123.")]
    reason: Reason
    yes: Annotated[bool, msgspec.Meta(description="That you mean it: nobody can undo it.")] = False


@operation(
    command="forget <number>",
    role="admin",
    example={"number": "+14155550123", "reason": "asked by e-mail, 3 May"},
    asks_again=True,
    done="Erased the texts of {records:,} records of {number}, {ordinary_texts:,} ordinary texts, "
    "{forwards:,} texts for an application, and {replies:,} failed replies. It is suppressed where "
    "it was.",
)
def forget_texts(
    context: Context, request: ForgetRequest, applier: InboxApplier, forgetting: Forgetting
) -> Forgotten:
    """Erase the texts of a number from records and store, for good.

    The number, the decisions and their times stay: they are needed to go on suppressing the number
    and to prove it. Backups and the databases' own logs are yours to let expire.
    """
    number = as_recorded(request.number)
    if not request.yes:
        raise Unfit(f"Every text of {number} will be erased, and nobody can undo it. Add --yes.")
    applier.drain(partition_of(number))  # what still waits belongs to it
    return forgetting.forget(number, context.actor(), request.reason)


OPERATIONS = (check_numbers, list_suppressions, forget_texts)
