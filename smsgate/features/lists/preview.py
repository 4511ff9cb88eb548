"""The beginning of a list, as a person can look at it before it is used."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from smsgate.features.lists.errors import ColumnUnclear
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.rows import STATE_WORDS, moment_us
from smsgate.features.lists.shapes import (
    DATES,
    PROGRAMS,
    SOURCES,
    STATES,
    choices,
    guess_column,
    json_cell,
    json_row,
    printable,
)

ROWS = 8
WIDTH = 100
"""Columns that are shown, and can be chosen, at most."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list."""

    name: str
    """As its header says, or its place."""
    choice: str
    """What names it to ``ListFile``."""


@dataclass(frozen=True, slots=True)
class Preview:
    """How a list begins."""

    shape: str
    encoding: str
    export: str
    """The known export that it is, if any: then its columns need not be chosen."""
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    number: int | None
    """Place of the column that has the numbers; None where the file does not show it."""
    guessed: dict[str, str]
    """By field of the form the choice of the column that looks like it; none in a known export."""


def preview_of(file: BinaryIO, form: str = "auto") -> Preview:
    """Look at the beginning of a file. Raises ``ListUnreadable`` where it is no list."""
    try:
        listed, clear = ListFile(file, form), True
    except ColumnUnclear as error:
        if not error.columns:
            raise
        listed, clear = ListFile(file, form, error.columns[0]), False
    raws: list[str] = next((block.raws for block in listed.blocks()), [])[:ROWS]
    shape = listed.shape
    if shape.kind == "ndjson":
        columns, rows = _objects(raws)
    else:
        rows = [_cells(raw, shape.delimiter, shape.kind) for raw in raws]
        columns = _named(shape.header, max(map(len, rows), default=1))
    places = [place for place, one in enumerate(columns) if _is(one, shape.number, place)]
    return Preview(
        shape=shape.name,
        encoding=listed.detector.name,
        export=shape.export.name if shape.export else "",
        columns=tuple(columns[:WIDTH]),
        rows=tuple(tuple(printable(cell) for cell in row[:WIDTH]) for row in rows),
        number=places[0] if clear and places else None,
        guessed={} if shape.export else _guessed(columns[:WIDTH], rows),
    )


def _guessed(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """The columns by their headers; a date and a status must also be readable where they stand."""
    names = [one.name for one in columns]
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    found = {
        field: guess_column(names, known)
        for field, known in (
            ("since_column", DATES),
            ("state_column", STATES),
            ("program_column", PROGRAMS),
            ("source_column", SOURCES),
        )
    }
    readable: dict[str, Callable[[str], object]] = {
        "since_column": moment_us,
        "state_column": lambda cell: cell.strip().casefold() in dict(STATE_WORDS),
        "program_column": bool,
        "source_column": lambda _: True,  # many rows may have none
    }
    return {
        field: columns[at].choice
        for field, at in found.items()
        if at is not None and all(readable[field](row[at]) for row in rows if len(row) > at)
    }


def _is(column: Column, number: int | str, place: int) -> bool:
    return column.choice == number if isinstance(number, str) else place == number


def _named(header: Sequence[str], width: int) -> list[Column]:
    width = max(width, len(header))
    names = [*header, *[""] * (width - len(header))]
    return [
        Column(printable(name.strip()) or f"column {place}", choice)
        for place, (name, choice) in enumerate(
            zip(names, choices(header, width), strict=True), start=1
        )
    ]


def _cells(raw: str, delimiter: str, kind: str) -> list[str]:
    if kind == "lines":
        return [raw.strip()]
    try:
        return next(csv.reader(raw.splitlines(keepends=True), delimiter=delimiter), [])
    except csv.Error:
        return [raw]


def _objects(raws: Sequence[str]) -> tuple[list[Column], list[list[str]]]:
    rows = [json_row(raw) or {} for raw in raws]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    columns = [Column(printable(key), key) for key in keys]
    return columns, [[json_cell(row.get(key)) for key in keys] for row in rows]
