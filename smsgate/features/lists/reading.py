"""Reading a list in blocks of records: each as it stands, and its cells that matter.

A record keeps the characters that it has in the file, so that it can be written again as it came.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from smsgate.domain.errors import ListUnreadable
from smsgate.features.lists.encodings import Found, blocks, encoding_of
from smsgate.features.lists.json_rows import json_cell, json_row
from smsgate.features.lists.packed import refuse_packed
from smsgate.features.lists.shapes import Place, Shape, shape_of

_HEAD = 1 << 16


@dataclass(slots=True)
class Block:
    """Some records that follow each other, as columns of equal length."""

    line: int
    """Number of the first record's first line."""
    raws: list[str] = field(default_factory=list)
    """Each record as it stands in the file, with its line's end."""
    cells: list[str] = field(default_factory=list)
    """Where the number stands."""
    sinces: list[str] = field(default_factory=list)
    """As long as the others where the file says since when; else empty."""
    states: list[str] = field(default_factory=list)
    """As long as the others where the file says how a number stands; else empty."""
    starts: list[int] = field(default_factory=list)
    """Line numbers, where records take several lines; else empty."""
    broken: set[int] = field(default_factory=set)
    """Places of records that cannot be read."""

    def line_of(self, place: int) -> int:
        """The number of the line where a record begins."""
        return self.starts[place] if self.starts else self.line + place


class ListFile:
    """A file that was recognised as a list."""

    def __init__(self, file: BinaryIO, form: str = "auto", column: str = "") -> None:
        """Look at the beginning. Raises ``ListUnreadable``; see ``shape_of``."""
        self._file = file
        file.seek(0)
        head = file.read(_HEAD)
        refuse_packed(head)
        self.encoding = encoding_of(head)
        text = head[len(self.encoding.mark) :].decode(self.encoding.name, "replace")
        if self.encoding.name == "utf-8":
            text = head[len(self.encoding.mark) :].decode("utf-8", "surrogateescape")
        self.found = Found(self.encoding)
        self.shape: Shape = shape_of(text, form, column)
        self.header = ""
        """The record of the header as it stands, once the first block was read."""

    def blocks(self) -> Iterator[Block]:
        """All records but the header, from the beginning. Raises ``ListUnreadable``."""
        texts = self.found.noted(blocks(self._file, self.encoding, self.shape.newline))
        read = {"csv": _csv, "ndjson": _ndjson, "lines": _lines}[self.shape.kind]
        first = bool(self.shape.header)
        for block in read(texts, self.shape):
            rows = block
            if first and block.raws:
                self.header = block.raws[0]
                rows = _behind_header(block)
                first = False
            if rows.raws:
                yield rows


def _behind_header(block: Block) -> Block:
    return Block(
        line=block.starts[1] if len(block.starts) > 1 else block.line + 1,
        raws=block.raws[1:],
        cells=block.cells[1:],
        sinces=block.sinces[1:],
        states=block.states[1:],
        starts=block.starts[1:],
        broken={at - 1 for at in block.broken if at},
    )


def _split(text: str, newline: str) -> list[str]:
    """Lines with their ends; the last may have none."""
    lines = [f"{line}{newline}" for line in text.split(newline)]
    last = lines.pop()[: -len(newline)]
    return [*lines, last] if last else lines


def _lines(texts: Iterator[str], shape: Shape) -> Iterator[Block]:
    line = 1
    for text in texts:
        raws = _split(text, shape.newline)
        yield Block(line, raws, [raw.strip() for raw in raws])
        line += len(raws)


def _ndjson(texts: Iterator[str], shape: Shape) -> Iterator[Block]:
    line = 1
    for text in texts:
        block = Block(line, _split(text, shape.newline))
        for place, raw in enumerate(block.raws):
            found = json_row(raw)
            if found is None and raw.strip():
                block.broken.add(place)
            row = found or {}
            _take(block, shape, lambda at, row=row: json_cell(row.get(str(at))))
        yield block
        line += len(block.raws)


def _take(block: Block, shape: Shape, cell: Any) -> None:  # noqa: ANN401 - a function of a place
    block.cells.append(cell(shape.number))
    if shape.since is not None:
        block.sinces.append(cell(shape.since))
    if shape.state is not None:
        block.states.append(cell(shape.state))


def _csv(texts: Iterator[str], shape: Shape) -> Iterator[Block]:
    line = 1
    for text in texts:
        lines = _split(text, shape.newline)
        if '"' in text:
            block = _Quoted(lines, texts, shape, line).block()
        else:
            block = _unquoted(lines, shape, line)
        yield block
        line += len(lines)  # with those that a quoted record took from the text behind


def _unquoted(lines: list[str], shape: Shape, line: int) -> Block:
    """Without quotes a record is a line and a cell what stands between delimiters."""
    block, delimiter = Block(line, lines), shape.delimiter
    block.cells = _column(lines, delimiter, int(shape.number))
    if shape.since is not None:
        block.sinces = _column(lines, delimiter, int(shape.since))
    if shape.state is not None:
        block.states = _column(lines, delimiter, int(shape.state))
    return block


def _column(lines: Sequence[str], delimiter: str, at: int) -> list[str]:
    try:
        found = [line.split(delimiter, at + 1)[at] for line in lines]
    except IndexError:  # some line is too short
        rows = (line.split(delimiter, at + 1) for line in lines)
        found = [row[at] if len(row) > at else "" for row in rows]
    return [cell.rstrip("\r\n") if cell[-1:] in "\r\n" else cell for cell in found]


class _Quoted:
    """Reads lines in which there are quotes; a record may go on in the text behind them."""

    def __init__(self, lines: list[str], texts: Iterator[str], shape: Shape, line: int) -> None:
        self._lines = lines
        self._texts = texts
        self._shape = shape
        self._line = line
        self._taken = 0
        self._start = 0

    def block(self) -> Block:
        block = Block(self._line)
        reader = csv.reader(self._feed(), delimiter=self._shape.delimiter)
        while self._taken < len(self._lines):
            self._start = self._taken
            row = self._next(reader, block)
            block.starts.append(self._line + self._start)
            block.raws.append("".join(self._lines[self._start : self._taken]))
            _take(block, self._shape, lambda at, row=row: _cell(row, at))
        return block

    def _next(self, reader: Any, block: Block) -> list[str]:  # noqa: ANN401 - csv has no type for it
        try:
            row: list[str] = next(reader)
        except csv.Error as error:
            if "limit" in str(error):
                raise self._open() from error
            block.broken.add(len(block.raws))
            return []
        return row

    def _feed(self) -> Iterator[str]:
        while True:
            if self._taken == len(self._lines):
                # Asked for in the middle of a record only.
                more = next(self._texts, None)
                if more is None:
                    raise self._open()
                self._lines.extend(_split(more, self._shape.newline))
            self._taken += 1
            yield self._lines[self._taken - 1]

    def _open(self) -> ListUnreadable:
        return ListUnreadable(
            f"a quote in line {self._line + self._start} is not closed within the same cell: "
            "close it, or say --format lines where quotes mean nothing"
        )


def _cell(row: Sequence[str], at: Place) -> str:
    place = int(at)
    return row[place] if place < len(row) else ""
