"""The values that travel through smsgate. Frozen, named, and without behaviour that talks.

Times are integers in microseconds since 1970 (UTC) and end in ``_us``; the stamp of a message
and every deadline are on Redis's clock. Values that are stored (``Entry``, ``Reply``, and
those of ``consent.py``) are msgspec structs with short JSON, carry a schema version ``v``, and read
older and newer versions alike: unknown fields are ignored, new fields need defaults.
"""

from __future__ import annotations

from smsgate.domain.messages.calls import HttpCall, HttpReply, Outcome, Verdict, WebhookRequest
from smsgate.domain.messages.forwards import Forward, GivenUp, forward_id
from smsgate.domain.messages.onward import Onward, Posted
from smsgate.domain.messages.values import (
    ALL,
    Added,
    Arrival,
    Consent,
    Decision,
    Entry,
    InboundMessage,
    Intent,
    ListUndo,
    Reply,
    Restore,
    Stood,
    Stored,
    inbox_place,
    ms_of,
    numbers_in,
)

__all__ = [
    "ALL",
    "Added",
    "Arrival",
    "Consent",
    "Decision",
    "Entry",
    "Forward",
    "GivenUp",
    "HttpCall",
    "HttpReply",
    "InboundMessage",
    "Intent",
    "ListUndo",
    "Onward",
    "Outcome",
    "Posted",
    "Reply",
    "Restore",
    "Stood",
    "Stored",
    "Verdict",
    "WebhookRequest",
    "forward_id",
    "inbox_place",
    "ms_of",
    "numbers_in",
]
