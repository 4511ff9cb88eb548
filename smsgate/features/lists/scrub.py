"""Scrubs: a list split, before a send, into who may be texted and who may not, and why.

Where the gate cannot tell of a single row, there is no clean list at all.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from smsgate.features.lists.list_file import ListFile, ListOptions, ListRow
from smsgate.features.lists.results import CLEAN, DUPLICATE, OUTCOMES, ListResult
from smsgate.features.lists.rows import BLANK, SeenNumbers
from smsgate.files import whole
from smsgate.interface.operation import Progress
from smsgate.pipeline.manual import check_program
from smsgate.pipeline.services import Services

WINDOW = 50_000
"""Rows about which the gate is asked together: the more, the less for each."""
COLUMNS = ("blocked_reason", "blocked_why")


def scrub_list(
    services: Services,
    options: ListOptions,
    file: BinaryIO,
    clean: Path,
    blocked: Path,
    progress: Progress,
) -> ListResult:
    """Read a list and write both parts, in order, with its columns and its encoding.

    Raises ``ListUnreadable``, ``UnknownProgram``, ``StoreUnavailable``, ``StoreNotReady``; then
    nothing is written.
    """
    options.check(services.settings)
    check_program(services.settings, options.program)  # also not ``all``
    list_file, seen, counts = ListFile(file, options), SeenNumbers(), Counter[str]()
    width = len(list_file.header)
    with whole(clean) as clean_out, whole(blocked) as blocked_out:
        write_clean = _writer(clean_out, list_file)
        write_blocked = _writer(blocked_out, list_file)
        if list_file.header:
            write_clean([list_file.header])
            write_blocked([[*list_file.header, *COLUMNS]])
        for rows in list_file.windows(WINDOW):
            reasons = _reasons(services, options.program, rows, seen)
            pairs = [*zip(rows, reasons, strict=True)]
            write_clean(row.cells for row, reason in pairs if not reason)
            write_blocked(
                [*row.cells, *[""] * (width - len(row.cells)), reason, OUTCOMES[reason]]
                for row, reason in pairs
                if reason not in ("", BLANK)
            )
            counts.update(reason or CLEAN for reason in reasons)
            progress("Scrubbing", list_file.read_bytes, list_file.size)
    del counts[BLANK]
    outcomes = {CLEAN: counts[CLEAN]} | dict(counts.most_common())
    return ListResult(counts.total(), outcomes, format=list_file.format, applied=True)


def _writer(out: BinaryIO, file: ListFile):  # type: ignore[no-untyped-def]  # noqa: ANN202
    out.write(file.order_mark)
    # A line at a time: nothing stays behind when the file is closed.
    text = io.TextIOWrapper(out, file.encoding, file.errors, newline="", write_through=True)
    return csv.writer(text, delimiter=file.delimiter, lineterminator=file.newline).writerows


def _reasons(
    services: Services, program: str, rows: Sequence[ListRow], seen: SeenNumbers
) -> list[str]:
    """Of each row why it may not be texted; empty where it may be."""
    reasons = [row.reason for row in rows]
    new = seen.add({row.number for row in rows if not row.reason})
    places: dict[str, int] = {}
    for at, row in enumerate(rows):
        if not row.reason and (row.number not in new or places.setdefault(row.number, at) != at):
            reasons[at] = DUPLICATE
    numbers = [*places]
    for at, answer in services.gate.refused(numbers, program=program).items():
        reasons[places[numbers[at]]] = answer.reason
    return reasons
