"""What the rows of a list say: a number, how it stands, and since when."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from smsgate.features.lists.cells import numbers_of
from smsgate.features.lists.exports import ANY_OTHER
from smsgate.features.lists.reading import Block
from smsgate.features.lists.shapes import Shape

OTHER = "other"
"""Reason of a row that is about something else, such as a message that was delivered."""
BLANK = "blank"
"""Reason of a line without anything in it."""


@dataclass(slots=True)
class Rows:
    """The rows of a block, as columns of equal length."""

    block: Block
    numbers: list[str]
    """E.164; empty where there is a problem."""
    problems: dict[int, str]
    """By place the reason why a row is not used: of ``cells.REASONS``, or ``OTHER``, ``BLANK``."""
    states: list[str]
    """``opted_out`` or ``subscribed`` of each; empty where the file does not say."""
    since_us: list[int]
    """Since when each stands so, 0 where that cannot be read; empty where the file does not say."""


def rows_of(block: Block, shape: Shape, region: str = "") -> Rows:
    """What the records of a block say. ``region`` is for numbers without a country."""
    export = shape.export
    numbers, problems = numbers_of(
        block.cells, region, international=export is not None and export.international
    )
    for place in [place for place, reason in problems.items() if reason == "empty"]:
        if not block.raws[place].strip():
            problems[place] = BLANK
    problems.update(dict.fromkeys(block.broken, "bad_row"))
    states: list[str] = []
    if export is not None and block.states:
        states = [_state(said, tuple(export.states.items())) for said in block.states]
        problems.update((at, one) for at, one in enumerate(states) if one in (OTHER, "bad_state"))
    return Rows(block, numbers, problems, states, [moment_us(said) for said in block.sinces])


@functools.lru_cache(256)
def _state(said: str, states: tuple[tuple[str, str], ...]) -> str:
    known = dict(states)
    found = known.get(said.strip().casefold(), known.get(ANY_OTHER))
    return "bad_state" if found is None else found or OTHER


@functools.lru_cache(4096)
def moment_us(said: str) -> int:
    """A time as exports write it (ISO 8601, or that of e-mail; UTC where it does not say), in us.

    0 where it is none, or lies ahead.
    """
    text = said.strip().strip("'\"")
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError):
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found = int(moment.timestamp() * 1_000_000)
        return found if 0 < found <= int(datetime.now(UTC).timestamp() * 1_000_000) else 0
    return 0
