"""List jobs in the worker's thread: how far they are, and what becomes of one whose worker ends."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from smsgate.features.lists.jobs import ListJob, ListJobs
from smsgate.features.lists.list_file import ListOptions
from smsgate.process.services import Services
from tests.fakes.list_worker import list_worker
from tests.fakes.list_worker import uploaded as upload
from tests.fakes.listed_numbers import importer_of
from tests.fakes.own_services import make_services
from tests.fakes.processes import wait_until

NUMBER, OTHER = "+14155550123", "+14155550124"


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url)
    made.records.migrate()
    yield made
    made.close()


@pytest.fixture
def jobs(services):
    return ListJobs(services.settings)


def run(services) -> bool:
    return ListJobs(services.settings).run_next(importer_of(services), services.gate, lambda: False)


@pytest.fixture
def uploaded(jobs) -> str:
    """The id of a list that was uploaded, to be imported."""
    return upload(jobs, f"phone\n{NUMBER}\n{OTHER}\n".encode()).id


def ask(jobs: ListJobs, id_: str, step: str = "preview") -> ListJob:
    return jobs.ask(jobs.find(id_), step, "bob", ListOptions(program="alerts"))


@pytest.fixture
def held(monkeypatch):
    """Steps report one byte more again and again until they are let go."""
    go, run = threading.Event(), ListJobs._result

    def step(self, job, importer, gate, progress):
        done = 0
        while not go.wait(0.05):
            done += 1
            progress("", done, 0)
        return run(self, job, importer, gate, progress)

    monkeypatch.setattr(ListJobs, "_result", step)
    yield go
    go.set()


def stands(jobs: ListJobs, id_: str) -> tuple[str, str]:
    """Step and state."""
    job = jobs.find(id_)
    return job.step, job.state


def done(jobs: ListJobs, id_: str) -> bool:
    return wait_until(lambda: stands(jobs, id_)[1] == "done")


def test_without_a_worker_a_step_waits_its_turn(services, jobs, uploaded) -> None:
    ask(jobs, uploaded)
    assert stands(jobs, uploaded) == ("preview", "waiting")
    with list_worker(services):
        assert done(jobs, uploaded)


def test_a_step_whose_worker_ends_is_taken_up_by_the_next_one(services, jobs, uploaded, held):
    with list_worker(services) as worker:
        ask(jobs, uploaded)
        assert wait_until(lambda: jobs.find(uploaded).done > 0)
        worker.close()
    assert stands(jobs, uploaded) == ("preview", "working")
    held.set()
    with list_worker(services):
        assert done(jobs, uploaded)


def test_two_workers_do_a_step_once(services, jobs, uploaded, held) -> None:
    ask(jobs, uploaded)
    with list_worker(services), list_worker(services):
        assert wait_until(lambda: stands(jobs, uploaded)[1] == "working")
        assert not run(services)
        held.set()
        assert done(jobs, uploaded)
    assert jobs.find(uploaded).starts == 1


def test_a_step_whose_worker_was_killed_is_taken_up_and_done_once(services, jobs, uploaded, groups):
    with list_worker(services):
        ask(jobs, uploaded)
        assert done(jobs, uploaded)
    ask(jobs, uploaded, "apply")
    worker = groups.start([sys.executable, "-c", textwrap.dedent(_DIES)], env=_environ(services))
    assert wait_until(lambda: stands(jobs, uploaded)[1] == "working")
    assert wait_until(lambda: services.history.of_number(NUMBER) != [])
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    groups.end(worker)
    worker.stdout.close()
    assert stands(jobs, uploaded) == ("apply", "working")
    with list_worker(services):
        assert done(jobs, uploaded)
    for number in (NUMBER, OTHER):
        assert [one.kind for one in services.history.of_number(number)] == ["import"]
        assert not services.gate.allows(number, program="alerts")


_DIES = """
import os
from smsgate.features.lists.imports import Importer
from tests.fakes.listed_numbers import import_numbers
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.interface.parts import Parts
from workers.threads import list_thread
import threading

enter = Importer.enter

def enter_and_hang(*args, **kwargs):
    enter(*args, **kwargs)
    threading.Event().wait()

Importer.enter = enter_and_hang
Parts(build_services(load_configuration(os.environ))).bind(list_thread, 0)().start()
threading.Event().wait()
"""


def _environ(services: Services) -> dict[str, str]:
    settings = services.settings
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "SMSGATE_CONFIG": str(settings.config_dir),
        "SMSGATE_DATA_DIR": str(settings.data_dir),
        "REDIS_URL": settings.redis_url,
    }


def test_a_step_that_ends_every_worker_is_not_taken_up_for_ever(
    services, jobs, uploaded, monkeypatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt  # as if the process ended

    ask(jobs, uploaded)
    with monkeypatch.context() as patched:
        patched.setattr(ListJobs, "_result", killed)
        for _ in range(4):
            with pytest.raises(KeyboardInterrupt):
                run(services)
        assert run(services)
    assert stands(jobs, uploaded) == ("preview", "failed")
    assert "The worker ended whenever" in jobs.find(uploaded).problem
    with list_worker(services):  # a person may try again
        ask(jobs, uploaded)
        assert done(jobs, uploaded)
