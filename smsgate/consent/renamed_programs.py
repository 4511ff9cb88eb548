"""What still has a program's former name: entries that wait, and states of numbers.

A program that is renamed still gets texts under its former name until the last process has the new
configuration. They count for the program all the same, in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.consent.events import ConsentState
from smsgate.domain.messages import StoredEntry


def entry_now(stored: StoredEntry, renamed: Mapping[str, str]) -> StoredEntry:
    """An entry under the names that programs have now. ``renamed`` gives them by former name."""
    entry = stored.entry
    if entry.program not in renamed and entry.scope not in renamed:
        return stored
    named = msgspec.structs.replace(
        entry,
        program=renamed.get(entry.program, entry.program),
        scope=renamed.get(entry.scope, entry.scope),
    )
    return StoredEntry(stored.id, stored.event_time_us, named)


def current_consent_state(consent_state: ConsentState, renamed: Mapping[str, str]) -> ConsentState:
    """How a number stands under the names that programs have now.

    Opt-outs and what is remembered of their order; never a return or a consent, which may be older
    than an opt-out under the name.
    """
    known = consent_state.state.marks
    if not (consent_state.opted_out & renamed.keys() or known.keys() & renamed.keys()):
        return consent_state
    under_former = {renamed[scope]: mark for scope, mark in known.items() if scope in renamed}
    marks = under_former | {scope: one for scope, one in known.items() if scope not in renamed}
    state = msgspec.structs.replace(consent_state.state, marks=marks)
    own = frozenset(renamed.get(name, name) for name in consent_state.opted_out)
    return msgspec.structs.replace(consent_state, opted_out=own, state=state)


def recorded_consent_state(consent_state: ConsentState, renamed: Mapping[str, str]) -> ConsentState:
    """Return a number's state after an event of any age, under the programs' present names.

    Returns and consents too: at a renaming the store carries them to the new name.
    """
    moved = current_consent_state(consent_state, renamed)
    return msgspec.structs.replace(
        moved,
        exceptions=_not_opted_out(consent_state.exceptions, moved.opted_out, renamed),
        consents=_not_opted_out(consent_state.consents, moved.opted_out, renamed),
    )


def _not_opted_out(
    programs: frozenset[str], own: frozenset[str], renamed: Mapping[str, str]
) -> frozenset[str]:
    """Programs under their names of now; a former one not where the new one was opted out of."""
    return frozenset(renamed.get(name, name) for name in programs if renamed.get(name) not in own)
