"""Writing records of a list again: as they came, or with columns more."""

from __future__ import annotations

import csv

from smsgate.features.lists.json_rows import with_values
from smsgate.features.lists.shapes import Shape


def with_columns(raw: str, shape: Shape, added: dict[str, str]) -> str:
    """A record with columns (keys) behind its own; it ends as it did, or with a line's end."""
    body = raw.rstrip("\r\n")
    end = raw[len(body) :] or shape.newline
    if shape.kind == "ndjson":
        return with_values(body, added) + end
    missing = 0
    if shape.header and shape.kind == "csv":
        missing = len(shape.header) - len(_row(body, shape.delimiter))
    cells = [*[""] * max(missing, 0), *added.values()]
    return shape.delimiter.join([body, *(_quoted(one, shape.delimiter) for one in cells)]) + end


def _row(body: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(body.splitlines(keepends=True), delimiter=delimiter), [])
    except csv.Error:
        return []


def _quoted(cell: str, delimiter: str) -> str:
    bare = not any(one in cell for one in (delimiter, '"', "\n"))
    return cell if bare else '"' + cell.replace('"', '""') + '"'
