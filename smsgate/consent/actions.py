"""What people decide about a number: locks, consents, restores, and what takes a decision back.

A restore lifts an opt-out for someone other than the subscriber, whose own START needs nothing of
this. Anybody else needs a basis: a newer consent with its evidence, evidence that an admin names,
or that the opt-out was entered by us and not by the subscriber. Whether a basis fits the history of
the number is decided where the restore is asked for (``features/numbers/restores.py``); here it is
applied, unless something newer was said in between.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from smsgate.consent.events import ConsentState, PublishedProgram
from smsgate.consent.rules import Transition, marked, opt_out, without_opt_out
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


def apply_action(
    stored: StoredEntry,
    before: ConsentState,
    published: Mapping[str, PublishedProgram],
    now_us: int,
) -> Transition:
    """What an entry with an action does to its number. ``now_us`` is on Redis's clock."""
    action = stored.entry.action
    if action == "restore":
        return _restore(stored, before, now_us)
    if action == "undo":
        return _undo(stored, before)
    if action in ("lock", "unlock"):
        return _set_lock(stored, before, published)
    if action == "consent":
        return _record_consent(before, stored.entry.program)
    return Transition(before, "refused", note=f"this version does not know the action {action!r}")


def _set_lock(
    stored: StoredEntry, before: ConsentState, published: Mapping[str, PublishedProgram]
) -> Transition:
    """Lock a number (a litigant, a minor, an order of a court), or let its texts count again.

    No text of the number's lifts a lock; opt-outs stay when a person does.
    """
    locks = stored.entry.action == "lock"
    if locks == before.locked:
        note = "locked already" if locks else "was not locked"
        return Transition(before, "repeat", note=note)
    after = opt_out(stored, before, published).after if locks else before
    return Transition(replace(after, locked=locks), "applied", closes_review=locks)


def _record_consent(before: ConsentState, program: str) -> Transition:
    """Record a consent. It never lifts an opt-out, since their order is unknown."""
    if before.blocked(program):
        return Transition(before, "refused", note="an opt-out or a lock holds; it stays")
    if program in before.consents:
        return Transition(before, "repeat", note="a consent was on record")
    return Transition(replace(before, consents=before.consents | {program}), "applied")


def is_held(consent_state: ConsentState, scope: str) -> bool:
    """Whether an opt-out holds in a scope (``all`` or a program), locks aside."""
    if scope == ALL:
        return consent_state.everywhere
    return replace(consent_state, locked=False).blocked(scope)


def _restore(stored: StoredEntry, before: ConsentState, now_us: int) -> Transition:
    """Lift an opt-out for someone other than the subscriber, on a basis. There is no reply."""
    if problem := _refusal(stored, before, now_us):
        return Transition(before, "refused", note=problem)
    entry = stored.entry
    after = without_opt_out(before, entry.program)
    held = entry.membership_before.consents if entry.membership_before is not None else ()
    given_back = {one for one in held if entry.program in (ALL, one)}
    if entry.consent is not None and entry.program != ALL:
        given_back.add(entry.program)
    consents = before.consents | {one for one in given_back if not after.blocked(one)}
    after = replace(after, consents=consents)
    changed = after != before
    after = marked(stored, after, entry.program, changed=changed)
    if not changed:
        return Transition(after, "repeat", note="was not opted out")
    return Transition(after, "applied")


def _refusal(stored: StoredEntry, before: ConsentState, now_us: int) -> str:
    scope, basis = stored.entry.program, stored.entry.restore
    if before.locked:
        return "the number is locked"
    if basis is None:
        return "nothing that allows it came with it"
    if now_us - stored.received_us > LONGEST_WAIT_US:
        return "it waited for over a day to be applied; ask for it again"
    known = inbox_place(basis.seen)
    marks = [mark for name, mark in before.state.marks.items() if name in (ALL, scope)]
    if any(inbox_place(mark.id) > known for mark in marks):
        return "something newer was said of the number since it was asked for"
    if not basis.opt_out and is_held(before, scope):
        return _OF_UNKNOWN.get(basis.basis, "")
    return ""


def _undo(stored: StoredEntry, before: ConsentState) -> Transition:
    """Put a number back as it was before the decision that an ``undo`` names.

    Refused where that cannot be said: the number was locked, the decision changed nothing,
    something was said of the number since or just before it (its own STOP, above all), or the
    decision is older than marks are kept.
    """
    previous, marks = stored.entry.membership_before, before.state.marks
    kept = Transition(before, "refused", note="something newer was said since; it stays")
    if previous is None or before.locked or not marks:
        return kept
    scope, newest = max(marks.items(), key=lambda item: inbox_place(item[1].id))
    if newest.changed != stored.entry.undoes or newest.id != newest.changed:
        return kept
    own = frozenset(previous.opted_out) | ({scope} - {ALL})
    if (before.everywhere, before.opted_out) != (scope == ALL or previous.everywhere, own):
        return kept  # after that opt-out and nothing else it would be in these sets
    older = {name: mark for name, mark in marks.items() if name != scope}
    after = before.with_membership(previous)
    consents = after.consents | before.consents
    return Transition(
        replace(after, consents=consents, state=replace(before.state, marks=older)), "applied"
    )
