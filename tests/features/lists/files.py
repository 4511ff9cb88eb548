"""Lists as files in memory, what their rows say, and imports of them."""

from __future__ import annotations

import io
from typing import Any

from smsgate.features.lists.list_file import ListFile, ListOptions, ListRow
from smsgate.features.lists.results import ListResult
from smsgate.process.services import Services
from tests.fakes.listed_numbers import importer_of

ALERTS = ListOptions(program="alerts")


def listed(text: str | bytes, **options: Any) -> ListFile:
    raw = text if isinstance(text, bytes) else text.encode()
    return ListFile(io.BytesIO(raw), ListOptions(program="alerts", **options))


def rows_of(text: str | bytes, **options: Any) -> list[ListRow]:
    return [row for rows in listed(text, **options).windows(3) for row in rows]


def imported(
    services: Services, text: str | bytes, options: ListOptions = ALERTS, **more: Any
) -> ListResult:
    raw = text if isinstance(text, bytes) else text.encode()
    given = {"actor": "ana", "name": "stopped.csv", "applies": True, **more}
    found = importer_of(services).run(options, io.BytesIO(raw), lambda *_: None, **given)
    services.archiver.move_all()  # as a clock does all the time
    return found


def previewed(
    services: Services, text: str | bytes, options: ListOptions = ALERTS, **more: Any
) -> ListResult:
    return imported(services, text, options, applies=False, **more)
