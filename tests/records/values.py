"""Events for tests, and the lines of the ledger that tell of them."""

from __future__ import annotations

import msgspec

from smsgate.consent.events import ConsentState, Event, event_id
from smsgate.domain.messages import Intent, Reply
from tests.fakes.values import NUMBER, entry

START_MS = 1_764_000_000_000
STOPPED = ConsentState(everywhere=True)


def event(at: int = 0, number: str = NUMBER, **rest) -> Event:
    """An opt-out that was received ``at`` ms after the start."""
    kind = rest.pop("kind", "opt_out")
    text = rest.pop("text", f"Stop {at}")
    given = rest.pop("entry", None) or entry(
        Intent.OPT_OUT, number, text=text, message_id=rest.pop("message_id", f"SM{at}")
    )
    return Event(
        id=rest.pop("id", "") or event_id(START_MS + at, number, str(at)),
        kind=kind,
        outcome=rest.pop("outcome", "applied"),
        number=number,
        program=rest.pop("program", "alerts"),
        consent_state=rest.pop("consent_state", STOPPED),
        inbox_id=f"{START_MS + at}-0",
        entry=given,
        received_us=(START_MS + at) * 1000,
        applied_us=(START_MS + at) * 1000 + 5,
        **rest,
    )


def reply_event(at: int = 0, number: str = NUMBER, text: str = "You are unsubscribed.") -> Event:
    """What became of a confirmation."""
    reply = Reply(
        id=f"3-{START_MS + at}-0",
        kind="opt_out",
        account="twilio",
        number=number,
        sender="+14155550999",
        program="alerts",
        text=text,
        deadline_us=(START_MS + at) * 1000 + 300_000_000,
    )
    return Event(
        id=event_id(START_MS + at, reply.id, "sent"),
        kind="reply",
        outcome="sent",
        number=number,
        program="alerts",
        reply=reply,
        applied_us=(START_MS + at) * 1000,
        provider_id="SMreply",
    )


def lines(*events: Event) -> list[bytes]:
    """As they stand in the ledger."""
    return [msgspec.json.encode(one) for one in events]
