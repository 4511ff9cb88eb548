"""Other systems' opt-out rules, re-expressed from their documentation, for the table of scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

TWILIO = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
SUBSTRINGS = (
    "stop", "unsubscribe", "cancel", "end", "quit", "opt out", "optout", "opt-out", "remove",
    "do not text", "don't text", "take me off", "wrong number", "leave me alone",
)  # fmt: skip
SPOKE_ANYWHERE = (
    "remove my name", "take me off the list", "lose my number", "don't contact me",
    "delete my number", "i opt out", "stop2quit", "stopall",
)  # fmt: skip


def twilio(text: str) -> bool:
    """One of eight words, alone, in any case."""
    return text.strip().lower() in TWILIO


def contains_stop(text: str) -> bool:
    """The word stop anywhere."""
    return re.search(r"\bstop\b", text.lower()) is not None


def spoke(text: str) -> bool:
    """First word stop, four words alone, eight phrases anywhere, one at the end."""
    plain = text.strip().lower().replace("’", "'")
    words = re.findall(r"[a-z']+", plain)
    if words[:1] == ["stop"] or plain.strip(".! ") in ("unsubscribe", "cancel", "end", "quit"):
        return True
    return any(part in plain for part in SPOKE_ANYWHERE) or plain.endswith("remove me")


def substrings(text: str) -> bool:
    """Any of fourteen words or phrases anywhere, even inside other words."""
    return any(part in text.lower() for part in SUBSTRINGS)


PEERS: Mapping[str, Callable[[str], bool]] = {
    "Twilio's eight words, exactly": twilio,
    "the word stop anywhere": contains_stop,
    "Spoke's rules": spoke,
    "14 substrings": substrings,
}
