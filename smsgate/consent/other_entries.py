"""What entries other than opt-outs do to the consent state of their number."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.consent.events import ConsentState, PublishedProgram
from smsgate.consent.restore import restored, undone, without_opt_out
from smsgate.consent.transitions import (
    Settlement,
    ahead_us,
    is_since_outage,
    is_superseded,
    marked,
    opt_out,
    with_questions,
    without_question,
)
from smsgate.domain.messages import ALL, StoredEntry

HELP_WINDOW_US = 3600 * 1_000_000
QUESTION_US = 24 * 3600 * 1_000_000
"""How long YES answers our question."""
HELP_LIMIT = 3
"""Answers to HELP per number and hour, so that two robots cannot keep each other busy."""


def opt_in(
    stored: StoredEntry, consent_state: ConsentState, program: PublishedProgram, now_us: int
) -> Settlement:
    """Settle a START, which lifts the opt-out from its program unless a newer one is known."""
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
    asked = consent_state.state.asked_us
    answers = name in asked and stored.arrived_us - asked[name] <= QUESTION_US
    if entry.decision.condition and not answers:
        return Settlement(consent_state, "recorded", note="no question of ours was open")
    known = consent_state.blocked(name) or name in consent_state.consents
    if program.double_opt_in and not answers and not known:
        moved = with_questions(consent_state, {**asked, name: now_us})
        return Settlement(moved, "asked", "question")
    # It lifts the opt-out from the program that was texted alone, and is a consent to it.
    moved = without_opt_out(consent_state, name)
    moved = msgspec.structs.replace(moved, consents=consent_state.consents | {name})
    changed = _may_text(moved, name, program) and not _may_text(consent_state, name, program)
    changed = changed or (answers and name not in consent_state.consents)
    moved = marked(stored, without_question(moved, name), name, changed=changed)
    if not changed:
        return Settlement(moved, "repeat", note="was not opted out")
    return Settlement(moved, "applied", "opt_in")


def _may_text(consent_state: ConsentState, name: str, program: PublishedProgram) -> bool:
    """Whether the program may text the number, by sets and consents."""
    consented = not program.require_consent or name in consent_state.consents
    return consented and not consent_state.blocked(name)


def _lock(
    stored: StoredEntry, consent_state: ConsentState, published: Mapping[str, PublishedProgram]
) -> Settlement:
    """A litigant, a minor, an order of a court: no text of the number's lifts it."""
    if consent_state.locked:
        return Settlement(consent_state, "repeat", note="locked already")
    moved = msgspec.structs.replace(
        opt_out(stored, consent_state, published).consent_state, locked=True
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


def restore(stored: StoredEntry, consent_state: ConsentState, now_us: int) -> Settlement:
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


ACTIONS = {"lock": _lock, "unlock": _unlock, "consent": _consent, "undo": _undo}


def answer_help(consent_state: ConsentState, now_us: int) -> Settlement:
    """Answer HELP, unless that was done several times within the hour."""
    recent = tuple(at for at in consent_state.state.helped_us if at > now_us - HELP_WINDOW_US)
    if len(recent) >= HELP_LIMIT:
        return Settlement(
            consent_state, "recorded", note=f"HELP was answered {HELP_LIMIT} times this hour"
        )
    state = msgspec.structs.replace(consent_state.state, helped_us=(*recent, now_us))
    return Settlement(msgspec.structs.replace(consent_state, state=state), "recorded", "help")


def is_tie(stored: StoredEntry, consent_state: ConsentState, scope: str) -> bool:
    """Whether only an opt-out of the same event time supersedes an opt-in.

    Some providers give times in whole seconds, so that START may have been sent after STOP.
    """
    mark = consent_state.state.marks.get(scope)
    return mark is not None and not is_since_outage(stored, mark) and ahead_us(stored, mark) == 0
