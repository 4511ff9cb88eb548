"""Files: those that are written whole or not at all, and lines of CSV."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_FORMULA = re.compile(r"[=+\-@＝＋－＠\t\r]")
_SPLIT = re.compile(r'([;|\t\r\n]"*)(?=[=+\-@＝＋－＠])')
"""Where a spreadsheet that takes another separator for ours begins a cell with a formula."""


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Write to a file beside it, which takes its place when all went well; its owner's only.

    It is on the disk then, and others may write it at once. What is there and no file, such as
    ``/dev/stdout``, is written to as it is. Raises ``OSError``.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as out:
            yield out
        return
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as out:
            yield out
            out.flush()
            os.fsync(number)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a small file as ``whole`` does."""
    with whole(path) as out:
        out.write(content.encode() if isinstance(content, str) else content)


def csv_line(cells: Iterable[object]) -> str:
    """One line of CSV; what a spreadsheet would run is made text, and numbers stay numbers."""
    out = io.StringIO()
    written = [_harmless(cell) if isinstance(cell, str) else cell for cell in cells]
    csv.writer(out, lineterminator="\n").writerow(written)
    return out.getvalue()


def _harmless(cell: str) -> str:
    number = cell.startswith("+") and cell[1:].isdigit()
    text = f"'{cell}" if _FORMULA.match(cell) and not number else cell
    return _SPLIT.sub(r"\1'", text)


def keep_secret(path: Path) -> str:
    """The secret that the file holds; it is made at the first time."""
    if not path.exists():
        replace_file(path, secrets.token_hex(24) + "\n")
    return path.read_text(encoding="utf-8").strip()
