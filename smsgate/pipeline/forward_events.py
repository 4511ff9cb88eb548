"""What is written down of a message for an application: taken, given up, retried … Pure."""

from __future__ import annotations

from smsgate import __version__
from smsgate.consent.events import Event, event_id
from smsgate.domain.messages import Forward

KIND = "forward"
TAKEN = "taken"
GIVEN_UP = "given_up"
RETRIED = "retried"
DISMISSED = "dismissed"


def forward_event(forward: Forward, outcome: str, now_us: int, note: str = "") -> Event:
    """The event that says what became of a forward."""
    return Event(
        id=event_id(now_us // 1000, forward.id, outcome, str(now_us)),
        kind=KIND,
        outcome=outcome,
        number=forward.entry.number,
        program=forward.entry.program,
        inbox_id=forward.inbox_id,
        applied_us=now_us,
        note=note,
        software=__version__,
    )
