"""What an imported list does to its numbers: pure, and worked out once for all that stand alike.

Also what its event says of each of them.

An opt-out of a list holds whatever the list says of its age. A consent of a list goes on record at
most: it lifts no opt-out, since nobody knows for sure which of them is newer.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from smsgate.consent.actions import LONGEST_WAIT_US, apply_action
from smsgate.consent.events import ConsentState, Event, PublishedProgram
from smsgate.consent.rules import Transition, apply_text
from smsgate.domain.messages import StoredEntry, inbox_place


def as_plain(stored: StoredEntry) -> StoredEntry:
    """The entry of a list as the entry that each of its numbers would have had alone."""
    action = "" if stored.entry.decision.intent.stops else "consent"
    entry = replace(stored.entry, action=action, numbers=(), since_us=())
    return StoredEntry(stored.id, stored.event_time_us, entry)


def apply_listed(
    plain: StoredEntry,
    before: ConsentState,
    published: Mapping[str, PublishedProgram],
    now_us: int,
) -> Transition:
    """Return the effect of the entry (see ``as_plain``) on a number of the list in this state.

    Nobody is answered. Marks are kept only of numbers that have some: the others would take 40
    times the memory of the sets for 48 hours, and nothing that came before the list is compared
    with it (it has no account, so the order of the inbox counts).
    """
    rules = apply_action if plain.entry.action else apply_text
    transition = rules(plain, before, published, now_us)
    after = transition.after
    if not before.state.marks:
        after = replace(after, state=replace(after.state, marks={}))
    return replace(transition, after=after, reply="")


def undo_listed(
    stored: StoredEntry, before: ConsentState, last_list: str, now_us: int
) -> Transition:
    """Return the effect of undoing an import on a number of the list in this state.

    ``last_list`` is the inbox id of the newest list that was applied in the partition: one that
    came since the histories were read may have named the number, which leaves no mark. Then, and
    where it waited for too long, the outcome is ``stale``, and it can be asked for again. If
    anything else happened to the number since, it keeps what it has: ``kept``.
    """
    undo, previous = stored.entry.list_undo, stored.entry.membership_before
    if undo is None or previous is None:
        return Transition(before, "refused", note="it does not say how its numbers stood")
    seen = inbox_place(undo.seen)
    if inbox_place(last_list) > seen or now_us - stored.received_us > LONGEST_WAIT_US:
        return Transition(before, "stale", note="another list was applied meanwhile")
    newer = any(inbox_place(mark.id) > seen for mark in before.state.marks.values())
    if newer or before.locked or before.membership() != undo.membership_after:
        return Transition(before, "kept", note="something newer was said or done since the list")
    return Transition(before.with_membership(previous), "applied")


def numbers_of(event: Event) -> set[str]:
    """The numbers that an event is about."""
    if event.listed:
        return {number for group in event.listed for number in group.numbers}
    return {event.number}


def event_for(event: Event, number: str) -> Event | None:
    """What an event says of one number: of a list only its part; None where it does not say."""
    if not event.listed:
        return event if event.number == number else None
    for group in event.listed:
        if number in group.numbers:
            place, entry = group.numbers.index(number), event.entry
            since = group.since_us[place] if group.since_us else 0
            if entry is not None and group.external_sources:
                source = group.external_sources[place]
                entry = replace(entry, external_source=source)
            return replace(
                event,
                entry=entry,
                number=number,
                outcome=group.outcome,
                before=group.before,
                after=group.after,
                consent_state=group.consent_state,
                note=group.note,
                event_time_us=since or event.event_time_us,
                listed=(),
            )
    return None
