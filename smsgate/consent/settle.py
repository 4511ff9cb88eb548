"""What an entry of the inbox does to the consent state of its number.

A worker calls ``settle`` for each entry, with what the store knows of the number.
"""

from __future__ import annotations

from collections.abc import Mapping

from smsgate.consent.events import ConsentState, PublishedProgram
from smsgate.consent.other_entries import ACTIONS, answer_help, opt_in, restore
from smsgate.consent.transitions import Settlement, opt_out
from smsgate.domain.messages import Intent, StoredEntry

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
    if entry.action in ACTIONS:
        return ACTIONS[entry.action](stored, consent_state, published)
    if entry.decision.intent.stops:
        return opt_out(stored, consent_state, published)
    if entry.decision.intent is Intent.OPT_IN:
        return opt_in(stored, consent_state, published.get(entry.program, _UNPUBLISHED), now_us)
    if entry.decision.wants_help:
        return answer_help(consent_state, now_us)
    # A person decided that a text which waited asked for nothing.
    decided = entry.source == "operator" and entry.decision.intent is Intent.NONE
    return Settlement(consent_state, "recorded", closes_review=decided)
