"""Messages that go on to the application of their program, as they are stored."""

from __future__ import annotations

import msgspec

from smsgate.domain.messages import Entry


class Forward(msgspec.Struct, frozen=True, omit_defaults=True):
    """An applied message to forward to the application of its program."""

    id: str
    """Partition and inbox id, so written that ids of a partition sort as their messages came."""
    entry: Entry
    inbox_id: str
    event: str
    """Id of the event that says what became of the message here."""
    outcome: str
    """Of that event: ``applied``, ``repeat``, ``recorded`` …"""
    event_time_us: int
    tries: int = 0
    note: str = ""
    """What went wrong last."""
    v: int = 1


class UndeliveredForward(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message that its application did not take; kept until a person retries or dismisses it."""

    forward: Forward
    note: str
    at_us: int
    v: int = 1


def forward_id(partition: int, inbox_id: str) -> str:
    """The id of the forward of an inbox entry."""
    ms, _, seq = inbox_id.partition("-")
    return f"{partition}-{ms}-{seq:0>6}"
