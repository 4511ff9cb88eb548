"""Entries of manual changes: opt-outs, restores and consents that people enter.

Each is an entry like a text, so that one order rules all. A subscriber's own opt-out (by text, by
link, by the provider's word, as a person decided about a text, or elsewhere, as an imported list
says) is lifted by the subscriber's START, by a newer consent that comes with its evidence, or by an
admin who names evidence. What was entered by us may also be restored as our mistake. What may have
changed until a restore is applied is seen to by ``consent/restore.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from smsgate.consent.events import Event
from smsgate.consent.restore import (
    CONSENT,
    EVIDENCE,
    MISTAKE,
    OptOut,
    OptOutsInForce,
    basis_problem,
    in_force,
)
from smsgate.domain.entry_parts import Consent, Restore
from smsgate.domain.errors import Forbidden, RestoreRefused, Unfit
from smsgate.domain.messages import ALL, Decision, Entry, Intent, inbox_place, numbers_in
from smsgate.domain.phone import e164
from smsgate.pipeline.apply import InboxApplier
from smsgate.pipeline.history import History
from smsgate.process.published_programs import check_program
from smsgate.settings import Settings
from smsgate.store.keys import partition_of
from smsgate.store.store import Store


def opt_out_entry(settings: Settings, number: str, scope: str, actor: str, reason: str) -> Entry:
    """The entry of a manual opt-out in a scope: a program, or ``all``.

    Raises ``InvalidNumber``, ``UnknownProgram``.
    """
    if scope != ALL:
        check_program(settings, scope)
    return Entry(
        number=e164(number),
        program=scope,
        decision=Decision(Intent.OPT_OUT, rule="operator", note=reason),
        scope=scope,
        source="operator",
        actor=actor,
    )


def consent_entry(
    settings: Settings, number: str, program: str, consent: Consent, source: str, actor: str
) -> Entry:
    """The entry for a consent that was given elsewhere; it lifts no opt-out.

    ``source`` is ``api``, ``import`` or ``operator``. Raises ``InvalidNumber``, ``UnknownProgram``.
    """
    check_program(settings, program)
    return Entry(
        number=e164(number),
        program=program,
        decision=Decision(Intent.OPT_IN, rule="consent"),
        source=source,
        actor=actor,
        action="consent",
        consent=consent,
    )


_PENDING = 500
"""Newest entries of a partition's inbox that are looked through for what is not applied yet."""
_SAID = {
    "text": "by a text",
    "link": "by an opt-out link",
    "provider": "as the provider says",
    "import": "elsewhere, as an imported list says",
}
_WRONG_LIST = " Where the list was the wrong one, undo its import: `smsgate imports list`."


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """A manual change. ``actor`` and ``reason`` are recorded."""

    number: str
    scope: str
    """``all`` or a program."""
    actor: str
    reason: str
    basis: str = MISTAKE
    """One of ``consent.restore.BASES``."""
    consent: Consent | None = None
    """Of basis ``consent``."""
    evidence: str = ""
    """Of basis ``evidence``."""
    is_admin: bool = False
    """Whether the one who asks may name evidence."""


def restore_entry(
    request: RestoreRequest,
    settings: Settings,
    store: Store,
    history: History,
    applier: InboxApplier,
) -> Entry:
    """The entry of a restore.

    Raises ``InvalidNumber``, ``UnknownProgram``, ``Unfit``, ``Forbidden``, ``RestoreRefused``;
    and, where nobody can say whose opt-out holds, ``StoreUnavailable``, ``StoreNotReady``,
    ``RecordsUnavailable``.
    """
    number = e164(request.number)
    if request.scope != ALL:
        check_program(settings, request.scope)
    problem = basis_problem(request.basis, request.evidence, request.consent)
    if problem:
        raise Unfit(problem)
    if request.basis == EVIDENCE and not request.is_admin:
        raise Forbidden("Only an admin may name evidence that lifts an opt-out.")
    cursor, story = _history_of(number, store, history, applier)
    holds = in_force(story, request.scope, settings.programs.renamed)
    refusal = _refusal(request, number, holds)
    if refusal:
        raise RestoreRefused(refusal)
    # A consent that they withdrew themselves is not given back.
    is_ours = holds.own is None and not holds.waited
    return Entry(
        number=number,
        program=request.scope,
        decision=Decision(Intent.OPT_IN, rule="operator", note=request.reason),
        source="operator",
        actor=request.actor,
        action="restore",
        consent=request.consent,
        restore=Restore(
            request.basis,
            request.evidence,
            opt_out=next((one.event for one in holds.opt_outs if one.event), ""),
            seen=max(cursor, holds.seen, key=inbox_place),
        ),
        membership_before=holds.before.membership() if is_ours else None,
    )


def _history_of(
    number: str, store: Store, history: History, applier: InboxApplier
) -> tuple[str, list[Event]]:
    """Apply what waits; return how far the partition is applied, and the number's events."""
    partition = partition_of(number)
    waiting = store.inbox_reader.latest(partition, _PENDING)
    if any(number in numbers_in(one.entry) for one in waiting):
        applier.drain(partition)
    # First the cursor: what was applied by then is in the ledger or the records after that.
    cursor = store.inbox_reader.cursors([partition])[partition]
    return cursor, history.of_number(number)


def _refusal(request: RestoreRequest, number: str, holds: OptOutsInForce) -> str:
    """The rule: why a basis does not lift what holds; empty where it does."""
    if holds.locked:
        return f"{number} is locked: unlock it first, and then restore it."
    if request.basis == MISTAKE:
        return _no_mistake(number, holds)
    if request.basis == CONSENT and holds.opt_outs:
        return _too_old(request, max(holds.opt_outs, key=lambda one: one.until_us))
    return ""


def _no_mistake(number: str, holds: OptOutsInForce) -> str:
    if holds.own is None and not holds.waited:
        return ""
    if holds.own is None:
        said = (
            f"a text of {number} that may have been an opt-out waited for a person when we did it"
        )
    elif not holds.own.source:
        said = f"nobody knows any more who opted {number} out, so it counts as the subscriber's own"
    else:
        how = _SAID.get(holds.own.source, f"by a text that {holds.own.actor} decided")
        said = f"{number} opted out itself ({how}, {_moment(holds.own.at_us)})"
    return (
        f"This is no mistake of ours: {said}. What lifts it is a START of theirs, a consent that "
        "they gave after it (basis `consent`, with its words, source and time), or an admin who "
        "names the evidence (basis `evidence`)."
        + (_WRONG_LIST if holds.own is not None and holds.own.source == "import" else "")
    )


def _too_old(request: RestoreRequest, opt_out: OptOut) -> str:
    consent, opted_out_us = request.consent, opt_out.at_us
    if consent is None or consent.given_us > opt_out.until_us:
        return ""
    if opted_out_us < consent.given_us:
        return (
            f"They opted out at {_moment(opted_out_us)}, as far as that is known, and until "
            f"{_moment(opt_out.until_us)} at the latest. Only a consent that they gave after it "
            "lifts it."
        )
    return (
        f"The consent of {_moment(consent.given_us)} is older than the opt-out of "
        f"{_moment(opted_out_us)}. Only one that they gave after it lifts it. If they gave it "
        "later on that day, give its time, too."
    )


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
