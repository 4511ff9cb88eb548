"""A file of numbers, read as blocks of records: its encoding, its records, the cells that matter.

A record keeps the characters that it has in the file, so that it can be written again as it came.
UTF-8 is read so that invalid bytes survive (and Latin-1 with them): only the digits of the numbers
matter. Workbooks and archives are refused; none is unpacked, so none can swell.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from smsgate.features.lists.errors import ListUnreadable
from smsgate.features.lists.shapes import (
    NO_COLUMNS,
    ColumnChoice,
    Place,
    Shape,
    json_cell,
    json_row,
    shape_of,
    with_columns,
)

_ARCHIVES = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"\x28\xb5\x2f\xfd",
             b"Rar!\x1a\x07")  # fmt: skip
_BINARY_FILES: Mapping[str, bytes | tuple[bytes, ...]] = {
    "a workbook or a zip archive": (b"PK\x03\x04", b"PK\x05\x06"),
    "an old workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "an archive": _ARCHIVES,
    "a PDF": b"%PDF-",
    "a database": b"SQLite format 3\x00",
    "a Parquet file": b"PAR1",
}
"""Files that are no text, by their first bytes."""
LONGEST = 1 << 20
"""Characters in one record at most."""
_BLOCK = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_UTF8 = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\0-\x7f\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the text of a file is written."""

    name: str
    mark: bytes = b""
    """The byte order mark at the beginning."""
    errors: str = "strict"

    def encode(self, text: str) -> bytes:
        """Text as it stands in such a file."""
        return text.encode(self.name, self.errors)


def encoding_of(head: bytes) -> Encoding:
    """The encoding of a file that begins so."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            errors = "surrogateescape" if name == "utf-8" else "strict"
            return Encoding(name, mark, errors)
    if head and b"\0" in head:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) > len(head) // 8:
            return Encoding("utf-16-be" if even > odd else "utf-16-le")
    return Encoding("utf-8", errors="surrogateescape")


def blocks(file: BinaryIO, encoding: Encoding, newline: str = "\n") -> Iterator[str]:
    """The text of a file behind its mark, in blocks that end with a line's end.

    Raises ``ListUnreadable`` for a line over ``LONGEST`` and for what is not of the encoding.
    """
    file.seek(len(encoding.mark))
    decoder = codecs.getincrementaldecoder(encoding.name)(encoding.errors)
    rest, lines = "", 0
    while True:
        raw = file.read(_BLOCK)
        try:
            text = rest + decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            raise ListUnreadable(
                f"near line {lines + 1} the file is not {encoding.name.upper()}: save it as UTF-8"
            ) from error
        end = text.rfind(newline) + len(newline) if raw else len(text)
        block, rest = text[:end], text[end:]
        if len(rest) > LONGEST:
            line = lines + block.count(newline) + 1
            raise ListUnreadable(
                f"line {line} has more than {LONGEST:,} characters: this is no list with one "
                "number a line"
            )
        lines += block.count(newline)
        if block:
            yield block
        if not raw:
            return


class EncodingDetector:
    """What the bytes of a file were that is read as UTF-8, as far as it was read."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._utf8 = False
        self._latin1 = False

    def noted(self, texts: Iterator[str]) -> Iterator[str]:
        """The same texts, looked at."""
        for text in texts:
            if not text.isascii():
                self._latin1 = self._latin1 or _NO_UTF8.search(text) is not None
                self._utf8 = self._utf8 or _BEYOND_ASCII.search(text) is not None
            yield text

    @property
    def name(self) -> str:
        """Of the encoding, as a person knows it."""
        if not self._latin1:
            return self._encoding.name
        return "utf-8 and latin-1 mixed" if self._utf8 or self._encoding.mark else "latin-1"


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
    programs: list[str] = field(default_factory=list)
    """As long as the others where the file says for which program; else empty."""
    sources: list[str] = field(default_factory=list)
    """As long as the others where the file says from where; else empty."""
    starts: list[int] = field(default_factory=list)
    """Line numbers, where records take several lines; else empty."""
    broken: set[int] = field(default_factory=set)
    """Places of records that cannot be read."""

    def columns(self, shape: Shape) -> list[tuple[list[str], Place]]:
        """Those that such a file has, each with where it stands there."""
        every = (
            (self.cells, shape.number),
            (self.sinces, shape.since),
            (self.states, shape.state),
            (self.programs, shape.program),
            (self.sources, shape.source),
        )
        return [(column, at) for column, at in every if at is not None]

    def line_of(self, place: int) -> int:
        """The number of the line where a record begins."""
        return self.starts[place] if self.starts else self.line + place


class ListFile:
    """A file that was recognised as a list."""

    def __init__(
        self,
        file: BinaryIO,
        form: str = "auto",
        column: str = "",
        choice: ColumnChoice = NO_COLUMNS,
    ) -> None:
        """Look at the beginning. Raises ``ListUnreadable``; see ``shape_of``."""
        self._file = file
        file.seek(0)
        head = file.read(_HEAD)
        for what, begin in _BINARY_FILES.items():
            if head.startswith(begin):
                raise ListUnreadable(f"this is {what}, not a list: save it as CSV and give that")
        self.encoding = encoding_of(head)
        errors = "surrogateescape" if self.encoding.name == "utf-8" else "replace"
        text = head[len(self.encoding.mark) :].decode(self.encoding.name, errors)
        self.detector = EncodingDetector(self.encoding)
        self.shape: Shape = with_columns(shape_of(text, form, column), text, choice)
        self.header = ""
        """The record of the header as it stands, once the first block was read."""

    def blocks(self) -> Iterator[Block]:
        """All records but the header, from the beginning. Raises ``ListUnreadable``."""
        texts = self.detector.noted(blocks(self._file, self.encoding, self.shape.newline))
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
    lists = ("raws", "cells", "sinces", "states", "programs", "sources", "starts")
    return Block(
        line=block.starts[1] if len(block.starts) > 1 else block.line + 1,
        broken={at - 1 for at in block.broken if at},
        **{name: getattr(block, name)[1:] for name in lists},
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
        columns = block.columns(shape)
        for place, raw in enumerate(block.raws):
            row = json_row(raw)
            if row is None and raw.strip():
                block.broken.add(place)
            for column, at in columns:
                column.append(json_cell(row.get(str(at))) if row else "")
        yield block
        line += len(block.raws)


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
    for column, at in block.columns(shape):
        column.extend(_column(lines, delimiter, int(at)))
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
        columns = [(column, int(at)) for column, at in block.columns(self._shape)]
        reader = csv.reader(self._feed(), delimiter=self._shape.delimiter)
        while self._taken < len(self._lines):
            self._start = self._taken
            row: list[str] = []
            try:
                row = next(reader)
            except csv.Error as error:
                if "limit" in str(error):
                    raise self._open() from error
                block.broken.add(len(block.raws))
            block.starts.append(self._line + self._start)
            block.raws.append("".join(self._lines[self._start : self._taken]))
            for column, at in columns:
                column.append(row[at] if at < len(row) else "")
        return block

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
