"""A text that goes on to the application of its program, as it is stored."""

from __future__ import annotations

import msgspec

from smsgate.domain.messages import Entry


class Forward(msgspec.Struct, frozen=True, omit_defaults=True):
    """An applied text to forward to the application of its program."""

    entry: Entry
    inbox_id: str
    event: str
    """Id of the event that says what became of the text here; also that of the delivery."""
    outcome: str
    """Of that event: ``applied``, ``repeat``, ``recorded`` …"""
    event_time_us: int
    v: int = 1
