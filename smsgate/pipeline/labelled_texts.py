"""Texts that people decided, kept as test cases: a table for ``smsgate keywords test``.

The file lies in the data directory and belongs to the operator. It has no numbers: a case names the
decision that it came from, by which those of a number are found when its texts are erased.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from smsgate.domain.errors import Unfit
from smsgate.domain.messages import ms_of
from smsgate.records import Records
from smsgate.store.keys import partition_of

FILE = "labelled.tsv"
_HEADER = "label\ttext\tdecision"
_MAX_CHARACTERS = 1_000
_KEY = re.compile(r"([0-9]{1,2})-([0-9]{1,15}-[0-9]{1,15})", re.ASCII)


def keep(folder: Path, label: str, text: str, decision: str = "") -> bool:
    """Add a text with its label and the key of the decision; return False where the file has it.

    Raises ``Unfit`` where the file has the text with another label, cannot be written, or where
    the text is too long or empty.
    """
    plain = "\n".join(text.replace("\t", " ").replace("\0", "").splitlines())
    line = plain.strip().replace("\n", "\\n")  # the table's line break
    if not line or len(line) > _MAX_CHARACTERS:
        raise Unfit(f"A test case has 1 to {_MAX_CHARACTERS:,} characters of text.")
    with _opened(folder) as file:
        content = file.read()
        cases = map(_parse, content.splitlines())
        before = {known: kept_label for kept_label, known, _ in cases}.get(line)
        if before not in (None, label):
            raise Unfit(f"{FILE} has this text already, labelled {before}: change it there.")
        if before is None:
            head = "" if content.endswith("\n") else "\n" if content else f"{_HEADER}\n"
            file.write(f"{head}{label}\t{line}\t{decision}\n")
    return before is None


def forget(folder: Path, number: str, records: Records) -> int:
    """Remove the cases that came from a number's texts; return how many they were.

    Raises ``Unfit`` where the file cannot be written, ``RecordsUnavailable``.
    """
    if not (folder / FILE).exists():
        return 0
    with _opened(folder) as file:
        rows = file.read().splitlines(keepends=True)
        decisions = [_parse(row.rstrip("\n"))[2] for row in rows]
        own = _decisions_about(number, decisions, records)
        kept = [row for row, decision in zip(rows, decisions, strict=True) if decision not in own]
        if own:
            file.seek(0)
            file.truncate()
            file.writelines(kept)
    return len(rows) - len(kept)


def _decisions_about(number: str, decisions: list[str], records: Records) -> set[str]:
    partition = str(partition_of(number))
    found = [match for one in decisions if (match := _KEY.fullmatch(one)) and match[1] == partition]
    places = [(number, ms_of(match[2]) * 1000) for match in found]
    ids = {one.event.inbox_id for one in records.history.at(places)} if places else set()
    return {match[0] for match in found if match[2] in ids}


@contextmanager
def _opened(folder: Path) -> Iterator[TextIO]:
    """Open the file, for one process at a time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Texts of people: nobody else on this machine may read them.
        number = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(number, "r+", encoding="utf-8", newline="\n") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
    except OSError as error:
        raise Unfit(f"{folder / FILE} cannot be written: {error.strerror}.") from error


def _parse(row: str) -> tuple[str, str, str]:
    """Return label, text and decision, which is empty in what an operator wrote."""
    label, text, decision = [*row.split("\t"), "", ""][:3]
    return label, text, decision
