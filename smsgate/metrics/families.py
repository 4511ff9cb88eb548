"""Every count and time that smsgate keeps: a closed list, with the labels of each.

Labels are names that operators or this code chose: accounts, programs, intents, outcomes. No
number, text, address or secret is ever a label; what does not look like a name becomes ``other``.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

OTHER = "other"
_NAME = re.compile(r"[a-z0-9_.-]{0,40}")
_DIGITS = re.compile(r"[0-9]{7}")
_QUICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Until a confirmation's deadline (compliance: five minutes)."""


@dataclass(frozen=True, slots=True)
class Family:
    """Counts, or times where it has ``buckets``."""

    name: str
    """Without the ``smsgate_`` and ``_total`` that Prometheus sees."""
    says: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()
    """Upper bounds in seconds."""


WEBHOOKS = Family(
    "webhook_requests",
    "Requests of providers: accepted, or the name of the error that refused them",
    ("account", "result"),
)
MESSAGES = Family(
    "messages",
    "Messages accepted at the door, by what they ask for; duplicate had come before",
    ("account", "intent"),
)
EVENTS = Family(
    "events",
    "What workers applied, by what was asked for and what became of it",
    ("account", "intent", "outcome"),
)
REPLIES = Family(
    "replies",
    "Replies of ours that are settled, by what became of them",
    ("account", "kind", "outcome"),
)
RECEIPTS = Family(
    "receipts",
    "Replies of ours of which the provider told the end: delivered, undelivered, failed",
    ("account", "outcome"),
)
CALLS = Family(
    "provider_calls",
    "Calls of providers that were to send a reply, by what their answer meant",
    ("account", "result"),
)
GATE = Family(
    "gate_answers",
    "Numbers that senders asked the gate about: allowed, or why not",
    ("program", "reason"),
)
REFUSED_KEYS = Family(
    "refused_keys",
    "Requests that a key would have opened: missing, wrong, throttled (too many wrong ones)",
    ("endpoint", "reason"),
)
STORED_S = Family(
    "stored_seconds",
    "From a provider's request at our door to its answer, by when its message is stored",
    ("account",),
    _QUICK_S,
)
APPLIED_S = Family(
    "applied_seconds", "From the receipt of a message to its being applied", ("account",), _SLOW_S
)
CONFIRMED_S = Family(
    "confirmed_seconds",
    "From the receipt of a message to the moment when the provider took our reply",
    ("account",),
    _SLOW_S,
)
CALL_S = Family(
    "provider_call_seconds", "How long providers took for such a call", ("account",), _QUICK_S
)
FORWARDS = Family(
    "forwards",
    "Calls that were to hand a message to a program's application: taken, not_taken (tried again); "
    "given_up after a day of them",
    ("program", "outcome"),
)
FORWARD_S = Family(
    "forward_call_seconds", "How long applications took for such a call", ("program",), _QUICK_S
)
FORWARDED_S = Family(
    "forwarded_seconds",
    "From the receipt of a message to the moment when its program's application took it",
    ("program",),
    _SLOW_S,
)

FAMILIES = (
    WEBHOOKS,
    MESSAGES,
    EVENTS,
    REPLIES,
    RECEIPTS,
    CALLS,
    GATE,
    REFUSED_KEYS,
    STORED_S,
    APPLIED_S,
    CONFIRMED_S,
    CALL_S,
    FORWARDS,
    FORWARD_S,
    FORWARDED_S,
)


@functools.lru_cache(1024)
def label(value: str) -> str:
    """The value where it is a name, else ``other``."""
    return value if _NAME.fullmatch(value) and not _DIGITS.search(value) else OTHER
