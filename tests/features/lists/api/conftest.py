"""The API of the tests of all operations."""

from __future__ import annotations

from tests.fakes.list_worker import ending_workers, running_worker
from tests.web.v1.conftest import api, services, settings_more

__all__ = [
    "api",
    "ending_workers",
    "running_worker",
    "services",
    "settings_more",
]
