"""The beginning of a list, as a person can look at it before it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from smsgate.features.lists.columns import (
    DATES,
    PROGRAMS,
    SOURCES,
    STATES,
    guess_column,
    printable,
)
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.rows import STATE_WORDS, moment_us

_ROWS = 8
_WIDTH = 100
"""Columns that are shown, and can be chosen, at most."""


@dataclass(frozen=True, slots=True)
class Preview:
    """How a list begins."""

    format: str
    encoding: str
    is_export: bool
    """Whether it is a known export: then its columns need not be chosen."""
    columns: Sequence[str]
    """Their names; each is chosen by its position, from 1."""
    rows: Sequence[Sequence[str]]
    number: int | None
    """Place of the column that has the numbers; None where the file does not show it."""
    guessed: dict[str, str]
    """By field of the form the position of the column that looks like it."""


def preview_of(file: BinaryIO) -> Preview:
    """Look at the beginning of a file. Raises ``ListUnreadable`` where it is no list."""
    listed = ListFile(file, may_be_unclear=True)
    rows = listed.sample[bool(listed.header) :][:_ROWS]
    width = min(_WIDTH, max(map(len, [listed.header, *rows]), default=1))
    names = [*listed.header, *[""] * width][:width]
    return Preview(
        format=listed.format,
        encoding=listed.encoding,
        is_export=listed.columns.export is not None,
        columns=[printable(one.strip()) or f"column {at}" for at, one in enumerate(names, 1)],
        rows=[[printable(cell) for cell in row[:width]] for row in rows],
        number=listed.columns.number,
        guessed={} if listed.columns.export else _guessed(names, rows),
    )


def _guessed(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """The columns by their headers; a date and a status must also be readable where they stand."""
    known: dict[str, tuple[Sequence[str], Callable[[str], object]]] = {
        "date_column": (DATES, moment_us),
        "state_column": (STATES, lambda cell: cell.strip().casefold() in dict(STATE_WORDS)),
        "program_column": (PROGRAMS, bool),
        "source_column": (SOURCES, lambda _: True),  # many rows may have none
    }
    found = {}
    for field, (headers, is_readable) in known.items():
        at = guess_column(names, headers)
        if at is not None and all(is_readable(row[at]) for row in rows if len(row) > at):
            found[field] = str(at + 1)
    return found
