"""Restores: an opt-out lifted by somebody other than the subscriber. Pure.

The subscriber's own START needs nothing of this. Anybody else needs a basis: a newer consent with
its evidence, evidence that an admin names, or that the opt-out was entered by us and not by the
subscriber. Whether a basis fits the history of the number is decided where the restore is asked for
(``pipeline/restores.py``); here it is applied, unless something newer was said in between.
"""

from __future__ import annotations

import msgspec

from smsgate.consent.events import Standing
from smsgate.domain.messages import ALL, Consent, Restore, Stored, inbox_place

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
    MISTAKE: "nobody knows whose opt-out holds, so it counts as the subscriber's own",
    CONSENT: "nobody knows since when the opt-out holds, so the consent may be older; an admin may "
    "name evidence",
}
"""Why an opt-out of which nothing is on record is not lifted, by basis."""


def is_held(standing: Standing, scope: str) -> bool:
    """Whether an opt-out holds in a scope (``all`` or a program), locks aside."""
    if scope == ALL:
        return standing.everywhere
    return scope in standing.own or (standing.everywhere and scope not in standing.back)


def restored(stored: Stored, standing: Standing, now_us: int) -> Standing | str:
    """How a number stands after a restore, or why it stays as it is. Times in us, Redis's clock."""
    problem = _refusal(stored, standing, now_us)
    if problem:
        return problem
    entry = stored.entry
    moved = without_opt_out(standing, entry.program)
    stood = entry.stood.consents if entry.stood is not None else ()
    given_back = {one for one in stood if entry.program in (ALL, one)}
    if entry.consent is not None and entry.program != ALL:
        given_back.add(entry.program)
    consents = standing.consents | {one for one in given_back if not moved.blocked(one)}
    return msgspec.structs.replace(moved, consents=consents)


def without_opt_out(standing: Standing, scope: str) -> Standing:
    """How a number stands once nothing of a scope holds; of a program, that program alone."""
    if scope == ALL:
        return msgspec.structs.replace(standing, everywhere=False, back=frozenset())
    return msgspec.structs.replace(
        standing,
        own=standing.own - {scope},
        back=standing.back | {scope} if standing.everywhere else standing.back,
    )


def _refusal(stored: Stored, standing: Standing, now_us: int) -> str:
    entry, scope = stored.entry, stored.entry.program
    if standing.locked:
        return "the number is locked"
    restore = entry.restore or Restore("")
    if basis_problem(restore.basis, restore.evidence, entry.consent):
        return "nothing that allows it came with it"
    if now_us - stored.received_us > LONGEST_WAIT_US:
        return "it waited for over a day to be applied; ask for it again"
    if _said_since(standing, scope, restore.seen):
        return "something newer was said of the number since it was asked for"
    if not restore.opt_out and is_held(standing, scope):
        return _OF_UNKNOWN.get(restore.basis, "")
    return ""


def _said_since(standing: Standing, scope: str, seen: str) -> bool:
    known = inbox_place(seen)
    marks = [mark for name, mark in standing.state.marks.items() if name in (ALL, scope)]
    return any(inbox_place(mark.id) > known for mark in marks)
