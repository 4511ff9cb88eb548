"""Lists as files in memory, what their rows say, and imports of them."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smsgate.domain.messages import Decision, Entry, Intent
from smsgate.features.lists.columns import ColumnNames
from smsgate.features.lists.import_record import IMPORT_FILE, record_import
from smsgate.features.lists.import_result import ImportOptions, ImportResult
from smsgate.features.lists.imports import FileImport
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.rows import ListRow, RowReader
from smsgate.pipeline.services import Services

ALERTS = ImportOptions(program="alerts")


def listed(text: str | bytes, *names: str) -> ListFile:
    raw = text if isinstance(text, bytes) else text.encode()
    return ListFile(io.BytesIO(raw), ColumnNames(*names))


def cells_of(file: ListFile) -> list[str]:
    """What stands in the column of the numbers."""
    return [RowReader.cell(row, file.columns.number) for _, row in file.rows()]


def rows_of(text: str | bytes, region: str = "") -> list[ListRow]:
    file = listed(text)
    reader = RowReader(file.columns, region=region)
    return [reader.read(line, cells) for line, cells in file.rows()]


def work_on(
    services: Services, text: str | bytes, options: ImportOptions = ALERTS, **more: Any
) -> FileImport:
    raw = text if isinstance(text, bytes) else text.encode()
    return FileImport(services, options, io.BytesIO(raw), actor="ana", name="stopped.csv", **more)


def with_rows(
    run: Callable[[Any, Path], ImportResult],
) -> tuple[ImportResult, list[dict[str, str]]]:
    """A result, and what the file says of each row."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result"
        found = run(lambda *_: None, path)
        with path.open(newline="") as lines:
            return found, [*csv.DictReader(lines)]


def imported(
    services: Services, text: str | bytes, options: ImportOptions = ALERTS, **more: Any
) -> tuple[ImportResult, list[tuple[int, str]]]:
    work = work_on(services, text, options, **more)
    work.preview(lambda *_: None)
    found, rows = with_rows(work.apply)
    return found, [(int(row["line"]), row["outcome"]) for row in rows]


def previewed(
    services: Services, text: str | bytes, options: ImportOptions = ALERTS, **more: Any
) -> ImportResult:
    return work_on(services, text, options, **more).preview(lambda *_: None)


def record_list(services: Services, list_id: str, note: str, actor: str = "ana") -> None:
    """Put on record that a whole list was imported."""
    entry = Entry(
        number="",
        program="alerts",
        decision=Decision(Intent.NONE, rule=IMPORT_FILE, note="stopped.csv"),
        source="import",
        actor=actor,
        message_id=list_id,
        phone=False,
    )
    record_import(services.store, entry, "applied", note)
