"""List jobs in the worker's thread: how far they are, and what becomes of one whose worker ends."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
from pathlib import Path

import pytest
import structlog

from smsgate.features.lists.jobs import ListJob, ListJobs
from smsgate.pipeline.services import Services
from tests.fakes.list_worker import list_worker
from tests.fakes.list_worker import uploaded as upload
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
    return ListJobs(services)


@pytest.fixture
def uploaded(jobs) -> str:
    """The id of a list that was uploaded, to be imported."""
    return upload(jobs, f"phone\n{NUMBER}\n{OTHER}\n".encode()).id


def ask(jobs: ListJobs, id_: str, step: str = "preview") -> ListJob:
    return jobs.ask(jobs.find(id_), step, {"program": "alerts"}, "bob")


@pytest.fixture
def held(monkeypatch):
    """Steps report one byte more again and again until they are let go."""
    go, run = threading.Event(), ListJobs._result

    def step(self, folder, job, progress):
        done = 0
        while not go.wait(0.05):
            done += 1
            progress("", done, 0)
        return run(self, folder, job, progress)

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


def test_how_far_a_step_is_can_be_read(services, jobs, uploaded, held) -> None:
    with list_worker(services):
        ask(jobs, uploaded)
        assert wait_until(lambda: jobs.find(uploaded).done > 0)
        held.set()
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
        assert not ListJobs(services).run_next(lambda: False)
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
from smsgate.features.lists import imports
from tests.fakes.listed_numbers import import_numbers
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.services import build_services
from workers.list_worker import list_thread
import threading

enter = imports.enter

def enter_and_hang(*args, **kwargs):
    enter(*args, **kwargs)
    threading.Event().wait()

imports.enter = enter_and_hang
list_thread(build_services(load_configuration(os.environ))).start()
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
                jobs.run_next(lambda: False)
        assert jobs.run_next(lambda: False)
    assert stands(jobs, uploaded) == ("preview", "failed")
    assert "The worker ended whenever" in jobs.find(uploaded).problem
    with list_worker(services):  # a person may try again
        ask(jobs, uploaded)
        assert done(jobs, uploaded)


def test_a_job_of_an_earlier_version_runs_in_its_owner_s_name(services, jobs, uploaded):
    """It did not write down who asked."""

    def run_as_before(id_: str) -> None:
        path = jobs.file(id_, "job.json")
        path.write_bytes(path.read_bytes().replace(b'"asked_by":"bob",', b""))
        assert jobs.run_next(lambda: False)
        assert stands(jobs, id_) == ("apply", "done")

    ask(jobs, uploaded, "apply")
    run_as_before(uploaded)
    undo = jobs.undo(jobs.find(uploaded).result.import_id, "ana", sees_all=True)
    jobs.ask(undo, "apply", {"reason": "wrong file"}, "bob")
    run_as_before(undo.id)
    acted = [(one.kind, one.entry.actor) for one in services.history.of_number(NUMBER)]
    assert acted == [("import", "ana"), ("import_undone", "ana")]


def test_a_fault_of_ours_ends_no_worker(services, jobs, uploaded, monkeypatch) -> None:
    run, calls = ListJobs.run_next, []

    def fails_once(self: ListJobs, is_ending: object) -> bool:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return run(self, is_ending)

    monkeypatch.setattr(ListJobs, "run_next", fails_once)
    ask(jobs, uploaded)
    with list_worker(services):
        assert done(jobs, uploaded)
    assert len(calls) > 1


def test_a_folder_that_cannot_be_used_is_logged_once_and_its_jobs_go_on(services, jobs, uploaded):
    ask(jobs, uploaded)
    folder = services.settings.data_dir / "lists"
    away = folder.rename(folder.with_name("away"))
    folder.write_text("in the way")
    with structlog.testing.capture_logs() as said, list_worker(services):
        assert wait_until(lambda: said)
        folder.unlink()
        away.rename(folder)
        assert done(jobs, uploaded)
    assert [one["event"] for one in said if "problem" in one] == ["lists waits"]
