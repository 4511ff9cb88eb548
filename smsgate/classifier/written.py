"""Whether a wording of a keyword set is written as it must be: see ``patterns.py``."""

from __future__ import annotations

WIDEST = 20
"""Words that may stand in between, at most."""


def problem_with(written: str) -> str:
    """What is wrong with one wording; nothing where it can be used."""
    pieces = written.strip("^$ ").split()
    for piece in pieces:
        gap = piece[1:]
        if piece.startswith("~") and not (gap.isascii() and gap.isdecimal() and int(gap) <= WIDEST):
            return f"{piece} is no gap: ~3 lets up to three words stand in between, ~{WIDEST} most"
    if not any(piece.strip("{}") for piece in pieces if not piece.startswith("~")):
        return f"{written!r} has no words: write a wording such as `lose my number`, or {{stop}}"
    return ""
