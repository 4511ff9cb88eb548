"""A file of numbers, read row by row: CSV of any usual delimiter, a number a line, or a workbook.

UTF-8 is read so that invalid bytes survive (and Latin-1 with them): only the digits of the numbers
matter.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import weakref
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from smsgate.features.lists.columns import (
    ColumnNames,
    Columns,
    ListUnreadable,
    find_columns,
    looks_like_number,
)
from smsgate.features.lists.workbook import as_csv

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_BINARY_FILES = {
    "an archive": (b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c",
                   b"\x28\xb5\x2f\xfd", b"Rar!\x1a\x07"),
    "a PDF": (b"%PDF-",),
    "a database": (b"SQLite format 3\x00",),
    "a Parquet file": (b"PAR1",),
    "JSON": (b"{", b"["),
}  # fmt: skip
"""Files that are no list, by their first bytes."""
_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DELIMITERS = ",\t;|"
_NO_DELIMITER = "\x1f"
"""Of a file with one column: what stands in a line is the cell, whatever is in it."""
_HEAD_BYTES = 1 << 16
_SAMPLE = 50
_MAX_LINE_CHARS = 1 << 17


class ListFile:
    """A file that was recognised as a list."""

    def __init__(
        self,
        file: BinaryIO,
        names: ColumnNames = ColumnNames(),  # noqa: B008 - frozen
        *,
        may_be_unclear: bool = False,
    ) -> None:
        """Look at the beginning of a file on disk. Raises ``ListUnreadable``.

        See ``find_columns`` for ``names`` and ``may_be_unclear``.
        """
        file.seek(0)
        head = file.read(_HEAD_BYTES)
        is_workbook = head.startswith(_WORKBOOKS)
        if is_workbook:
            file = as_csv(file)
            weakref.finalize(self, file.close)
            file.seek(0)
            head = file.read(_HEAD_BYTES)
        for what, begins in _BINARY_FILES.items():
            if head.lstrip().startswith(begins):
                raise ListUnreadable(f"This is {what}, not a list: save it as CSV and give that.")
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self.order_mark, self.encoding = _encoding_of(head)
        self.errors = "surrogateescape" if self.encoding == "utf-8" else "strict"
        text = head[len(self.order_mark) :].decode(
            self.encoding, self.errors if self.encoding == "utf-8" else "replace"
        )
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.delimiter = _delimiter_of(text)
        name = {"\t": "tab", _NO_DELIMITER: "one column"}.get(self.delimiter, repr(self.delimiter))
        self.format = "workbook" if is_workbook else f"csv, {name}"
        lines = text.splitlines(keepends=True)
        if len(head) == _HEAD_BYTES and len(lines) > 1:
            lines.pop()  # it may be cut
        self.sample = _sample(lines, self.delimiter)
        first = self.sample[0] if self.sample else []
        has_header = any(map(str.isalpha, "".join(first))) and not any(
            map(looks_like_number, first)
        )
        self.header: Sequence[str] = first if has_header else ()
        self.columns: Columns = find_columns(
            self.header, self.sample[has_header:], names, may_be_unclear=may_be_unclear
        )
        if self.columns.export is not None:
            self.format = f"{self.columns.export.name} ({self.format})"

    @property
    def read_bytes(self) -> int:
        """How far it was read."""
        return self._file.tell()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row but the header, with the number of its line. Raises ``ListUnreadable``."""
        self._file.seek(len(self.order_mark))
        text = io.TextIOWrapper(self._file, self.encoding, self.errors, newline="")
        lines = _Lines(text)
        reader = csv.reader(lines, delimiter=self.delimiter)
        line, skip = 1, bool(self.header)
        try:
            for row in reader:
                if lines.is_at_end:  # the row was not over, and took along what is behind it
                    raise _unclosed(line)
                if skip and any(map(str.strip, row)):
                    skip = False
                else:
                    yield line, row
                line = reader.line_num + 1
        except csv.Error as error:
            raise _unclosed(line) from error
        except UnicodeDecodeError as error:
            raise ListUnreadable(
                f"Near line {line} the file is not {self.encoding.upper()}: save it as UTF-8."
            ) from error
        finally:
            text.detach()


class _Lines:
    """The lines of a text; knows whether somebody asked for one behind the last."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._read = text.readline
        self._count = 0
        self.is_at_end = False

    def __iter__(self) -> Iterator[str]:
        while line := self._read(_MAX_LINE_CHARS):
            self._count += 1
            if len(line) == _MAX_LINE_CHARS and line[-1] not in "\r\n":
                raise ListUnreadable(
                    f"Line {self._count} has more than {_MAX_LINE_CHARS:,} characters: this is no "
                    "list with one number a line."
                )
            yield line
        self.is_at_end = True


def _unclosed(line: int) -> ListUnreadable:
    return ListUnreadable(f"A quote in line {line} is not closed within the same cell: close it.")


def _encoding_of(head: bytes) -> tuple[bytes, str]:
    """The byte order mark and the encoding of a file that begins so."""
    for mark, name in _ORDER_MARKS:
        if head.startswith(mark):
            return mark, name
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 8:
        return b"", "utf-16-be" if even > odd else "utf-16-le"
    return b"", "utf-8"


def _delimiter_of(text: str) -> str:
    """The delimiter that the first line has most often outside quotes."""
    line = next(filter(str.strip, text.splitlines()), "")
    bare = "".join(line.split('"')[::2])
    best = max(_DELIMITERS, key=bare.count)
    return best if best in bare else _NO_DELIMITER


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            rows += [row] if any(map(str.strip, row)) else []
            if len(rows) > _SAMPLE:
                break
    except csv.Error:
        pass  # its line is named when it is read
    return rows
