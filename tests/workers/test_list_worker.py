"""List jobs on a real RQ worker: how far they are, and what becomes of one whose worker ends."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from smsgate.domain.errors import QueueUnavailable
from smsgate.features.lists.job_files import JobFolders, ListRequest, ListUser
from smsgate.features.lists.job_steps import JobSteps
from smsgate.features.lists.jobs import ListJobs
from smsgate.pipeline.services import Services
from smsgate.store.list_queue import ListQueue
from tests.fakes.list_worker import list_worker
from tests.fakes.own_services import make_services
from tests.fakes.processes import wait_until
from workers.list_worker import REPORT_S, progress_of

NUMBER, OTHER = "+14155550123", "+14155550124"
ANA = ListUser("ana")
ASKED = ListRequest(program="alerts")


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
    with jobs.uploading("ana", 100) as upload:
        upload.file().write(f"phone\n{NUMBER}\n{OTHER}\n".encode())
        return upload.keep("import", "stopped.csv").id


@pytest.fixture
def held(monkeypatch):
    """Steps report one byte again and again until they are let go."""
    go, run = threading.Event(), JobSteps.run

    def step(self, job, folder, progress):
        while not go.wait(0.05):
            progress(1)
        return run(self, job, folder, progress)

    monkeypatch.setattr(JobSteps, "run", step)
    yield go
    go.set()


def stands(jobs: ListJobs, id_: str) -> tuple[str, str, bool]:
    """Step, state, and whether it runs."""
    job, is_running = jobs.find(id_, ANA)
    return job.step, job.state, is_running


def done(jobs: ListJobs, id_: str) -> bool:
    return wait_until(lambda: stands(jobs, id_)[1:] == ("done", False))


def rehearsed(services: Services, jobs: ListJobs, id_: str) -> None:
    with list_worker(services):
        jobs.begin(id_, ANA, "rehearse", ASKED)
        assert done(jobs, id_)


def test_without_a_worker_a_step_waits_its_turn(services, jobs, uploaded) -> None:
    jobs.begin(uploaded, ANA, "rehearse", ASKED)
    assert stands(jobs, uploaded) == ("rehearse", "waiting", True)
    with list_worker(services):
        assert done(jobs, uploaded)


def test_nothing_of_a_step_that_has_ended_stays_in_redis(services, jobs, uploaded, redis_client):
    rehearsed(services, jobs, uploaded)
    assert wait_until(lambda: not redis_client.keys("rq:job:*"))


def test_a_worker_that_waits_has_told_redis_of_no_rq_worker(services, jobs, uploaded, redis_client):
    with list_worker(services):
        assert wait_until(lambda: any(one["cmd"] == "blmove" for one in redis_client.client_list()))
        assert not redis_client.keys("rq:worker*")
        jobs.begin(uploaded, ANA, "rehearse", ASKED)
        assert done(jobs, uploaded)


def test_how_far_a_step_is_stands_in_the_jobs_meta(services, jobs, uploaded, held) -> None:
    with list_worker(services):
        jobs.begin(uploaded, ANA, "rehearse", ASKED)
        assert wait_until(lambda: jobs.find(uploaded, ANA)[0].read > 5)
        held.set()
        assert done(jobs, uploaded)


def test_how_far_it_is_is_written_a_few_times_a_second(redis_client) -> None:
    job = Queue("lists-x", connection=redis_client, serializer=JSONSerializer).enqueue("x.y")
    written: list[int] = []
    job.save_meta = lambda: written.append(job.meta["read"])
    told = threading.Thread(target=lambda: _told(job))
    told.start()
    told.join()
    assert written[0] == 2
    assert len(written) < 10
    assert 0.1 <= REPORT_S <= 1


def _told(job: Job) -> None:
    from workers.list_worker import _ending

    _ending.set(threading.Event())
    report = progress_of(job)
    for at in range(1, 1001):
        report(2 * at)


def test_a_step_whose_worker_ends_is_taken_up_by_the_next_one(services, jobs, uploaded, held):
    with list_worker(services) as worker:
        jobs.begin(uploaded, ANA, "rehearse", ASKED)
        assert wait_until(lambda: jobs.find(uploaded, ANA)[0].read > 0)
        worker.close()
    assert stands(jobs, uploaded) == ("rehearse", "working", False)
    held.set()
    with list_worker(services):
        assert done(jobs, uploaded)


def test_a_step_whose_worker_was_killed_is_seen_and_taken_up_once(services, jobs, uploaded, groups):
    rehearsed(services, jobs, uploaded)
    jobs.apply(uploaded, ANA, "", "")
    worker = groups.start([sys.executable, "-c", textwrap.dedent(_DIES)], env=_environ(services))
    assert wait_until(lambda: stands(jobs, uploaded)[1] == "working")
    assert wait_until(lambda: services.history.of_number(NUMBER) != [])
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    groups.end(worker)
    worker.stdout.close()
    assert wait_until(lambda: stands(jobs, uploaded) == ("apply", "working", False))
    with list_worker(services):
        assert done(jobs, uploaded)
    for number in (NUMBER, OTHER):
        assert [one.kind for one in services.history.of_number(number)] == ["import"]
        assert not services.gate.allows(number, program="alerts")


_DIES = """
import os
from smsgate.features.lists.number_import import NumberImport
from workers import jobs
from workers.list_worker import ListWorker
import threading

enter = NumberImport.enter

def enter_and_hang(*args, **kwargs):
    enter(*args, **kwargs)
    threading.Event().wait()

NumberImport.enter = enter_and_hang
ListWorker(jobs.process().services).start()
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


def test_a_step_that_ends_every_worker_is_not_taken_up_for_ever(services, jobs, uploaded) -> None:
    folder = JobFolders(services.settings.data_dir).find(uploaded)
    jobs.begin(uploaded, ANA, "rehearse", ASKED)
    for _ in range(5):
        ListQueue(services.job_queue).forget(folder.read().rq_id)
        jobs.resume_interrupted()
    assert stands(jobs, uploaded) == ("rehearse", "waiting", False)
    with list_worker(services):  # whoever looks at it may still go on
        jobs.resume(uploaded, ANA)
        assert done(jobs, uploaded)


def test_a_step_that_an_older_smsgate_began_waits_for_a_person(services, jobs, uploaded) -> None:
    """Its web process may still be at work on it."""
    folder = JobFolders(services.settings.data_dir).find(uploaded)
    state = folder.file("job.json")
    state.write_bytes(
        b'{"id":"%b","kind":"import","operator":"ana","name":"stopped.csv","made_us":1,"size":32,'
        b'"step":"rehearse","state":"working","request":{"program":"alerts"},"read":7,"v":1}'
        % uploaded.encode()
    )
    with list_worker(services):
        assert stands(jobs, uploaded) == ("rehearse", "working", False)
        jobs.resume(uploaded, ANA)
        assert done(jobs, uploaded)
    job, _ = jobs.find(uploaded, ANA)
    assert job.request == ASKED
    assert job.result is not None
    assert job.result.outcomes == {"new": 2}


def test_a_lost_queue_loses_no_list(services, jobs, uploaded, redis_client) -> None:
    jobs.begin(uploaded, ANA, "rehearse", ASKED)
    for key in redis_client.keys("rq:*"):
        redis_client.delete(key)
    assert stands(jobs, uploaded) == ("rehearse", "waiting", False)
    with list_worker(services):
        assert done(jobs, uploaded)


def test_where_the_queue_is_away_nothing_is_changed(services, jobs, uploaded, monkeypatch) -> None:
    def away(*_: object) -> None:
        raise QueueUnavailable("the queue cannot be used")

    monkeypatch.setattr(ListQueue, "enqueue", away)
    with pytest.raises(QueueUnavailable):
        jobs.begin(uploaded, ANA, "rehearse", ASKED)
    assert stands(jobs, uploaded) == ("", "done", False)
    with pytest.raises(QueueUnavailable):
        jobs.export("ana", ListRequest(program="alerts", form="csv"))
    assert [job.id for job, _ in jobs.of(ANA)] == [uploaded]


def test_each_data_directory_has_a_queue_of_its_own(services, tmp_path) -> None:
    names = {JobFolders(path).queue_name() for path in (services.settings.data_dir, tmp_path)}
    assert len(names) == 2
    assert {JobFolders(services.settings.data_dir).queue_name() for _ in range(3)} < names
    assert not any(":" in name for name in names)


def test_a_step_that_was_begun_anew_is_run_once(services, jobs, uploaded) -> None:
    jobs.begin(uploaded, ANA, "rehearse", ASKED)
    jobs.run(uploaded, "of-somebody-else", lambda _: None)
    assert stands(jobs, uploaded) == ("rehearse", "waiting", True)


def test_a_fault_of_ours_ends_no_worker(services, jobs, uploaded, monkeypatch) -> None:
    resume, calls = ListJobs.resume_interrupted, []

    def fails_once(self: ListJobs) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        resume(self)

    monkeypatch.setattr(ListJobs, "resume_interrupted", fails_once)
    jobs.begin(uploaded, ANA, "rehearse", ASKED)
    with list_worker(services):
        assert done(jobs, uploaded)
    assert len(calls) > 1


def test_a_queue_is_named_where_there_are_no_hard_links(tmp_path, monkeypatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("smsgate.features.lists.job_files.os.link", refused)
    assert JobFolders(tmp_path).queue_name() == JobFolders(tmp_path).queue_name()
    assert {one.name for one in tmp_path.iterdir()} == {"lists.id"}
