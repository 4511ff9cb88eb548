"""Whoever can write to Redis must not run code in the worker: a real worker, a real Redis."""

from __future__ import annotations

import json
import pickle
import sys
import threading
import zlib
from datetime import UTC, datetime
from http.server import HTTPServer

import pytest
from rq import Callback, Queue
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from smsgate.store.inbox import APPLY, SEND, JobQueue
from tests.fakes.loopback import QuietHandler, serving
from workers.jobs import AllowedJob, worker_on


@pytest.fixture
def queue(redis_client) -> Queue:
    """The queue of ``worker`` as a stranger with access to Redis uses it."""
    return Queue("inbox", connection=redis_client, serializer=JSONSerializer)


@pytest.fixture
def proof(tmp_path):
    """A file that a command of the stranger's would make."""
    return tmp_path / "proof"


@pytest.fixture
def works(redis_url, redis_client):
    """Runs the worker until its queue is empty; gives the partitions that it applied."""
    applied: list[int] = []

    def work() -> list[int]:
        JobQueue(redis_url, 2.0).enqueue(APPLY, 3)  # behind whatever the stranger enqueued
        worker_on(redis_client, "inbox", applied.append).work(burst=True, logging_level="WARNING")
        return applied

    return work


def rewrite(queue: Queue, job: Job, **fields: str | bytes) -> None:
    queue.connection.hset(job.key, mapping=fields)


def data_of(value: object) -> bytes:
    return zlib.compress(json.dumps(value).encode())


@pytest.mark.parametrize("function", ["os.system", "posix.system", "workers.jobs.os.system"])
def test_functions_of_others_are_not_called(queue, works, proof, function):
    job = queue.enqueue_call(function, args=(f"touch {proof}",))

    assert works() == [3]
    assert not proof.exists()
    assert not queue.connection.exists(job.key)


class Payload:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        import os

        return os.system, (self.command,)


@pytest.mark.parametrize("field", ["data", "meta", "result"])
def test_pickled_values_are_not_unpacked(queue, works, proof, field):
    job = queue.enqueue_call(APPLY[1], args=(7,))
    rewrite(queue, job, **{field: pickle.dumps(Payload(f"touch {proof}"))})

    assert works()[-1] == 3
    assert not proof.exists()


@pytest.mark.parametrize("when", ["on_success", "on_failure", "on_stopped"])
def test_a_callback_of_our_own_job_is_not_called(queue, works, when, tmp_path, monkeypatch):
    (tmp_path / "strangers_callback.py").write_text("def run(*given):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    queue.enqueue_call(APPLY[1], args=(7,), **{when: Callback("strangers_callback.run")})
    queue.enqueue_call(APPLY[1], args=(8,), **{when: Callback("os.system")})

    assert works() == [7, 8, 3]
    assert "strangers_callback" not in sys.modules


def test_a_callback_of_a_job_whose_worker_died_is_not_called(queue, works, tmp_path, monkeypatch):
    """RQ's maintenance calls it, though the job is in no queue."""
    (tmp_path / "strangers_cleanup.py").write_text("def run(*given):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    callback = Callback("strangers_cleanup.run")
    job = queue.enqueue_call(APPLY[1], args=(7,), on_failure=callback)
    queue.connection.delete(queue.key)
    rewrite(queue, job, status="started")
    queue.connection.zadd(StartedJobRegistry(queue=queue).key, {f"{job.id}:1": 1})

    assert works() == [3]
    assert "strangers_cleanup" not in sys.modules


def test_no_address_is_called_for_a_job(queue, works):
    called = threading.Event()

    class Handler(QuietHandler):
        def do_GET(self):  # noqa: N802 - as http.server has it
            called.set()
            self.send_response(204)
            self.end_headers()

    with serving(HTTPServer(("127.0.0.1", 0), Handler)) as url:
        queue.enqueue_call(APPLY[1], args=(7,), webhooks=[Webhook(f"{url}/", "finished")])
        assert works() == [7, 3]
    assert not called.is_set()


@pytest.mark.parametrize(
    "value",
    [
        [APPLY[1], "os", [7], {}],
        ["join", ",", [["a"]], {}],
        [APPLY[1], None, [7], {"partition": 7}],
        [APPLY[1], None, [7, 8], {}],
        [APPLY[1], None, [99], {}],
        [APPLY[1], None, [True], {}],
        [APPLY[1], None, ["7"], {}],
        [f"{APPLY[1]}.__call__", None, [7], {}],
        ["workers.jobs.process", None, [], {}],
        [{}, None, [7], {}],
        [APPLY[1]],
        {},
        "x" * 10_000,
    ],
)
def test_only_what_smsgate_writes_is_a_job(queue, works, value):
    job = queue.enqueue_call(APPLY[1], args=(7,))
    rewrite(queue, job, data=data_of(value))

    assert works() == [3]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeout", "9" * 30),
        ("status", "unheard of"),
        ("created_at", "yesterday"),
        ("origin", b"\xff"),
        ("dependency_ids", "[1"),
        ("retries_left", "5"),
        ("repeats_left", "5"),
        (b"\xff", "1"),
        ("meta", f'"{"x" * 1000}"'),
    ],
)
def test_a_field_that_smsgate_does_not_write_hinders_no_worker(queue, works, field, value):
    job = queue.enqueue_call(APPLY[1], args=(7,))
    queue.connection.hset(job.key, mapping={field: value})

    assert works()[-1] == 3
    assert not queue.connection.exists(job.key)


def test_a_refused_job_is_named_in_the_log(queue, works, capsys):
    from smsgate import logs

    logs.configure()
    job = queue.enqueue_call("os.system", job_id="stranger", meta={"os.system": "true"})
    rewrite(queue, job, meta="")
    works()
    assert '"job":"stranger"' in capsys.readouterr().err


def test_what_a_late_heartbeat_left_of_a_job_is_passed_over(queue, works):
    queue.connection.hset("rq:job:gone", "last_heartbeat", "2026-11-24T12:00:00.000000Z")
    queue.connection.rpush(queue.key, "gone")

    assert works() == [3]


def test_a_heartbeat_after_its_end_brings_no_job_back(redis_client):
    job = AllowedJob("ended", connection=redis_client)
    job.heartbeat(datetime.now(UTC), 60)
    assert not redis_client.exists(job.key)


def test_the_job_of_a_dead_worker_ends_no_other(queue, redis_client, redis_url):
    JobQueue(redis_url, 2.0).enqueue(APPLY, 3)
    dead = worker_on(redis_client, "inbox", print)
    job, _ = dead.dequeue_job_and_maintain_ttl(None)
    run = dead.prepare_execution(job)
    dead.prepare_job_execution(job, remove_from_intermediate_queue=True)
    # Two minutes later: RQ has forgotten the run, and for a minute more knows of it.
    redis_client.delete(run.key)
    redis_client.zadd("rq:wip:inbox", {run.composite_key: 1})

    worker_on(redis_client, "inbox", print).clean_registries()
    assert not redis_client.exists(job.key)
    assert redis_client.zrange("rq:wip:inbox", 0, -1) == []


@pytest.mark.parametrize("name", [APPLY, SEND])
def test_our_own_jobs_are_taken(redis_client, redis_url, name):
    job_queue = JobQueue(redis_url, 2.0)
    job_queue.enqueue(APPLY, 15)
    job_queue.enqueue(SEND, 0)
    own = Queue(name[0], connection=redis_client, serializer=JSONSerializer)
    (id_,) = own.get_job_ids()

    found = AllowedJob.fetch(id_, connection=redis_client, serializer=JSONSerializer)
    assert found.func_name == name[1]
