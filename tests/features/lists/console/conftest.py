"""The console of the tests of all pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.list_worker import list_worker
from tests.web.console.conftest import (
    admin,
    agent,
    folder,
    impatient,
    operator,
    password_hash,
    patient,
    services,
    signed_in,
    viewer,
    visitor,
)
from workers.list_worker import ListWorker

__all__ = [
    "admin",
    "agent",
    "folder",
    "impatient",
    "operator",
    "password_hash",
    "patient",
    "services",
    "signed_in",
    "viewer",
    "visitor",
]


@pytest.fixture(scope="session")
def ending(redis_server) -> Iterator[list[ListWorker]]:
    """Workers of earlier tests, which end before their Redis does."""
    workers: list[ListWorker] = []
    yield workers
    for worker in workers:
        worker.close()


@pytest.fixture(autouse=True)
def worker(services, ending) -> Iterator[None]:
    """Runs list jobs."""
    with list_worker(services, ending):
        yield
