"""What an entry of the inbox does to the consent state of its number.

A worker calls ``settle`` for each entry, with what the store knows of the number.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.consent.events import ConsentState, PublishedProgram
from smsgate.consent.restore import restore, undo, without_opt_out
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
from smsgate.domain.messages import ALL, Intent, StoredEntry

HELP_WINDOW_US = 3600 * 1_000_000
HELP_LIMIT = 3
"""Answers to HELP per number and hour, so that two robots cannot keep each other busy."""
QUESTION_US = 24 * 3600 * 1_000_000
"""How long YES answers our question."""
_UNPUBLISHED = PublishedProgram()


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
        return restore(stored, consent_state, now_us)
    if entry.action == "undo":
        return undo(stored, consent_state)
    if entry.action in ("lock", "unlock"):
        return _set_lock(stored, consent_state, published)
    if entry.action == "consent":
        return _record_consent(consent_state, entry.program)
    if entry.decision.intent.stops:
        return opt_out(stored, consent_state, published)
    if entry.decision.intent is Intent.OPT_IN:
        return _opt_in(stored, consent_state, published.get(entry.program, _UNPUBLISHED), now_us)
    if entry.decision.wants_help:
        return _answer_help(consent_state, now_us)
    # A person decided that a text which waited asked for nothing.
    decided = entry.source == "operator" and entry.decision.intent is Intent.NONE
    return Settlement(consent_state, "recorded", closes_review=decided)


def _opt_in(
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
    if newer and all(_is_tie(stored, consent_state, scope) for scope in newer):
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


def _set_lock(
    stored: StoredEntry, consent_state: ConsentState, published: Mapping[str, PublishedProgram]
) -> Settlement:
    """Lock a number (a litigant, a minor, an order of a court), or let its texts count again.

    No text of the number's lifts a lock; opt-outs stay when a person does.
    """
    locks = stored.entry.action == "lock"
    if locks == consent_state.locked:
        note = "locked already" if locks else "was not locked"
        return Settlement(consent_state, "repeat", note=note)
    moved = opt_out(stored, consent_state, published).consent_state if locks else consent_state
    moved = msgspec.structs.replace(moved, locked=locks)
    return Settlement(moved, "applied", closes_review=locks)


def _record_consent(consent_state: ConsentState, program: str) -> Settlement:
    """Record a consent. It never lifts an opt-out, since their order is unknown."""
    if consent_state.blocked(program):
        return Settlement(consent_state, "refused", note="an opt-out or a lock holds; it stays")
    if program in consent_state.consents:
        return Settlement(consent_state, "repeat", note="a consent was on record")
    consents = consent_state.consents | {program}
    return Settlement(msgspec.structs.replace(consent_state, consents=consents), "applied")


def _answer_help(consent_state: ConsentState, now_us: int) -> Settlement:
    """Answer HELP, unless that was done several times within the hour."""
    recent = tuple(at for at in consent_state.state.helped_us if at > now_us - HELP_WINDOW_US)
    if len(recent) >= HELP_LIMIT:
        return Settlement(
            consent_state, "recorded", note=f"HELP was answered {HELP_LIMIT} times this hour"
        )
    state = msgspec.structs.replace(consent_state.state, helped_us=(*recent, now_us))
    return Settlement(msgspec.structs.replace(consent_state, state=state), "recorded", "help")


def _is_tie(stored: StoredEntry, consent_state: ConsentState, scope: str) -> bool:
    """Whether only an opt-out of the same event time supersedes an opt-in.

    Some providers give times in whole seconds, so that START may have been sent after STOP.
    """
    mark = consent_state.state.marks.get(scope)
    return mark is not None and not is_since_outage(stored, mark) and ahead_us(stored, mark) == 0
