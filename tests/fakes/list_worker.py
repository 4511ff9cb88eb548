"""The thread of the process ``worker`` that runs list jobs, beside a test's own services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from smsgate.background_thread import BackgroundThread
from smsgate.features.lists.jobs import ListJob, ListJobs
from smsgate.process.services import Services
from tests.fakes.own_services import make_part
from workers import threads as worker_module
from workers.threads import list_thread


def uploaded(jobs: ListJobs, content: bytes, actor: str = "ana") -> ListJob:
    """A list that was uploaded, to be imported."""

    def write(file: BinaryIO) -> str:
        file.write(content)
        return "stopped.csv"

    return jobs.receive("import", actor, len(content), write)


@contextmanager
def list_worker(
    services: Services, later: list[BackgroundThread] | None = None
) -> Iterator[BackgroundThread]:
    """The worker's thread, on the services's data directory.

    It takes a moment to end: that is waited for, unless it is to be closed ``later``.
    """

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_module, "LIST_S", 0.05)
        worker = make_part(services, list_thread)
        worker.start()
        try:
            yield worker
        finally:
            if later is None:
                worker.close()
            else:
                worker.stop()
                later.append(worker)


@pytest.fixture(scope="session")
def ending_workers(redis_server: object) -> Iterator[list[BackgroundThread]]:
    """Workers of earlier tests, which end before their Redis does."""
    workers: list[BackgroundThread] = []
    yield workers
    for worker in workers:
        worker.close()


@pytest.fixture(autouse=True)
def running_worker(services: Services, ending_workers: list[BackgroundThread]) -> Iterator[None]:
    """Runs the list jobs of a test."""
    with list_worker(services, ending_workers):
        yield
