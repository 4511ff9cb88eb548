"""What is written down of an entry that was applied. Pure."""

from __future__ import annotations

from smsgate import __version__
from smsgate.consent.events import Event, Standing, event_id
from smsgate.consent.transitions import Settled
from smsgate.domain.messages import Entry, Intent, Stored, ms_of
from smsgate.pipeline.forwards import without_form


def applied_event(
    partition: int, stored: Stored, before: Standing, settled: Settled, note: str, now_us: int
) -> Event:
    """The event of an entry. ``note``: why nobody answers it, or nothing."""
    entry = stored.entry
    after = settled.standing
    return Event(
        id=event_id(
            ms_of(stored.id),
            str(partition),
            stored.id,
            entry.number,
            entry.account,
            entry.message_id,
        ),
        kind=_kind(entry),
        outcome=settled.outcome,
        number=entry.number,
        program=entry.program,
        scope=entry.scope,
        before=_state(before, entry),
        after=_state(after, entry),
        standing=after if entry.phone and after != before else None,
        inbox_id=stored.id,
        entry=without_form(entry),
        event_time_us=stored.event_time_us,
        received_us=stored.received_us,
        applied_us=now_us,
        note=note,
        software=__version__,
    )


def _kind(entry: Entry) -> str:
    """What is no intent is called by its rule: ``unrouted``, ``unreachable``, ``unreadable``.

    An ordinary text is here only because it goes on to an application: ``text``.
    """
    if entry.action:
        return "restored" if entry.action == "restore" else entry.action
    if entry.program and entry.decision.intent is not Intent.NONE:
        return entry.decision.intent.value
    return "text" if entry.forward_content is not None else entry.decision.rule


def _state(standing: Standing, entry: Entry) -> str:
    if not entry.program or not entry.phone:
        return ""
    return "blocked" if standing.blocked(entry.program) else "allowed"
