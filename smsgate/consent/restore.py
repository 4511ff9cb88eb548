"""Restores: opt-outs that someone other than the subscriber lifts. Pure.

The subscriber's own START needs nothing of this. Anybody else needs a basis: a newer consent with
its evidence, evidence that an admin names, or that the opt-out was entered by us and not by the
subscriber. Whether a basis fits the history of the number is decided where the restore is asked for
(``features/numbers/manual_entries.py``); here it is applied, unless something newer was said in
between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from smsgate.consent.events import ConsentState, Event
from smsgate.consent.renamed_programs import recorded_consent_state
from smsgate.consent.reviews import undecided
from smsgate.consent.transitions import REVIEWED, Settlement, marked
from smsgate.domain.entry_parts import Consent, Restore
from smsgate.domain.messages import ALL, StoredEntry, inbox_place

CONSENT, MISTAKE, EVIDENCE = "consent", "mistake", "evidence"
BASES = (CONSENT, MISTAKE, EVIDENCE)
LONGEST_WAIT_US = 24 * 3600 * 1_000_000
"""How long a restore may wait to be applied: well below the 48 hours for which marks are kept, by
which it is known whether something newer was said."""


def basis_problem(basis: str, evidence: str, consent: Consent | None) -> str:
    """What is missing or too much in a basis; empty where it is complete."""
    if basis not in BASES:
        return (
            "Say what allows it: a newer consent (`consent`), a mistake of ours (`mistake`), or "
            "evidence that an admin names (`evidence`)."
        )
    if (basis == CONSENT) is not (consent is not None):
        return (
            "The basis `consent` needs the consent: its words, how, where and when it was given."
            if basis == CONSENT
            else "A consent goes with the basis `consent`."
        )
    if consent is not None and not (consent.words and consent.source and consent.given_us):
        return (
            "The consent that allows it needs its words, its source (where exactly: page, form, "
            "file) and when it was given."
        )
    if (basis == EVIDENCE) is not bool(evidence):
        return (
            "Name the evidence that they want texts, and where it can be found."
            if basis == EVIDENCE
            else "Evidence goes with the basis `evidence`."
        )
    return ""


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
    restore = entry.restore or Restore("")
    if basis_problem(restore.basis, restore.evidence, entry.consent):
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


_OURS = ("operator", "api")
"""Sources that speak for us. Everything else is the subscriber, or nobody knows who: a list mostly
has people who opted out elsewhere."""

_SECOND_US = 1_000_000
_DAY_US = 24 * 3600 * _SECOND_US


@dataclass(frozen=True, slots=True)
class OptOut:
    """An opt-out that holds."""

    event: str
    """Id of its event, or of the first one that shows that it holds."""
    at_us: int
    """When it was said; where that is not known, the first moment at which it is known to hold."""
    until_us: int
    """Until when it may have been said, where its time has whole seconds or, in lists, days only;
    a tie is the opt-out's."""
    source: str
    """``text``, ``link``, ``provider``, ``operator`` …; empty where nobody knows."""
    actor: str
    own: bool
    """Whether it is the subscriber's, or may be."""


@dataclass(frozen=True, slots=True)
class OptOutsInForce:
    """What stands against a number in a scope."""

    opt_outs: tuple[OptOut, ...]
    """Oldest first; empty where it may be texted."""
    before: ConsentState
    """How the number stood before the first of them."""
    waited: bool
    """Whether a text that might have been an opt-out waited for a person when the first came."""
    locked: bool
    seen: str
    """Inbox id of the newest that is known of the number."""

    @property
    def own(self) -> OptOut | None:
        """The newest of them that is the subscriber's, or may be."""
        return next((one for one in reversed(self.opt_outs) if one.own), None)


def in_force(history: Sequence[Event], scope: str, renamed: Mapping[str, str]) -> OptOutsInForce:
    """What stands against a number, by its events, oldest first.

    ``scope``: ``all`` or a program; ``renamed`` gives a program's name by its former one.
    """
    consent_state, before, waited = ConsentState(), ConsentState(), False
    found: list[OptOut] = []
    for place, event in enumerate(history):
        after = (
            consent_state
            if event.consent_state is None
            else recorded_consent_state(event.consent_state, renamed)
        )
        more = _opt_outs(event, scope, consent_state, after, renamed)
        if not found and more:
            before, waited = consent_state, _waits(history[:place], scope, renamed)
        found = [*found, *more] if is_held(after, scope) else []
        consent_state = after
    ids = [event.inbox_id for event in history if event.reply is None and event.inbox_id]
    newest = max(ids, key=inbox_place, default="")
    return OptOutsInForce(tuple(found), before, waited, consent_state.locked, newest)


def _opt_outs(
    event: Event, scope: str, before: ConsentState, after: ConsentState, renamed: Mapping[str, str]
) -> list[OptOut]:
    """What an event adds to the opt-outs that hold after it."""
    if not is_held(after, scope):
        return []
    entry, concerned = event.entry, renamed.get(event.program, event.program)
    older = event.before == "blocked" and not before.blocked(concerned)
    at_us = event.event_time_us or event.received_us or event.applied_us
    # An older opt-out, whose event retention has removed: nobody knows whose it was, nor since when
    # it held before this event.
    until_us = _until_us(at_us, listed=event.kind == "import")
    unknown = OptOut(event.id, at_us, until_us, "", "", own=True)
    found = [unknown] if older else []
    if entry is not None and entry.decision.intent.stops and event.outcome != "refused":
        if renamed.get(event.scope, event.scope) in (ALL, scope):
            ours = entry.source in _OURS and entry.decision.rule != REVIEWED
            found.append(OptOut(event.id, at_us, until_us, entry.source, entry.actor, own=not ours))
    elif not is_held(before, scope):  # as a rebuild left it, which had lost what came between
        found.append(unknown)
    return found


def _until_us(at_us: int, *, listed: bool) -> int:
    if listed and at_us % _DAY_US == 0:
        return at_us + _DAY_US - 1
    return at_us + _SECOND_US - 1 if at_us % _SECOND_US == 0 else at_us


def _waits(history: Sequence[Event], scope: str, renamed: Mapping[str, str]) -> bool:
    programs = {renamed.get(program, program) for program in undecided(history)}
    return bool(programs) if scope == ALL else scope in programs
