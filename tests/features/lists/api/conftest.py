"""The API of the tests of all operations, and a worker that runs the lists."""

from __future__ import annotations

from tests.fakes.list_worker import ending_workers, running_worker
from tests.web.v1.conftest import *  # noqa: F403 - fixtures, found by their names

__all__ = ["ending_workers", "running_worker"]
