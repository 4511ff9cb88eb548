"""Restores: opt-outs that someone other than the subscriber lifts. Pure.

The subscriber's own START needs nothing of this. Anybody else needs a basis: a newer consent with
its evidence, evidence that an admin names, or that the opt-out was entered by us and not by the
subscriber. Whether a basis fits the history of the number is decided where the restore is asked for
(``features/numbers/restores.py``); here it is applied, unless something newer was said in
between.
"""

from __future__ import annotations

import msgspec

from smsgate.consent.events import ConsentState
from smsgate.consent.transitions import Settlement, marked
from smsgate.domain.messages import ALL, StoredEntry, inbox_place

CONSENT, MISTAKE, EVIDENCE = "consent", "mistake", "evidence"
LONGEST_WAIT_US = 24 * 3600 * 1_000_000
"""How long a restore may wait to be applied: well below the 48 hours for which marks are kept, by
which it is known whether something newer was said."""


_OF_UNKNOWN = {
    MISTAKE: "it is unknown who opted out, so it counts as the subscriber's own",
    CONSENT: "the time of the opt-out is unknown, so the consent may be older; an admin may name "
    "evidence",
}
"""Why an opt-out of which nothing is on record is not lifted, by basis."""


def is_held(consent_state: ConsentState, scope: str) -> bool:
    """Whether an opt-out holds in a scope (``all`` or a program), locks aside."""
    if scope == ALL:
        return consent_state.everywhere
    return scope in consent_state.opted_out or (
        consent_state.everywhere and scope not in consent_state.exceptions
    )


def restore(stored: StoredEntry, consent_state: ConsentState, now_us: int) -> Settlement:
    """Lift an opt-out for someone other than the subscriber, on a basis. There is no reply."""
    problem = _refusal(stored, consent_state, now_us)
    if problem:
        return Settlement(consent_state, "refused", note=problem)
    entry = stored.entry
    moved = without_opt_out(consent_state, entry.program)
    held = entry.membership_before.consents if entry.membership_before is not None else ()
    given_back = {one for one in held if entry.program in (ALL, one)}
    if entry.consent is not None and entry.program != ALL:
        given_back.add(entry.program)
    consents = consent_state.consents | {one for one in given_back if not moved.blocked(one)}
    moved = msgspec.structs.replace(moved, consents=consents)
    changed = moved != consent_state
    moved = marked(stored, moved, entry.program, changed=changed)
    if not changed:
        return Settlement(moved, "repeat", note="was not opted out")
    return Settlement(moved, "applied")


def without_opt_out(consent_state: ConsentState, scope: str) -> ConsentState:
    """How a number stands once nothing of a scope holds; of a program, that program alone."""
    if scope == ALL:
        return msgspec.structs.replace(consent_state, everywhere=False, exceptions=frozenset())
    return msgspec.structs.replace(
        consent_state,
        opted_out=consent_state.opted_out - {scope},
        exceptions=consent_state.exceptions | ({scope} if consent_state.everywhere else set()),
    )


def _refusal(stored: StoredEntry, consent_state: ConsentState, now_us: int) -> str:
    entry, scope = stored.entry, stored.entry.program
    if consent_state.locked:
        return "the number is locked"
    restore = entry.restore
    if restore is None:
        return "nothing that allows it came with it"
    if now_us - stored.received_us > LONGEST_WAIT_US:
        return "it waited for over a day to be applied; ask for it again"
    if _has_newer_mark(consent_state, scope, restore.seen):
        return "something newer was said of the number since it was asked for"
    if not restore.opt_out and is_held(consent_state, scope):
        return _OF_UNKNOWN.get(restore.basis, "")
    return ""


def _has_newer_mark(consent_state: ConsentState, scope: str, seen: str) -> bool:
    known = inbox_place(seen)
    marks = [mark for name, mark in consent_state.state.marks.items() if name in (ALL, scope)]
    return any(inbox_place(mark.id) > known for mark in marks)


def undo(stored: StoredEntry, consent_state: ConsentState) -> Settlement:
    """Put a number back as it was before the decision that an ``undo`` names.

    Refused where that cannot be said: the number was locked, the decision changed nothing,
    something was said of the number since or just before it (its own STOP, above all), or the
    decision is older than marks are kept.
    """
    before, marks = stored.entry.membership_before, consent_state.state.marks
    kept = Settlement(consent_state, "refused", note="something newer was said since; it stays")
    if before is None or consent_state.locked or not marks:
        return kept
    scope, newest = max(marks.items(), key=lambda item: inbox_place(item[1].id))
    if newest.changed != stored.entry.undoes or newest.id != newest.changed:
        return kept
    everywhere = scope == ALL or before.everywhere
    own = frozenset(before.opted_out) if scope == ALL else frozenset({*before.opted_out, scope})
    if (consent_state.everywhere, consent_state.opted_out) != (everywhere, own):
        return kept  # after that opt-out and nothing else it would be in these sets
    older = {name: mark for name, mark in marks.items() if name != scope}
    moved = ConsentState(
        everywhere=before.everywhere,
        opted_out=frozenset(before.opted_out),
        exceptions=frozenset(before.exceptions),
        consents=frozenset(before.consents) | consent_state.consents,
        state=msgspec.structs.replace(consent_state.state, marks=older),
    )
    return Settlement(moved, "applied")
