"""Lists as files in memory, what their rows say, and imports of them."""

from __future__ import annotations

import io
from typing import Any

from smsgate.features.lists.import_record import record_import
from smsgate.features.lists.imports import FileImport
from smsgate.features.lists.list_file import ListFile, ListOptions, ListRow
from smsgate.features.lists.results import ListResult
from smsgate.pipeline.services import Services

ALERTS = ListOptions(program="alerts")


def listed(text: str | bytes, **options: Any) -> ListFile:
    raw = text if isinstance(text, bytes) else text.encode()
    return ListFile(io.BytesIO(raw), ListOptions(program="alerts", **options))


def rows_of(text: str | bytes, **options: Any) -> list[ListRow]:
    return [row for rows in listed(text, **options).windows(3) for row in rows]


def work_on(services: Services, text: str | bytes, options: ListOptions = ALERTS) -> FileImport:
    raw = text if isinstance(text, bytes) else text.encode()
    return FileImport(services, options, io.BytesIO(raw), actor="ana", name="stopped.csv")


def imported(services: Services, text: str | bytes, options: ListOptions = ALERTS) -> ListResult:
    work = work_on(services, text, options)
    work.preview(lambda *_: None)
    return work.apply(lambda *_: None)


def previewed(services: Services, text: str | bytes, options: ListOptions = ALERTS) -> ListResult:
    return work_on(services, text, options).preview(lambda *_: None)


def record_list(services: Services, list_id: str, note: str, actor: str = "ana") -> None:
    """Put on record that a whole list was imported."""
    record_import(services, list_id, "alerts", actor, "stopped.csv", note)
