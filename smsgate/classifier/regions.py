"""Words that mean something only in some countries.

``T`` and ``TD`` are Chinese for unsubscribe, elsewhere a stray letter. ``START 0`` and
``START DND`` are what people in India send to 1909 to block advertising, and ``STOP DND`` what
unblocks it (TCCCPR 2018).
"""

from __future__ import annotations

from smsgate.classifier.sets.keyword_sets import Entry
from smsgate.messages import Intent

_CALLING = {"CN": "+86", "HK": "+852", "MO": "+853", "TW": "+886", "IN": "+91", "NG": "+234"}


def applies(entry: Entry, number: str, region: str) -> Intent | None:
    """The intent of a keyword for a subscriber's number.

    Where the entry is bound to countries, the number decides, and without a number the region of
    the program. Elsewhere an opt-out asks for a person, and anything else means nothing.
    """
    if not entry.countries:
        return intent_of(entry)
    where = number or _CALLING.get(region, "")
    if where.startswith(entry.countries):
        return Intent(entry.intent)
    if not number and entry.unless_known:
        return Intent(entry.intent)
    return Intent.REVIEW if entry.intent.startswith("opt_out") else None


def intent_of(entry: Entry) -> Intent:
    """The intent that a keyword leads to: a high risk asks for a person."""
    if entry.risk == "high" and entry.intent.startswith("opt_out"):
        return Intent.REVIEW
    return Intent(entry.intent)
