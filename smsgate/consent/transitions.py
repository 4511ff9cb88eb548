"""What an entry of the inbox does to the consent state of its number.

A worker calls ``settle`` for each entry, with what the store knows of the number. 47 CFR
64.1200(a)(10) says that an opt-out must take effect, and not which of two messages counts where
they arrive in the wrong order; that rule is ours (``ahead_us``).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.consent.events import ConsentState, Mark, NumberState, PublishedProgram
from smsgate.consent.restore import restored, undone, without_opt_out
from smsgate.domain.messages import ALL, Decision, Entry, Intent, Reply, StoredEntry, ms_of
from smsgate.settings import Program

HELP_WINDOW_US = 3600 * 1_000_000
QUESTION_US = 24 * 3600 * 1_000_000
"""How long YES answers our question."""
_UNPUBLISHED = PublishedProgram()
HELP_LIMIT = 3
"""Answers to HELP per number and hour, so that two robots cannot keep each other busy."""


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


def settle(
    stored: StoredEntry,
    consent_state: ConsentState,
    published: Mapping[str, PublishedProgram],
    now_us: int,
) -> Settlement:
    """What an entry does to a number of this consent state. ``now_us`` is on Redis's clock."""
    entry = stored.entry
    if not entry.program:
        return Settlement(consent_state, "recorded", note="no program has this sender")
    if not entry.phone:
        return Settlement(consent_state, "recorded", note="what texted us is no phone number")
    if entry.action == "restore":
        return _restore(stored, consent_state, now_us)
    if entry.action in _ACTIONS:
        return _ACTIONS[entry.action](stored, consent_state, published)
    if entry.decision.intent.stops:
        return _opt_out(stored, consent_state, published)
    if entry.decision.intent is Intent.OPT_IN:
        return _opt_in(stored, consent_state, published.get(entry.program, _UNPUBLISHED), now_us)
    if entry.decision.intent is Intent.HELP:
        return _help(consent_state, now_us)
    # A person decided that a text which waited asked for nothing.
    decided = entry.source == "operator" and entry.decision.intent is Intent.NONE
    return Settlement(consent_state, "recorded", closes_review=decided)


def _opt_out(
    stored: StoredEntry, consent_state: ConsentState, published: Mapping[str, PublishedProgram]
) -> Settlement:
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
    known = {*published, program, *consent_state.own, *consent_state.back}
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


def _opt_in(
    stored: StoredEntry, consent_state: ConsentState, program: PublishedProgram, now_us: int
) -> Settlement:
    entry = stored.entry
    name = entry.program
    if entry.source != "text":
        return Settlement(
            consent_state, "refused", note="only the subscriber opts in; others restore"
        )
    if consent_state.locked:
        return Settlement(consent_state, "refused", note="the number is locked")
    newer = [scope for scope in (name, ALL) if is_superseded(stored, consent_state, scope)]
    if newer and all(is_tie(stored, consent_state, scope) for scope in newer):
        return Settlement(
            consent_state, "tie", note="an opt-out has the same time, and it wins a tie"
        )
    if newer:
        return Settlement(
            consent_state, "stale", note="an opt-out that is newer was applied before"
        )
    answers = _question_open(stored, consent_state)
    if entry.decision.condition and not answers:
        return Settlement(consent_state, "recorded", note="no question of ours was open")
    if program.double_opt_in and not answers and _is_new(entry, consent_state):
        return Settlement(_asked(consent_state, name, now_us), "asked", "question")
    moved = _lifted(consent_state, name)
    changed = _may_text(moved, name, program) and not _may_text(consent_state, name, program)
    changed = changed or (answers and name not in consent_state.consents)
    moved = marked(stored, _without_question(moved, name), name, changed=changed)
    if not changed:
        return Settlement(moved, "repeat", note="was not opted out")
    return Settlement(moved, "applied", "opt_in")


def _may_text(consent_state: ConsentState, name: str, program: PublishedProgram) -> bool:
    """Whether the program may text the number, by sets and consents."""
    consented = not program.require_consent or name in consent_state.consents
    return consented and not consent_state.blocked(name)


def _is_new(entry: Entry, consent_state: ConsentState) -> bool:
    """Whether a text asks for something that the number neither left nor has."""
    known = consent_state.blocked(entry.program) or entry.program in consent_state.consents
    return entry.source == "text" and not known


def _question_open(stored: StoredEntry, consent_state: ConsentState) -> bool:
    asked_us = consent_state.state.asked_us.get(stored.entry.program)
    return asked_us is not None and stored.arrived_us - asked_us <= QUESTION_US


def _asked(consent_state: ConsentState, program: str, now_us: int) -> ConsentState:
    return _with_questions(consent_state, {**consent_state.state.asked_us, program: now_us})


def _without_question(consent_state: ConsentState, program: str) -> ConsentState:
    asked_us = consent_state.state.asked_us
    if program not in asked_us and not (program == ALL and asked_us):
        return consent_state
    kept = {name: at for name, at in asked_us.items() if program not in (ALL, name)}
    return _with_questions(consent_state, kept)


def _with_questions(consent_state: ConsentState, asked_us: dict[str, int]) -> ConsentState:
    state = msgspec.structs.replace(consent_state.state, asked_us=asked_us)
    return msgspec.structs.replace(consent_state, state=state)


def _lock(
    stored: StoredEntry, consent_state: ConsentState, published: Mapping[str, PublishedProgram]
) -> Settlement:
    """A litigant, a minor, an order of a court: no text of the number's lifts it."""
    if consent_state.locked:
        return Settlement(consent_state, "repeat", note="locked already")
    moved = msgspec.structs.replace(
        _opt_out(stored, consent_state, published).consent_state, locked=True
    )
    return Settlement(moved, "applied", closes_review=True)


def _unlock(
    _: StoredEntry, consent_state: ConsentState, __: Mapping[str, PublishedProgram]
) -> Settlement:
    """Let the number's texts count again; opt-outs stay."""
    if not consent_state.locked:
        return Settlement(consent_state, "repeat", note="was not locked")
    return Settlement(msgspec.structs.replace(consent_state, locked=False), "applied")


def _consent(
    stored: StoredEntry, consent_state: ConsentState, _: Mapping[str, PublishedProgram]
) -> Settlement:
    """Record a consent. It never lifts an opt-out, since their order is unknown."""
    program = stored.entry.program
    if consent_state.blocked(program):
        return Settlement(consent_state, "refused", note="an opt-out or a lock holds; it stays")
    if program in consent_state.consents:
        return Settlement(consent_state, "repeat", note="a consent was on record")
    consents = consent_state.consents | {program}
    return Settlement(msgspec.structs.replace(consent_state, consents=consents), "applied")


def _restore(stored: StoredEntry, consent_state: ConsentState, now_us: int) -> Settlement:
    """Lift an opt-out for someone other than the subscriber, on a basis. There is no reply."""
    moved = restored(stored, consent_state, now_us)
    if isinstance(moved, str):
        return Settlement(consent_state, "refused", note=moved)
    changed = moved != consent_state
    moved = marked(stored, moved, stored.entry.program, changed=changed)
    if not changed:
        return Settlement(moved, "repeat", note="was not opted out")
    return Settlement(moved, "applied")


def _undo(
    stored: StoredEntry, consent_state: ConsentState, _: Mapping[str, PublishedProgram]
) -> Settlement:
    before = undone(stored, consent_state)
    if before is None:
        return Settlement(consent_state, "refused", note="something newer was said since; it stays")
    return Settlement(before, "applied")


_ACTIONS = {"lock": _lock, "unlock": _unlock, "consent": _consent, "undo": _undo}


def _help(consent_state: ConsentState, now_us: int) -> Settlement:
    recent = tuple(at for at in consent_state.state.helped_us if at > now_us - HELP_WINDOW_US)
    if len(recent) >= HELP_LIMIT:
        return Settlement(
            consent_state, "recorded", note=f"HELP was answered {HELP_LIMIT} times this hour"
        )
    state = msgspec.structs.replace(consent_state.state, helped_us=(*recent, now_us))
    return Settlement(msgspec.structs.replace(consent_state, state=state), "recorded", "help")


def _opted_out_of_all(consent_state: ConsentState, newer: set[str]) -> ConsentState:
    """The number joins ``all``; only programs with a newer opt-in keep or get an exception."""
    moved = _without_question(consent_state, ALL)
    return msgspec.structs.replace(
        moved, everywhere=True, back=frozenset(newer), consents=consent_state.consents & newer
    )


def _opted_out_of(consent_state: ConsentState, program: str) -> ConsentState:
    return msgspec.structs.replace(
        _without_question(consent_state, program),
        own=consent_state.own | {program},
        back=consent_state.back - {program},
        consents=consent_state.consents - {program},
    )


def _lifted(consent_state: ConsentState, program: str) -> ConsentState:
    """START lifts the opt-out from the program that was texted alone, and is a consent to it."""
    moved = without_opt_out(consent_state, program)
    return msgspec.structs.replace(moved, consents=consent_state.consents | {program})


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
    if mark.stops and _since_outage(stored, mark):
        return True
    ahead = ahead_us(stored, mark)
    return ahead >= 0 if mark.stops else ahead > 0


def is_tie(stored: StoredEntry, consent_state: ConsentState, scope: str) -> bool:
    """Whether only an opt-out of the same event time supersedes an opt-in.

    Some providers give times in whole seconds, so that START may have been sent after STOP.
    """
    mark = consent_state.state.marks.get(scope)
    return mark is not None and not _since_outage(stored, mark) and ahead_us(stored, mark) == 0


def _since_outage(stored: StoredEntry, mark: Mark) -> bool:
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
    stops = entry.decision.intent.stops
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
        why=_why(entry.decision, entry.source),
    )
    state: NumberState = consent_state.state
    marks = {**state.marks, scope: mark}
    return msgspec.structs.replace(consent_state, state=msgspec.structs.replace(state, marks=marks))


def _why(decision: Decision, source: str) -> str:
    if source != "text":
        return source
    return f"{decision.rule} {decision.keyword}".strip()


APP = "app"
"""Kind of a reply that is a text of the operator's own application."""
REPLY_WINDOW_US = 300 * 1_000_000
"""A confirmation leaves within five minutes of receipt or not at all (47 CFR 64.1200(a)(12))."""
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
    changes = [_order(mark.changed) for mark in marks if mark is not None and mark.changed]
    answered = _order(reply.answers)
    return any(change > answered for change in changes)


def _order(id_: str) -> tuple[int, int]:
    """Ids of a Redis stream in their order."""
    ms, _, seq = id_.partition("-")
    return int(ms), int(seq or 0)
