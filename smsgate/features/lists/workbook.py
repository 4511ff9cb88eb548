"""Excel workbooks as CSV.

A workbook may claim billions of cells, and what reads it would end the process that runs out of
memory. So another process does it, with limits to its memory and time.
"""

from __future__ import annotations

import csv
import io
import os
import resource
import subprocess
import sys
import tempfile
from datetime import date, time
from typing import IO, BinaryIO

from smsgate.features.lists.rows import ListUnreadable

MAX_MEMORY_BYTES = 1 << 30
MAX_CPU_S = 120
_SEVERAL_SHEETS = 3
"""Exit code of the process where it is unclear which sheet is the list."""


def as_csv(file: IO[bytes]) -> BinaryIO:
    """The one sheet of a workbook as CSV, in a temporary file. Raises ``ListUnreadable``."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 - the caller reads it
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    command = [sys.executable, "-m", "smsgate.features.lists.workbook"]
    code = subprocess.call(command, stdin=file, stdout=out, stderr=subprocess.DEVNULL)  # noqa: S603
    if code:
        out.close()
        raise ListUnreadable(
            "Several sheets of this workbook have rows: save each as CSV, and give them one by one."
            if code == _SEVERAL_SHEETS
            else "This workbook is too large or cannot be read: save the list as CSV."
        )
    out.seek(0)
    return out


def _text(cell: object) -> object:
    """A cell as CSV has it: a number that a workbook keeps as a float is one without a point."""
    if isinstance(cell, float) and cell.is_integer():
        return f"{cell:.0f}"
    return cell.isoformat() if isinstance(cell, date | time) else cell


def _main() -> None:
    """Read a workbook from standard input, write CSV to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    # Here, behind the limits, and only in this process.
    from python_calamine import CalamineWorkbook  # noqa: PLC0415

    book = CalamineWorkbook.from_filelike(sys.stdin.buffer)
    full = [one for one in map(book.get_sheet_by_name, book.sheet_names) if one.height]
    if len(full) > 1:
        sys.exit(_SEVERAL_SHEETS)
    with io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="") as out:
        rows = ([_text(cell) for cell in row] for sheet in full for row in sheet.iter_rows())
        csv.writer(out, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    _main()
