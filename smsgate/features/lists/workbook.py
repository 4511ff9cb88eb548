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
from collections.abc import Iterable, Iterator
from datetime import date, time
from typing import BinaryIO

from smsgate.features.lists.columns import ListUnreadable

MAX_MEMORY_BYTES = 1 << 30
MAX_CPU_S = 120
_REFUSED = 3


def as_csv(file: BinaryIO) -> BinaryIO:
    """The one sheet of a workbook as CSV, in a temporary file. Raises ``ListUnreadable``."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 - the caller reads it
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    command = [sys.executable, "-m", "smsgate.features.lists.workbook"]
    done = subprocess.run(  # noqa: S603 - ours
        command, stdin=file, stdout=out, stderr=subprocess.PIPE, check=False
    )
    if done.returncode:
        out.close()
        problem = done.stderr.decode(errors="replace").strip()
        raise ListUnreadable(
            problem
            if done.returncode == _REFUSED
            else "The workbook is too large, or cannot be read: save the list as CSV."
        )
    return out


def _rows(sheet: Iterable[Iterable[object]]) -> Iterator[list[object]]:
    for row in sheet:
        yield [_text(cell) for cell in row]


def _text(cell: object) -> object:
    """A cell as CSV has it: a number that a workbook keeps as a float is one without a point."""
    if isinstance(cell, float) and cell.is_integer():
        return f"{cell:.0f}"
    return cell.isoformat() if isinstance(cell, date | time) else cell


def _main() -> int:
    """Read a workbook from standard input, write CSV to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    # Here, behind the limits, and only in this process.
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415

    try:
        book = CalamineWorkbook.from_filelike(sys.stdin.buffer)
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
    except (CalamineError, OSError, ValueError) as error:
        return _refuse(f"This is no workbook that can be read ({error}): save the list as CSV.")
    full = [one for one in sheets if one.height]
    if len(full) > 1:
        return _refuse("Several sheets have rows: keep the list alone in its workbook.")
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
    for one in full:
        csv.writer(out, lineterminator="\n").writerows(_rows(one.iter_rows()))
    out.flush()
    return 0


def _refuse(problem: str) -> int:
    sys.stderr.write(problem)
    return _REFUSED


if __name__ == "__main__":
    sys.exit(_main())
