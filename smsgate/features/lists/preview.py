"""The beginning of a list, as a person can look at it before it is used."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from smsgate.domain.errors import ColumnUnclear
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.shapes import choices, json_cell, json_row, printable

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
    )


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
