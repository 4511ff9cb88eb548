"""The rules of consent: what a text does to the consent state of its number.

Also which of two messages counts, and whether a reply may still leave. What people decide about a
number (``Entry.action``) is in ``actions.py``. 47 CFR 64.1200(a)(10) says that an opt-out must take
effect, and not which of two messages counts where they arrive in the wrong order; that rule is ours
(``ahead_us``).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from smsgate.consent.events import ConsentState, Mark, PublishedProgram
from smsgate.domain.messages import (
    ALL,
    Decision,
    Entry,
    Intent,
    Reply,
    StoredEntry,
    inbox_place,
    ms_of,
)
from smsgate.settings import Program

HELP_WINDOW_US = 3600 * 1_000_000
HELP_LIMIT = 3
"""Answers to HELP per number and hour, so that two robots cannot keep each other busy."""
QUESTION_US = 24 * 3600 * 1_000_000
"""How long YES answers our question."""
COMPARABLE_US = 48 * 3600 * 1_000_000
"""Event times further apart than this are not compared."""
_UNPUBLISHED = PublishedProgram()
_NEWER_OPT_IN = "an opt-in that is newer was applied before"


class Transition(msgspec.Struct, frozen=True):
    """What an entry did to its number."""

    after: ConsentState
    outcome: str
    """``applied``, ``repeat``, ``stale``, ``tie``, ``asked``, ``refused`` or ``recorded``."""
    reply: str = ""
    """Kind of the reply that is due, or nothing."""
    note: str = ""
    """Why no reply is due."""
    closes_review: bool = False


def published_program(program: Program) -> PublishedProgram:
    """What the store tells every gate of a program."""
    return PublishedProgram(
        program.kind,
        program.scope,
        program.title,
        program.require_consent,
        program.double_opt_in,
        program.formerly,
    )


def scope_of(decision: Decision, program: Program) -> str:
    """Where an opt-out holds: ``all`` or the program's name; empty for what is no opt-out."""
    if not decision.intent.stops:
        return ""
    if decision.intent is Intent.OPT_OUT_ALL or decision.scope == ALL:
        return ALL
    if decision.scope == "program" or program.scope == "program":
        return program.name
    return ALL


def apply_text(
    stored: StoredEntry,
    before: ConsentState,
    published: Mapping[str, PublishedProgram],
    now_us: int,
) -> Transition:
    """What an entry without an action does to its number. ``now_us`` is on Redis's clock."""
    entry = stored.entry
    if not entry.program:
        return Transition(before, "recorded", note="no program has this sender")
    if not entry.phone:
        return Transition(before, "recorded", note="what texted us is no phone number")
    if entry.decision.intent.stops:
        return opt_out(stored, before, published)
    if entry.decision.intent is Intent.OPT_IN:
        return _opt_in(stored, before, published.get(entry.program, _UNPUBLISHED), now_us)
    if entry.decision.wants_help:
        return _answer_help(before, now_us)
    # A person decided that a text which waited asked for nothing.
    decided = entry.source == "operator" and entry.decision.intent is Intent.NONE
    return Transition(before, "recorded", closes_review=decided)


def opt_out(
    stored: StoredEntry, before: ConsentState, published: Mapping[str, PublishedProgram]
) -> Transition:
    """Apply an opt-out; what a newer opt-in said since stays."""
    scope, program = stored.entry.scope, stored.entry.program
    if ahead_us(stored, before.state.marks.get(ALL)) >= 0:  # it adds nothing to a known one of all
        if before.blocked(program):
            return Transition(before, "repeat", note="already opted out", closes_review=True)
        return Transition(before, "stale", note=_NEWER_OPT_IN)
    newer = {name for name in opted_in(before) if is_superseded(stored, before, name)}
    if scope != ALL and scope in newer:
        return Transition(before, "stale", note=_NEWER_OPT_IN)
    after = without_question(before, scope)
    if scope == ALL:  # only programs with a newer opt-in keep or get an exception
        after = replace(
            after,
            everywhere=True,
            exceptions=frozenset(newer),
            consents=before.consents & newer,
        )
    else:
        after = replace(
            after,
            opted_out=before.opted_out | {scope},
            exceptions=before.exceptions - {scope},
            consents=before.consents - {scope},
        )
    known = {*published, program, *before.opted_out, *before.exceptions}
    changed = any(after.blocked(name) and not before.blocked(name) for name in known)
    after = marked(stored, after, scope, changed=changed)
    if program in newer:
        return Transition(after, "stale", note=_NEWER_OPT_IN)
    if not changed:
        return Transition(after, "repeat", note="already opted out", closes_review=True)
    return Transition(after, "applied", "opt_out", closes_review=True)


def _opt_in(
    stored: StoredEntry, before: ConsentState, program: PublishedProgram, now_us: int
) -> Transition:
    """Apply a START, which lifts the opt-out from its program unless a newer one is known."""
    entry, name = stored.entry, stored.entry.program
    if entry.source != "text":
        return Transition(before, "refused", note="only the subscriber opts in; others restore")
    if before.locked:
        return Transition(before, "refused", note="the number is locked")
    newer = [scope for scope in (name, ALL) if is_superseded(stored, before, scope)]
    if newer and all(_is_tie(stored, before, scope) for scope in newer):
        return Transition(before, "tie", note="an opt-out has the same time, and it wins a tie")
    if newer:
        return Transition(before, "stale", note="an opt-out that is newer was applied before")
    asked = before.state.asked_us
    answers = name in asked and stored.arrived_us - asked[name] <= QUESTION_US
    if entry.decision.condition and not answers:
        return Transition(before, "recorded", note="no question of ours was open")
    known = before.blocked(name) or name in before.consents
    if program.double_opt_in and not answers and not known:
        return Transition(with_questions(before, {**asked, name: now_us}), "asked", "question")
    # It lifts the opt-out from the program that was texted alone, and is a consent to it.
    after = without_opt_out(before, name)
    after = replace(after, consents=before.consents | {name})
    changed = _may_text(after, name, program) and not _may_text(before, name, program)
    changed = changed or (answers and name not in before.consents)
    after = marked(stored, without_question(after, name), name, changed=changed)
    if not changed:
        return Transition(after, "repeat", note="was not opted out")
    return Transition(after, "applied", "opt_in")


def _may_text(consent_state: ConsentState, name: str, program: PublishedProgram) -> bool:
    """Whether the program may text the number, by sets and consents."""
    consented = not program.require_consent or name in consent_state.consents
    return consented and not consent_state.blocked(name)


def _answer_help(before: ConsentState, now_us: int) -> Transition:
    """Answer HELP, unless that was done several times within the hour."""
    recent = tuple(at for at in before.state.helped_us if at > now_us - HELP_WINDOW_US)
    if len(recent) >= HELP_LIMIT:
        note = f"HELP was answered {HELP_LIMIT} times this hour"
        return Transition(before, "recorded", note=note)
    state = replace(before.state, helped_us=(*recent, now_us))
    return Transition(replace(before, state=state), "recorded", "help")


def without_opt_out(before: ConsentState, scope: str) -> ConsentState:
    """How a number stands once nothing of a scope holds; of a program, that program alone."""
    if scope == ALL:
        return replace(before, everywhere=False, exceptions=frozenset())
    return replace(
        before,
        opted_out=before.opted_out - {scope},
        exceptions=before.exceptions | ({scope} if before.everywhere else set()),
    )


def without_question(before: ConsentState, program: str) -> ConsentState:
    """The consent state without an open question of the program, or of all of them."""
    asked_us = before.state.asked_us
    if program not in asked_us and not (program == ALL and asked_us):
        return before
    return with_questions(
        before, {name: at for name, at in asked_us.items() if program not in (ALL, name)}
    )


def with_questions(before: ConsentState, asked_us: dict[str, int]) -> ConsentState:
    """The consent state with the open questions that were put at these times, by program."""
    return replace(before, state=replace(before.state, asked_us=asked_us))


# --- which of two messages counts -----------------------------------------------------------------


def opted_in(consent_state: ConsentState) -> list[str]:
    """The scopes whose newest mark is an opt-in."""
    return [scope for scope, mark in consent_state.state.marks.items() if not mark.stops]


def is_superseded(stored: StoredEntry, before: ConsentState, scope: str) -> bool:
    """Whether the scope's newest mark is of the other kind and newer than the message."""
    mark = before.state.marks.get(scope)
    if mark is None or mark.stops == stored.entry.decision.intent.stops:
        return False
    if mark.stops and is_since_outage(stored, mark):
        return True
    ahead = ahead_us(stored, mark)
    return ahead >= 0 if mark.stops else ahead > 0


def _is_tie(stored: StoredEntry, before: ConsentState, scope: str) -> bool:
    """Whether only an opt-out of the same event time supersedes an opt-in.

    Some providers give times in whole seconds, so that START may have been sent after STOP.
    """
    mark = before.state.marks.get(scope)
    return mark is not None and not is_since_outage(stored, mark) and ahead_us(stored, mark) == 0


def is_since_outage(stored: StoredEntry, mark: Mark) -> bool:
    """Whether the mark was stored since the outage began that kept the message in a spool.

    The spool's event times are its host's, and an opt-in must not win by a clock that is ahead.
    Both having come from spools, their event times decide as usual.
    """
    outage_us = stored.entry.outage_us
    return bool(outage_us) and not mark.spooled and ms_of(mark.id) * 1000 >= outage_us


def ahead_us(stored: StoredEntry, mark: Mark | None) -> int:
    """How much newer the mark is than the message; negative where it is older.

    Where event times are not compared the message is the newer one, as it came into the inbox
    later.
    """
    if mark is None or mark.account != stored.entry.account:
        return -1
    ahead = mark.event_time_us - stored.event_time_us
    return ahead if abs(ahead) <= COMPARABLE_US else -1


def marked(stored: StoredEntry, after: ConsentState, scope: str, *, changed: bool) -> ConsentState:
    """Remember the message as the newest of its scope, unless a newer one of its kind is known."""
    entry, known = stored.entry, after.state.marks.get(scope)
    decision, stops = entry.decision, entry.decision.intent.stops
    event_time, since, change = stored.event_time_us, stored.event_time_us, stored.id
    why = f"{decision.rule} {decision.keyword}".strip() if entry.source == "text" else entry.source
    if known is not None and known.stops == stops:
        if known.account == entry.account:
            event_time = max(event_time, known.event_time_us)
        if not changed:
            since, change, why = known.since_us, known.changed, known.why
    mark = Mark(
        stops=stops,
        event_time_us=event_time,
        account=entry.account,
        id=stored.id,
        since_us=since,
        changed=change,
        spooled=bool(entry.outage_us),
        why=why,
    )
    return replace(after, state=replace(after.state, marks={**after.state.marks, scope: mark}))


# --- whether a reply may leave --------------------------------------------------------------------

APP = "app"
"""Kind of a reply that is a text of the operator's own application."""
MAX_CALL_US = 13 * 1_000_000
"""The longest that a call may take; it must have ended before the deadline."""


def obstacle(reply: Reply, consent_state: ConsentState, *, held: bool, now_us: int) -> str:
    """Why the reply must not leave: ``late``, ``superseded``, or nothing.

    Only the confirmation of an opt-out and HELP pass while the number is blocked. A reply is
    superseded by any change that came after the message it answers. What an application says is
    for the gate to judge, not for this.
    """
    if late(reply, now_us):
        return "late"
    if reply.kind == "help":
        return ""
    blocked = held or consent_state.blocked(reply.program)
    if blocked != (reply.kind == "opt_out") or _changed_since(reply, consent_state):
        return "superseded"
    return ""


def late(reply: Reply, now_us: int) -> bool:
    """Whether a call that begins now could end after the deadline."""
    return now_us + MAX_CALL_US > reply.deadline_us


def _changed_since(reply: Reply, consent_state: ConsentState) -> bool:
    marks = (consent_state.state.marks.get(scope) for scope in (reply.program, ALL))
    changes = [inbox_place(mark.changed) for mark in marks if mark is not None and mark.changed]
    answered = inbox_place(reply.answers)
    return any(change > answered for change in changes)


# --- texts that wait for a person -----------------------------------------------------------------

REVIEWED = "reviewed"
"""The rule of a person's decision about a text that waited."""


def decision_id(key: str) -> str:
    """The message id of a decision about what waits by that key."""
    return f"{REVIEWED}-{key}"


def closed_up_to(entry: Entry, id_: str) -> str:
    """The inbox id up to which an entry ends the wait of texts.

    Where a person found that it is no opt-out, that is only for what the person saw.
    """
    found = entry.source == "operator" and entry.decision.rule == REVIEWED
    return (seen_id(entry) if found and not entry.decision.intent.stops else "") or id_


def seen_id(entry: Entry) -> str:
    """The inbox id of the newest text that the person who decided had seen."""
    _, _, key = entry.message_id.partition(decision_id(""))
    return key.partition("-")[2]
