"""A person's opt-out taken back: the number stands as it did before, if nothing came since."""

from __future__ import annotations

import msgspec

from smsgate.consent.events import Standing
from smsgate.domain.messages import ALL, Stood, Stored, inbox_place


def undone(stored: Stored, standing: Standing) -> Standing | None:
    """How the number stands without the decision that an ``undo`` names.

    None where that cannot be said, and everything stays: the number was locked, the decision
    changed nothing, something was said of the number since or just before it (its own STOP, above
    all), or the decision is older than marks are kept.
    """
    stood, marks = stored.entry.stood, standing.state.marks
    if stood is None or standing.locked or not marks:
        return None
    scope, newest = max(marks.items(), key=lambda item: inbox_place(item[1].id))
    if newest.changed != stored.entry.undoes or newest.id != newest.changed:
        return None
    if _sets(standing) != _decided(stood, scope):
        return None
    older = {name: mark for name, mark in marks.items() if name != scope}
    return Standing(
        everywhere=stood.everywhere,
        own=frozenset(stood.own),
        back=frozenset(stood.back),
        consents=frozenset(stood.consents) | standing.consents,
        state=msgspec.structs.replace(standing.state, marks=older),
    )


def _sets(standing: Standing) -> tuple[bool, frozenset[str]]:
    return standing.everywhere, standing.own


def _decided(stood: Stood, scope: str) -> tuple[bool, frozenset[str]]:
    """The sets of a number that stood so, after an opt-out of that scope and nothing else."""
    if scope == ALL:
        return True, frozenset(stood.own)
    return stood.everywhere, frozenset({*stood.own, scope})
