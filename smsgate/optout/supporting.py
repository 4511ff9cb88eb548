"""What in a text supports the second reader, and what speaks against reading more into it."""

from __future__ import annotations

from smsgate.optout.patterns import ROW, Support, overlap
from smsgate.optout.phrases import Phrases
from smsgate.optout.verdict import TAKES_OUT, Said


def support(what: Said, phrases: Phrases) -> Support:
    """What allows the second reader to act: a weak wording, else a hint that nothing undoes."""
    free: set[int] = set()
    for one in what.heard:
        taken = [m for m in one.silent if m.pattern.means in ("none", "never")]
        rows = (match for heard, match in what.weak if heard is one)
        for match in rows:
            if not any(overlap((match.start, match.end), other) for other in taken):
                return Support(ROW, match.pattern.written, match.pattern.language)
        if not taken:
            free.update(one.seen)
            continue
        free.update(
            sign
            for sign, spans in one.seen.items()
            if any(not any(overlap(span, match) for match in taken) for span in spans)
        )
    return phrases.support(free)


def undone(what: Said) -> bool:
    """Whether a text holds a wording that takes others out of play."""
    return any(match.pattern.means in TAKES_OUT for one in what.heard for match in one.silent)
