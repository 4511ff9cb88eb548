"""A file of numbers, read row by row: CSV of any usual delimiter, a number a line, or a workbook.

UTF-8 is read so that invalid bytes survive (and Latin-1 with them): only the digits of the numbers
matter. UTF-16 is refused.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import shutil
import sqlite3
import tempfile
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import IO, Annotated, Literal, NamedTuple

import msgspec

from smsgate.domain.errors import Unfit
from smsgate.domain.messages import ALL
from smsgate.domain.phone import is_region
from smsgate.features.lists.rows import (
    BLANK,
    NO_COLUMN,
    OTHER,
    ListUnreadable,
    State,
    described,
    find_columns,
    looks_like_number,
    moment_us,
    quoted,
    read_number,
    source_text,
    state_of,
)
from smsgate.features.lists.workbook import as_csv
from smsgate.interface.operation import Progress
from smsgate.interface.schemas import Medium
from smsgate.process.published_programs import check_program
from smsgate.settings import Settings

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
ERRORS = "surrogateescape"
"""How bytes that are no UTF-8 are read, so that they can be written again."""
_DELIMITERS = ",\t;|"
NO_DELIMITER = "\x1f"
"""Of a file with one column: what stands in a line is the cell, whatever is in it."""
_HEAD_BYTES = 1 << 16
_SAMPLE, _ROWS_AT_ONCE = 500, 8_000
_MAX_LINE_CHARS = 1 << 17


ColumnName = Annotated[
    str, msgspec.Meta(max_length=200, description="A header, or a position from 1; 0: none.")
]
Region = Annotated[
    str, msgspec.Meta(max_length=40, description="Country of numbers without one, such as US.")
]


class ListOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read a list, and what its rows have in common."""

    program: Annotated[
        str,
        msgspec.Meta(
            max_length=100, description="Program that the numbers opted out of, or `all`."
        ),
    ]
    state: Annotated[
        Literal["", "opted_out", "subscribed"],
        msgspec.Meta(
            description="State of every number; empty: as the file says, else opted out. "
            "`subscribed` records consents and lifts no opt-out."
        ),
    ] = ""
    region: Region = ""
    column: ColumnName = ""
    date_column: ColumnName = ""
    state_column: ColumnName = ""
    source_column: ColumnName = ""
    words: Annotated[
        str, msgspec.Meta(max_length=2_000, description="What subscribers agreed to.")
    ] = ""
    medium: Annotated[Medium, msgspec.Meta(description="Where they agreed to it.")] = "other"

    def check(self, settings: Settings) -> None:
        """Raise ``UnknownProgram`` or ``Unfit`` where there is no such program or country."""
        if self.region and not is_region(self.region.strip().upper()):
            raise Unfit(
                f"{self.region!r} is not a country: use two letters, such as US or GB.",
                field="region",
            )
        if self.program != ALL or self.state == "subscribed":
            check_program(settings, self.program)


class ListRow(NamedTuple):
    """What a row of a list says."""

    line: int
    cells: Sequence[str]
    cell: str
    number: str
    """E.164; empty where ``reason`` says why there is none that could be used."""
    reason: str
    """Of ``REASONS``, or ``OTHER``, ``BLANK``."""
    state: State = "opted_out"
    since_us: int = 0
    is_undated: bool = False
    """Whether its date cannot be read."""
    source: str = ""


class ListFile:
    """A file that was recognised as a list."""

    def __init__(self, file: IO[bytes], options: ListOptions) -> None:
        """Look at the beginning of a file. Raises ``ListUnreadable``."""
        if not file.seekable():  # a pipe, and the file is read twice
            pipe, file = file, tempfile.TemporaryFile()  # noqa: SIM115
            weakref.finalize(self, file.close)
            shutil.copyfileobj(pipe, file)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
        digest.update(
            msgspec.json.encode(msgspec.structs.replace(options, words="", medium="other"))
        )
        self.id = f"import-{digest.hexdigest()[:32]}"
        """The same for the same contents and options."""
        file.seek(0)
        head = file.read(_HEAD_BYTES)
        is_workbook = head.startswith(_WORKBOOKS)
        if is_workbook:
            file = as_csv(file)
            weakref.finalize(self, file.close)
            head = file.read(_HEAD_BYTES)
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        if b"\0" in head:
            raise ListUnreadable("This is no list: save it as CSV, in UTF-8, and give that.")
        self.encoding = "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
        text = head.decode(self.encoding, "replace")  # its end may be half a character
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.delimiter = _delimiter_of(text)
        name = "one column" if self.delimiter == NO_DELIMITER else repr(self.delimiter)
        self.format = "workbook" if is_workbook else f"csv, {name}"
        self.header: Sequence[str] = ()
        self.sample: list[list[str]] = []
        with suppress(ListUnreadable):  # its line is named when it is read
            for _, row in islice(self._rows(), _SAMPLE):
                self.sample += [row] if any(map(str.strip, row)) else []
        if self.sample and not any(map(looks_like_number, self.sample[0])):
            has_header = any(map(str.isalpha, "".join(self.sample[0])))
            self.header = self.sample.pop(0) if has_header else ()
        # Of numbers that all opted out no status is looked for by itself.
        status = options.state_column or (NO_COLUMN if options.state == "opted_out" else "")
        names = (options.column, options.date_column, status, options.source_column)
        self._region, self._state = options.region.strip().upper(), options.state
        self.columns = find_columns(self.header, self.sample, names, self._region)
        export = self.columns.export
        if export is not None:
            self.format = f"{export.name} ({self.format})"
        if self.columns.number is not None and self.header:
            self.format += self._named_columns(self.columns.number)
        self._is_international = export is not None and export.is_international
        self._opt_out = export.opt_out if export else ""

    def _named_columns(self, number: int) -> str:
        """Which columns are read, by their headers, and which are not."""
        found = f"; numbers in column {number + 1} {quoted(self.header[number:][:1])}"
        for what, at in zip(("date", "status", "source"), self.columns[1:4], strict=True):
            if at is not None:
                found += f"; {what} in {quoted(self.header[at:][:1])}"
        left_out = [one for at, one in enumerate(self.header) if at not in self.columns]
        return found + (f"; not read: {quoted(left_out)}" if left_out else "")

    @property
    def read_bytes(self) -> int:
        """How far it was read."""
        return min(self._file.tell(), self.size)

    def read_through(self, progress: Progress) -> None:
        """Read every row, so that nothing of a broken file is used. Raises ``ListUnreadable``."""
        rows = self._rows()
        while deque(islice(rows, _ROWS_AT_ONCE), maxlen=1):
            progress("Reading the list", self.read_bytes, self.size)

    def windows(self, size: int) -> Iterator[list[ListRow]]:
        """Every row but the header, so many at once. Raises ``ListUnreadable``."""
        if self.columns.number is None:
            raise ListUnreadable(
                "It is unclear which column has the numbers: give its header or its position "
                f"(--column). {described(self.header)}"
            )
        rows, is_empty = self._rows(), True
        while window := [self._row(line, cells) for line, cells in islice(rows, size)]:
            is_empty = is_empty and all(row.reason == BLANK for row in window)
            yield window
        if is_empty:
            raise ListUnreadable("This list has no numbers.")

    def _row(self, line: int, cells: Sequence[str]) -> ListRow:
        number_at, date_at, state_at, source_at, _ = self.columns
        cell = _cell(cells, number_at)
        number, reason = read_number(cell, self._region, is_international=self._is_international)
        if reason == "empty" and not any(map(str.strip, cells)):
            return ListRow(line, cells, cell, "", BLANK)
        state: State = self._state or "opted_out"
        if state_at is not None:
            said = state_of(_cell(cells, state_at), self._opt_out)
            if said in (OTHER, "bad_state"):
                number, reason = "", said
            elif said == "opted_out":
                state = "opted_out"  # nobody agreed who left, whatever the rows are said to be
            elif not self._state:
                state = "subscribed"
        date = _cell(cells, date_at).strip()
        since_us = moment_us(date) if date else 0
        source = source_text(_cell(cells, source_at))
        is_undated = bool(date) and not since_us
        return ListRow(line, cells, cell, number, reason, state, since_us, is_undated, source)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, self.encoding, ERRORS, newline="")
        # Strict, so that an open quote is an error and does not take along what is behind it.
        reader = csv.reader(_lines(text), delimiter=self.delimiter, strict=True)
        line, skip = 1, bool(self.header)
        try:
            for row in reader:
                if skip and any(map(str.strip, row)):
                    skip = False
                else:
                    yield line, row
                line = reader.line_num + 1
        except csv.Error as error:
            raise ListUnreadable(
                f"Line {line} cannot be read: a quote is not closed at the end of its cell."
            ) from error
        finally:
            text.detach()


_FIND_SEEN = """
SELECT value FROM json_each(?) AS new
CROSS JOIN seen ON seen.key IN (new.value, new.value - new.value % 2)
"""
"""Keys of opt-outs are even, that of a consent to the same number follows."""
_ADD_SEEN = "INSERT OR IGNORE INTO seen SELECT value FROM json_each(?)"


class SeenNumbers:
    """Which numbers earlier rows had, in a temporary file: memory does not grow with the list."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._db.close)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA cache_size = -32000")  # KiB
        self._db.execute("CREATE TABLE seen (key INTEGER PRIMARY KEY)")

    def first(self, rows: Iterable[ListRow], state: State | None = None) -> dict[str, ListRow]:
        """By number the rows, of a state if one is given, that are the first with their number.

        A consent beside an earlier opt-out is none of them.
        """
        found: dict[str, ListRow] = {}
        for row in rows:
            if not row.reason and state in (None, row.state):
                found.setdefault(row.number, row)
        keys = {int(number) * 2 + (state == "subscribed"): number for number in found}
        asked = [msgspec.json.encode(sorted(keys)).decode()]
        for (key,) in self._db.execute(_FIND_SEEN, asked).fetchall():
            found.pop(keys[key], None)
        self._db.execute(_ADD_SEEN, asked)
        return found


def _cell(cells: Sequence[str], place: int | None) -> str:
    return cells[place] if place is not None and place < len(cells) else ""


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    for line in iter(partial(text.readline, _MAX_LINE_CHARS), ""):
        if len(line) == _MAX_LINE_CHARS and line[-1] not in "\r\n":
            raise ListUnreadable(f"A line has more than {_MAX_LINE_CHARS:,} characters.")
        yield line


def _delimiter_of(text: str) -> str:
    """The delimiter that the first line has most often outside quotes."""
    line = next(filter(str.strip, text.splitlines()), "")
    bare = "".join(line.split('"')[::2])
    best = max(_DELIMITERS, key=bare.count)
    return best if best in bare else NO_DELIMITER
