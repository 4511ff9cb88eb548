"""Manual changes: opt-outs, restores, locks and consents that people and other programs enter.

Each is an entry like a text, so that one order rules all. A subscriber's own opt-out (by text, by
link, by the provider's word, as a person decided about a text, or elsewhere, as an imported list
says) is lifted by the subscriber's START, by a newer consent that comes with its evidence, or by an
admin who names evidence. What was entered by us may also be restored as our mistake. What may have
changed until a restore is applied is seen to by ``consent/restore.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

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
from smsgate.domain.errors import Forbidden, RestoreRefused, SmsGateError, Unfit, UnknownProgram
from smsgate.domain.messages import (
    ALL,
    AddResult,
    Arrival,
    Decision,
    Entry,
    Intent,
    Reply,
    inbox_place,
    numbers_in,
)
from smsgate.domain.phone import e164
from smsgate.pipeline.history import History
from smsgate.settings import Program, Settings
from smsgate.store.inbox import JobQueue
from smsgate.store.keys import partition_of
from smsgate.store.store import Store

MAX_REASON_CHARS = 500


def reason_of(text: str) -> str:
    """Return the reason, stripped. Raises ``Unfit`` if it is empty or too long."""
    plain = text.strip()
    if not plain or len(plain) > MAX_REASON_CHARS:
        raise Unfit(
            f"Give a reason for the record, in at most {MAX_REASON_CHARS} characters.",
            field="reason",
        )
    return plain


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


def lock_entry(number: str, actor: str, reason: str, *, locked: bool) -> Entry:
    """The entry that locks a number (never to be texted, whatever it texts us) or unlocks it.

    An unlocked number stays opted out until it texts START. Raises ``InvalidNumber``.
    """
    return Entry(
        number=e164(number),
        program=ALL,
        decision=Decision(
            Intent.OPT_OUT_ALL if locked else Intent.NONE, rule="operator", note=reason
        ),
        scope=ALL if locked else "",
        source="operator",
        actor=actor,
        action="lock" if locked else "unlock",
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


def refusal_entry(settings: Settings, reply: Reply) -> Entry:
    """The entry for a number that a provider will not text: an opt-out that we do not have."""
    program = settings.programs.get(reply.program)
    own = program is not None and program.scope == "program"
    return Entry(
        number=reply.number,
        program=reply.program,
        decision=Decision(Intent.OPT_OUT, rule="provider_refusal"),
        scope=reply.program if own else ALL,
        source="provider",
        actor="provider",
        account=reply.account,
        message_id=f"refused-{reply.id}",
    )


def check_program(settings: Settings, name: str) -> Program:
    """The program of that name. Raises ``UnknownProgram`` unless it is configured.

    Of a former name that says only what it is now: an API key may be limited to that program.
    """
    if name in settings.programs.renamed:
        now = settings.programs.renamed[name]
        raise UnknownProgram(f"the program {name!r} is called {now!r} now: use that name")
    found = settings.programs.get(name)
    if found is None:
        names = ", ".join([ALL, *(program.name for program in settings.programs)])
        raise UnknownProgram(f"no program is called {name!r}; there are: {names}")
    return found


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
    caller: str = ""
    correlation_id: str = ""
    """With ``caller`` what makes a repeated call known; it then counts once."""


class ManualEntries:
    """Puts manual changes into the inbox."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        job_queue: JobQueue,
        history: History,
        apply: Callable[[int], int],
    ) -> None:
        """``history`` says which opt-outs may be lifted; ``apply`` applies a partition's inbox."""
        self._settings = settings
        self._store = store
        self._job_queue = job_queue
        self._history = history
        self._apply = apply

    def add(self, change: Entry | RestoreRequest) -> AddResult:
        """Put one change into the inbox; from here on an opt-out blocks. Raises what refuses it."""
        (found,) = self.add_each([change])
        if isinstance(found, SmsGateError):
            raise found
        return found

    def add_each(
        self, changes: Sequence[Entry | RestoreRequest | SmsGateError]
    ) -> list[AddResult | SmsGateError]:
        """Put changes into the inbox, in one round trip; return what became of each, in order.

        A refusal stays in its place. Raises ``StoreUnavailable`` if nothing at all could be stored,
        and as ``restores``.
        """
        requests = [one for one in changes if isinstance(one, RestoreRequest)]
        judged = iter(self.restores(requests) if requests else ())
        found = [next(judged) if isinstance(one, RestoreRequest) else one for one in changes]
        entries = [one for one in found if isinstance(one, Entry)]
        added: list[AddResult | SmsGateError] = []
        if entries:
            results, partitions = self._store.inbox.add_each([Arrival(one) for one in entries])
            self._job_queue.notify_inboxes(partitions)
            added += results
        return [added.pop(0) if isinstance(one, Entry) else one for one in found]

    def restores(self, requests: Sequence[RestoreRequest]) -> list[Entry | SmsGateError]:
        """Of each request for a restore its entry, or why it is refused.

        Raises, where nobody can say whose opt-out holds, ``StoreUnavailable``, ``StoreNotReady``,
        ``RecordsUnavailable``.
        """
        drafts = [self._draft(one) for one in requests]
        asked = [one for one in drafts if isinstance(one, Entry)]
        repeated = {one.message_id for one in self._store.inbox_reader.known_opt_ins(asked)}
        fresh = {one.number for one in asked if one.message_id not in repeated}
        cursors, histories = self._histories(fresh)
        found: list[Entry | SmsGateError] = []
        for request, draft in zip(requests, drafts, strict=True):
            if isinstance(draft, Entry) and draft.message_id not in repeated:
                cursor = cursors[partition_of(draft.number)]
                found.append(self._judged(request, draft, histories[draft.number], cursor))
            else:
                found.append(draft)  # a repeat is dropped by the inbox
        return found

    def _draft(self, request: RestoreRequest) -> Entry | SmsGateError:
        """The entry without what its number's history says; or what is wrong with the request."""
        try:
            number = e164(request.number)
            if request.scope != ALL:
                check_program(self._settings, request.scope)
        except SmsGateError as error:
            return error
        problem = basis_problem(request.basis, request.evidence, request.consent)
        if problem:
            return Unfit(problem)
        if request.basis == EVIDENCE and not request.is_admin:
            return Forbidden("Only an admin may name evidence that lifts an opt-out.")
        # For opt-ins, and only for them: one that came again after the subscriber's own STOP would
        # lift it, and a second opt-out does no harm. An id that was used for another number or
        # scope hinders nothing.
        repeats = (request.caller, number, request.scope, request.correlation_id)
        return Entry(
            number=number,
            program=request.scope,
            decision=Decision(Intent.OPT_IN, rule="operator", note=request.reason),
            source="operator",
            actor=request.actor,
            message_id=" ".join(repeats) if request.correlation_id else "",
            action="restore",
            consent=request.consent,
            restore=Restore(request.basis, request.evidence),
        )

    def _histories(self, numbers: set[str]) -> tuple[dict[int, str], dict[str, list[Event]]]:
        """Apply what waits; return how far each partition is applied, and the events by number."""
        partitions = sorted({partition_of(number) for number in numbers})
        for partition in partitions:
            waiting = self._store.inbox_reader.latest(partition, _PENDING)
            if any(not numbers.isdisjoint(numbers_in(one.entry)) for one in waiting):
                self._apply(partition)
        # First the cursors: what was applied by then is in the ledgers or the records after that.
        cursors = self._store.inbox_reader.cursors(partitions)
        return cursors, self._history.of_numbers(sorted(numbers))

    def _judged(
        self, request: RestoreRequest, draft: Entry, history: Sequence[Event], cursor: str
    ) -> Entry | RestoreRefused:
        holds = in_force(history, draft.program, self._settings.programs.renamed)
        refusal = _refusal(request, draft.number, holds)
        if refusal:
            return RestoreRefused(refusal)
        restore = Restore(
            request.basis,
            request.evidence,
            opt_out=next((one.event for one in holds.opt_outs if one.event), ""),
            seen=max(cursor, holds.seen, key=inbox_place),
        )
        # A consent that they withdrew themselves is not given back.
        membership = holds.before.membership() if holds.own is None and not holds.waited else None
        return msgspec.structs.replace(draft, restore=restore, membership_before=membership)


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
