"""Texts that people decided, kept as test cases: a table for ``smsgate keywords test``.

The file lies in the data directory and belongs to the operator. It has no numbers, and what is
kept in it stays when a number's texts are erased: for words that anybody could have written.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from smsgate.errors import Unfit

FILE = "labelled.tsv"
_HEADER = "label\ttext"
_LONGEST = 1_000


def keep(folder: Path, label: str, text: str) -> bool:
    """Add a text with what it means; False where the file has it already.

    Raises ``Unfit`` where the file has the text with another label, cannot be written, or where
    the text is too long or empty.
    """
    line = _line(text)
    if not line or len(line) > _LONGEST:
        raise Unfit(f"A test case has 1 to {_LONGEST:,} characters of text.")
    try:
        return _append(folder / FILE, label, line)
    except OSError as error:
        raise Unfit(f"{folder / FILE} cannot be written: {error.strerror}.") from error


def _append(file: Path, label: str, line: str) -> bool:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Texts of people: nobody else on this machine may read them.
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        content = out.read()
        rows = (row.partition("\t") for row in content.splitlines())
        before = {text: known for known, _, text in rows}.get(line)
        if before not in (None, label):
            raise Unfit(f"{file.name} has this text already, labelled {before}: change it there.")
        if before is None:
            head = "" if content.endswith("\n") else "\n" if content else f"{_HEADER}\n"
            out.write(f"{head}{label}\t{line}\n")
    return before is None


def _line(text: str) -> str:
    """A text on one line, as the table has it: backslash n is a line break."""
    plain = "\n".join(text.replace("\t", " ").replace("\0", "").splitlines())
    return plain.strip().replace("\n", "\\n")
