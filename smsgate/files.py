"""Files: those that are written whole or not at all, and lines of CSV."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Write to a file beside it, which takes its place when all went well; its owner's only.

    What is there and no file, such as ``/dev/stdout``, is written to as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as out:
            yield out
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as out:
            part.chmod(0o600)  # it holds people's numbers
            yield out
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a small file whole or not at all, also where others write it at once; its owner's only.

    It is on the disk when this returns. Raises ``OSError``.
    """
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def csv_line(cells: list[str]) -> str:
    """One line of CSV; what a spreadsheet would run is made text, and numbers stay numbers."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs; a number stays one."""
    number = cell.startswith("+") and cell[1:].isdigit()
    return f"'{cell}" if cell.startswith(_FORMULAS) and not number else cell


@contextmanager
def csv_file(path: Path, columns: Sequence[str]) -> Iterator[Callable[[Sequence[object]], object]]:
    """Write a CSV file with these columns, whole or not at all; gives what writes a row."""
    with whole(path) as out, TextIOWrapper(out, "utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(columns)
        yield writer.writerow
