"""Order: which of two messages of a number is the newer one, and what is remembered of the newest.

A message is stale for a program if a newer one has already settled that program. Newer is what
has the later event time, where both came through one account within 48 hours, else what came into
the inbox later. On equal event times the opt-out wins.
"""

from __future__ import annotations

import msgspec

from smsgate.consent.events import Mark, NumberState, Standing
from smsgate.domain.messages import Decision, Stored, ms_of

COMPARABLE_US = 48 * 3600 * 1_000_000
"""Event times further apart than this are not compared."""


def opted_in(standing: Standing) -> list[str]:
    """The scopes whose newest mark is an opt-in."""
    return [scope for scope, mark in standing.state.marks.items() if not mark.stops]


def overtaken(stored: Stored, standing: Standing, scope: str) -> bool:
    """Whether the scope's newest mark is of the other kind and newer than the message."""
    mark = standing.state.marks.get(scope)
    if mark is None or mark.stops == stored.entry.decision.intent.stops:
        return False
    if mark.stops and _since_outage(stored, mark):
        return True
    ahead = ahead_us(stored, mark)
    return ahead >= 0 if mark.stops else ahead > 0


def is_tie(stored: Stored, standing: Standing, scope: str) -> bool:
    """Whether only an opt-out of the same event time supersedes an opt-in.

    Some providers give times in whole seconds, so that START may have been sent after STOP.
    """
    mark = standing.state.marks.get(scope)
    return mark is not None and not _since_outage(stored, mark) and ahead_us(stored, mark) == 0


def _since_outage(stored: Stored, mark: Mark) -> bool:
    """Whether the mark was stored since the outage began that kept the message in a spool.

    The spool's event times are its host's, and an opt-in must not win by a clock that is ahead.
    Both having come from spools, their event times decide as usual.
    """
    outage_us = stored.entry.outage_us
    return bool(outage_us) and not mark.spooled and ms_of(mark.id) * 1000 >= outage_us


def ahead_us(stored: Stored, mark: Mark | None) -> int:
    """How much newer the mark is than the message; negative where it is older.

    Where event times are not compared the message is the newer one, as it came into the inbox
    later.
    """
    if mark is None or mark.account != stored.entry.account:
        return -1
    ahead = mark.event_time_us - stored.event_time_us
    return ahead if abs(ahead) <= COMPARABLE_US else -1


def marked(stored: Stored, standing: Standing, scope: str, *, changed: bool) -> Standing:
    """Remember the message as the newest of its scope, unless a newer one of its kind is known."""
    entry, known = stored.entry, standing.state.marks.get(scope)
    stops = entry.decision.intent.stops
    same_kind = known is not None and known.stops == stops
    event_time, since, change = stored.event_time_us, stored.event_time_us, stored.id
    if known is not None and same_kind:
        if known.account == entry.account:
            event_time = max(event_time, known.event_time_us)
        if not changed:
            since, change = known.since_us, known.changed
    mark = Mark(
        stops=stops,
        event_time_us=event_time,
        account=entry.account,
        id=stored.id,
        since_us=since,
        changed=change,
        spooled=bool(entry.outage_us),
        why=_why(entry.decision, entry.source),
    )
    state: NumberState = standing.state
    marks = {**state.marks, scope: mark}
    return msgspec.structs.replace(standing, state=msgspec.structs.replace(state, marks=marks))


def _why(decision: Decision, source: str) -> str:
    if source != "text":
        return source
    return f"{decision.rule} {decision.keyword}".strip()
