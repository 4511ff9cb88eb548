"""Scrubs: a list split, before a send, into who may be texted and who may not, and why.

Where the gate cannot tell of a single row, there is no clean list at all.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import IO, BinaryIO

from smsgate.features.lists.list_file import (
    ERRORS,
    NO_DELIMITER,
    ListFile,
    ListOptions,
    SeenNumbers,
)
from smsgate.features.lists.results import CLEAN, DUPLICATE, OUTCOMES, ListResult
from smsgate.features.lists.rows import BLANK
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
    list_file, seen, counts = ListFile(file, options), SeenNumbers(), Counter[str]()
    width = len(list_file.header)
    with whole(clean) as clean_out, whole(blocked) as blocked_out:
        clean_rows = _writer(clean_out, list_file, list_file.delimiter)
        delimiter = "," if list_file.delimiter == NO_DELIMITER else list_file.delimiter
        blocked_rows = _writer(blocked_out, list_file, delimiter)
        if list_file.header:
            clean_rows.writerow(list_file.header)
            blocked_rows.writerow([*list_file.header, "blocked_reason", "blocked_why"])
        for rows in list_file.windows(WINDOW):
            first = seen.first(rows)
            numbers = [*first]
            refused = gate.refused(numbers, program=options.program)
            reasons = {numbers[at]: answer.reason for at, answer in refused.items()}
            for row in rows:
                is_first = first.get(row.number) is row
                reason = row.reason or (reasons.get(row.number, CLEAN) if is_first else DUPLICATE)
                if reason == BLANK:
                    continue
                counts[reason] += 1
                if reason == CLEAN:
                    clean_rows.writerow(row.cells)
                else:
                    rest = [""] * (width - len(row.cells))
                    blocked_rows.writerow([*row.cells, *rest, reason, OUTCOMES[reason]])
            progress("Scrubbing", list_file.read_bytes, list_file.size)
    outcomes = {CLEAN: counts[CLEAN]} | dict(counts.most_common())
    return ListResult(counts.total(), outcomes, format=list_file.format, applied=True)


def _writer(out: BinaryIO, file: ListFile, delimiter: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    # A line at a time: nothing stays behind when the file is closed.
    text = io.TextIOWrapper(out, file.encoding, ERRORS, newline="", write_through=True)
    return csv.writer(text, delimiter=delimiter, lineterminator=file.newline)
