"""Scrubs: a list split, before a send, into who may be texted and who may not, and why.

Where the gate cannot tell of a single row, there is no clean list at all.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from smsgate.features.lists.list_file import (
    ERRORS,
    NO_DELIMITER,
    ListFile,
    ListOptions,
    SeenNumbers,
)
from smsgate.features.lists.results import CLEAN, DUPLICATE, OUTCOMES, ListResult
from smsgate.features.lists.rows import BLANK, NO_COLUMN
from smsgate.files import whole
from smsgate.interface.operation import Progress
from smsgate.pipeline.gate import Gate
from smsgate.process.published_programs import check_program
from smsgate.settings import Settings

WINDOW = 50_000
"""Rows about which the gate is asked together: the more, the less for each."""


def scrub_list(
    settings: Settings,
    gate: Gate,
    options: ListOptions,
    file: IO[bytes],
    clean: Path,
    blocked: Path,
    progress: Progress,
) -> ListResult:
    """Read a list and write both parts, in order, with its columns and its encoding.

    Raises ``ListUnreadable``, ``UnknownProgram``, ``StoreUnavailable``, ``StoreNotReady``; then
    nothing is written.
    """
    options.check(settings)
    check_program(settings, options.program)  # also not ``all``
    options = msgspec.structs.replace(options, state_column=NO_COLUMN)
    list_file, seen, counts = ListFile(file, options), SeenNumbers(), Counter[str]()
    width = len(list_file.header)
    with (
        whole(clean) as clean_file,
        _text(clean_file, list_file) as clean_text,
        whole(blocked) as blocked_file,
        _text(blocked_file, list_file) as blocked_text,
    ):
        end, delimiter = list_file.newline, list_file.delimiter
        clean_rows = csv.writer(clean_text, delimiter=delimiter, lineterminator=end)
        delimiter = "," if delimiter == NO_DELIMITER else delimiter
        blocked_rows = csv.writer(blocked_text, delimiter=delimiter, lineterminator=end)
        if list_file.header:
            clean_rows.writerow(list_file.header)
            blocked_rows.writerow([*list_file.header, "blocked_reason", "blocked_why"])
        for rows in list_file.windows(WINDOW):
            numbers = [*seen.first(rows)]
            refused = gate.refused(numbers, program=options.program)
            # What the first row of each number gets.
            reasons: dict[str, str] = dict.fromkeys(numbers, CLEAN)
            reasons |= {numbers[at]: answer.reason for at, answer in refused.items()}
            outcomes = [row.reason or reasons.pop(row.number, DUPLICATE) for row in rows]
            counts.update(outcomes)
            results = [*zip(rows, outcomes, strict=True)]
            clean_rows.writerows(row.cells for row, outcome in results if outcome == CLEAN)
            blocked_rows.writerows(
                [*row.cells, *[""] * (width - len(row.cells)), outcome, OUTCOMES[outcome]]
                for row, outcome in results
                if outcome not in (CLEAN, BLANK)
            )
            progress("Scrubbing", list_file.read_bytes, list_file.size)
    del counts[BLANK]
    found = {CLEAN: counts[CLEAN]} | dict(counts.most_common())
    return ListResult(counts.total(), found, format=list_file.format, applied=True)


@contextmanager
def _text(out: BinaryIO, file: ListFile) -> Iterator[io.TextIOWrapper]:
    text = io.TextIOWrapper(out, file.encoding, ERRORS, newline="")
    yield text
    text.detach()  # writes what is left, and leaves the file open
