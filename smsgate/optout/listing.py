"""What an imported list does to its numbers: pure, and settled once for all that stand alike.

An opt-out of a list holds whatever the list says of its age. A consent of a list goes on record at
most: it lifts no opt-out, since nobody knows for sure which of them is newer.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgate.consent import Published, Standing
from smsgate.messages import Stored
from smsgate.optout.policy import Settled, settle


def as_plain(stored: Stored) -> Stored:
    """The entry of a list as the entry that each of its numbers would have had alone."""
    action = "" if stored.entry.decision.intent.stops else "consent"
    entry = msgspec.structs.replace(stored.entry, action=action, numbers=(), since_us=())
    return Stored(stored.id, stored.stamp_us, entry)


def settle_listed(
    plain: Stored, standing: Standing, published: Mapping[str, Published], now_us: int
) -> Settled:
    """What the entry (see ``as_plain``) does to a number of the list that stands so.

    Nobody is answered. Marks are kept only of numbers that have some: the others would take 40
    times the memory of the sets for 48 hours, and nothing that came before the list is compared
    with it (it has no account, so the order of the inbox counts).
    """
    settled = settle(plain, standing, published, now_us)
    moved = settled.standing
    if not standing.state.marks and moved.state.marks:
        state = msgspec.structs.replace(moved.state, marks={})
        moved = msgspec.structs.replace(moved, state=state)
    return Settled(moved, settled.outcome, "", settled.note, settled.closes_review)
