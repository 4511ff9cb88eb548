"""Words for which the field has other words, and ids of rules: no page or help uses them."""

from __future__ import annotations

import re
from functools import cache

from tests.fakes.rule_ids import rule_ids

PRIVATE_TERMS = (
    # the table of private terms, and what stands for them in prose
    "movement", "door", "room", "floor", "lane", "lanes", "stamp", "standing", "wake", "wakes",
    "awake", "walk", "together", "trail", "marker", "sights", "shelf", "shelves",
    "tally", "keeper", "teller", "feeder", "errand", "errands", "leash", "watchdog", "onward",
    "passed on", "leaving", "departure", "overtaken", "fate", "telling", "second reader",
    "rereading", "glance", "bones", "heard", "slip", "slips", "envelope", "timely", "by hand",
    "what is none", "what has come", "whoever", "what needs a person",
    # clumsy phrases that the console had
    "mend", "mends", "stands in it", "given up", "put off", "taken back", "take back", "parted",
    "once more", "somebody", "nobody may", "what became of", "waits for a person",
    "not at work", "anew", "at hand", "is none of", "is it well", "let in",
)  # fmt: skip
_EITHER = (*PRIVATE_TERMS, *(term.capitalize() for term in PRIVATE_TERMS))
_PRIVATE = re.compile(rf"\b({'|'.join(_EITHER)})\b")
"""Not in capitals, as keywords are written: people text "CAN SOMEBODY CALL ME"."""


def private_terms(words: str) -> list[str]:
    """Those that a text uses, each with what stands around it."""
    return [
        words[max(0, found.start() - 30) : found.end() + 30] for found in _PRIVATE.finditer(words)
    ]


def rules_in(words: str) -> list[str]:
    """Ids of rules that a page names; ``words`` has bars where its markup has tags."""
    return [found.group(0) for found in _rule().finditer(words)]


@cache
def _rule() -> re.Pattern[str]:
    """An id with a low line anywhere; any other one only where nothing else is said."""
    ids = sorted(rule_ids())
    joined = "|".join(one for one in ids if "_" in one)
    alone = "|".join(one for one in ids if "_" not in one)
    return re.compile(rf"\b({joined})\b|\| ({alone}) \||\b[Rr]ule:? ({alone})\b")
