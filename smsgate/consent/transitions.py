"""What an opt-out does to the consent state of its number, and which of two messages counts.

47 CFR 64.1200(a)(10) says that an opt-out must take effect, and not which of two messages counts
where they arrive in the wrong order; that rule is ours (``ahead_us``).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.consent.events import ConsentState, Mark, NumberState, PublishedProgram
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


class Settlement(msgspec.Struct, frozen=True):
    """What an entry did to its number."""

    consent_state: ConsentState
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


def opt_out(
    stored: StoredEntry, consent_state: ConsentState, published: Mapping[str, PublishedProgram]
) -> Settlement:
    """Settle an opt-out; what a newer opt-in said since stays."""
    entry = stored.entry
    scope, program = entry.scope, entry.program
    if ahead_us(stored, consent_state.state.marks.get(ALL)) >= 0:
        return _after_opt_out_of_all(consent_state, program)
    newer = {name for name in opted_in(consent_state) if is_superseded(stored, consent_state, name)}
    if scope != ALL and scope in newer:
        return Settlement(consent_state, "stale", note="an opt-in that is newer was applied before")
    moved = (
        _opted_out_of_all(consent_state, newer)
        if scope == ALL
        else _opted_out_of(consent_state, scope)
    )
    known = {*published, program, *consent_state.opted_out, *consent_state.exceptions}
    changed = any(moved.blocked(name) and not consent_state.blocked(name) for name in known)
    moved = marked(stored, moved, scope, changed=changed)
    if program in newer:
        return Settlement(moved, "stale", note="an opt-in that is newer was applied before")
    if not changed:
        return Settlement(moved, "repeat", note="already opted out", closes_review=True)
    return Settlement(moved, "applied", "opt_out", closes_review=True)


def _after_opt_out_of_all(consent_state: ConsentState, program: str) -> Settlement:
    """An opt-out that is no newer than a known one of scope ``all`` adds nothing to it."""
    if consent_state.blocked(program):
        return Settlement(consent_state, "repeat", note="already opted out", closes_review=True)
    return Settlement(consent_state, "stale", note="an opt-in that is newer was applied before")


def without_question(consent_state: ConsentState, program: str) -> ConsentState:
    """The consent state without an open question of the program, or of all of them."""
    asked_us = consent_state.state.asked_us
    if program not in asked_us and not (program == ALL and asked_us):
        return consent_state
    kept = {name: at for name, at in asked_us.items() if program not in (ALL, name)}
    return with_questions(consent_state, kept)


def with_questions(consent_state: ConsentState, asked_us: dict[str, int]) -> ConsentState:
    """The consent state with the open questions that were put at these times, by program."""
    state = msgspec.structs.replace(consent_state.state, asked_us=asked_us)
    return msgspec.structs.replace(consent_state, state=state)


def _opted_out_of_all(consent_state: ConsentState, newer: set[str]) -> ConsentState:
    """The number joins ``all``; only programs with a newer opt-in keep or get an exception."""
    moved = without_question(consent_state, ALL)
    return msgspec.structs.replace(
        moved, everywhere=True, exceptions=frozenset(newer), consents=consent_state.consents & newer
    )


def _opted_out_of(consent_state: ConsentState, program: str) -> ConsentState:
    return msgspec.structs.replace(
        without_question(consent_state, program),
        opted_out=consent_state.opted_out | {program},
        exceptions=consent_state.exceptions - {program},
        consents=consent_state.consents - {program},
    )


COMPARABLE_US = 48 * 3600 * 1_000_000
"""Event times further apart than this are not compared."""


def opted_in(consent_state: ConsentState) -> list[str]:
    """The scopes whose newest mark is an opt-in."""
    return [scope for scope, mark in consent_state.state.marks.items() if not mark.stops]


def is_superseded(stored: StoredEntry, consent_state: ConsentState, scope: str) -> bool:
    """Whether the scope's newest mark is of the other kind and newer than the message."""
    mark = consent_state.state.marks.get(scope)
    if mark is None or mark.stops == stored.entry.decision.intent.stops:
        return False
    if mark.stops and is_since_outage(stored, mark):
        return True
    ahead = ahead_us(stored, mark)
    return ahead >= 0 if mark.stops else ahead > 0


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


def marked(
    stored: StoredEntry, consent_state: ConsentState, scope: str, *, changed: bool
) -> ConsentState:
    """Remember the message as the newest of its scope, unless a newer one of its kind is known."""
    entry, known = stored.entry, consent_state.state.marks.get(scope)
    decision, stops = entry.decision, entry.decision.intent.stops
    same_kind = known is not None and known.stops == stops
    event_time, since, change = stored.event_time_us, stored.event_time_us, stored.id
    if known is not None and same_kind:
        if known.account == entry.account:
            event_time = max(event_time, known.event_time_us)
        if not changed:
            since, change = known.since_us, known.changed
    mark = Mark(
        stops=stops,
        event_time_us=event_time,
        account=entry.account,
        id=stored.id,
        since_us=since,
        changed=change,
        spooled=bool(entry.outage_us),
        why=f"{decision.rule} {decision.keyword}".strip()
        if entry.source == "text"
        else entry.source,
    )
    state: NumberState = consent_state.state
    marks = {**state.marks, scope: mark}
    return msgspec.structs.replace(consent_state, state=msgspec.structs.replace(state, marks=marks))


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


REVIEWED = "reviewed"
"""The rule of a person's decision about a text that waited."""


def decision_id(key: str) -> str:
    """The message id of a decision about what waits by that key."""
    return f"{REVIEWED}-{key}"


def settled_up_to(entry: Entry, id_: str) -> str:
    """The inbox id up to which an entry settles what waits.

    Where a person found that it is no opt-out, that is only for what the person saw.
    """
    found = entry.source == "operator" and entry.decision.rule == REVIEWED
    return (seen_id(entry) if found and not entry.decision.intent.stops else "") or id_


def seen_id(entry: Entry) -> str:
    """The inbox id of the newest text that the person who decided had seen."""
    _, _, key = entry.message_id.partition(decision_id(""))
    return key.partition("-")[2]
