"""RQ carries job notifications only: named jobs, as JSON, that leave nothing behind."""

from __future__ import annotations

import importlib
import json
import zlib

import pytest
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from smsgate.domain.errors import QueueUnavailable
from smsgate.store.job_cleanup import JobCleanup
from smsgate.store.job_queue import APPLY, SEND, JobQueue
from smsgate.store.list_queue import ListQueue
from workers import rq_worker


@pytest.fixture
def job_queue(redis_url) -> JobQueue:
    return JobQueue(redis_url, 2.0)


def queue_of(redis_client, name="inbox") -> Queue:
    return Queue(name, connection=redis_client, serializer=JSONSerializer)


@pytest.mark.parametrize("job", [APPLY, SEND])
def test_the_names_of_jobs_are_those_of_functions(job):
    module, _, function = job[1].rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))


def test_a_notification_is_a_job_with_its_partition_as_json(job_queue, redis_client):
    job_queue.enqueue(APPLY, 7)

    (id_,) = queue_of(redis_client).get_job_ids()
    stored = redis_client.hgetall(Job.key_for(id_))
    assert json.loads(zlib.decompress(stored[b"data"])) == [
        "workers.jobs.apply_inbox",
        None,
        [7],
        {},
    ]
    assert 0 < redis_client.ttl(Job.key_for(id_)) <= 10 or stored[b"ttl"] == b"10"


def test_notifications_have_ids_of_their_own(job_queue, redis_client):
    job_queue.enqueue(SEND, 7)
    job_queue.enqueue(SEND, 7)

    assert len(set(queue_of(redis_client, "outbox").get_job_ids())) == 2


def test_a_job_that_died_with_its_worker_is_cleaned_away(job_queue, redis_client):
    job_queue.enqueue(APPLY, 1)
    queue = queue_of(redis_client)
    (id_,) = queue.get_job_ids()
    redis_client.lrem(queue.key, 1, id_)
    job = Job.fetch(id_, connection=redis_client, serializer=JSONSerializer)
    job.set_status("started")
    redis_client.persist(job.key)
    redis_client.zadd(StartedJobRegistry(queue=queue).key, {f"{id_}:1": 1})

    JobCleanup(job_queue).clean()
    assert not redis_client.exists(job.key)
    assert StartedJobRegistry(queue=queue).get_job_ids() == []
    assert FailedJobRegistry(queue=queue).get_job_ids() == []


def test_jobs_that_expired_without_a_worker_do_not_pile_up(job_queue, redis_client):
    queue = queue_of(redis_client)
    redis_client.rpush(queue.key, *[f"expired-{place}" for place in range(150)])
    job_queue.enqueue(APPLY, 1)

    JobCleanup(job_queue).clean()
    assert len(queue.get_job_ids()) == 1


def test_a_finished_job_leaves_nothing(job_queue, redis_client, monkeypatch):
    job_queue.enqueue(APPLY, 1)
    monkeypatch.setattr("workers.jobs.apply_inbox", lambda partition: None)
    SimpleWorker([queue_of(redis_client)], connection=redis_client, serializer=JSONSerializer).work(
        burst=True
    )

    assert list(redis_client.scan_iter("rq:job:*")) == []


def test_a_job_that_expires_when_it_is_taken_is_worked_on_like_others(
    job_queue, redis_client, redis_url, monkeypatch, caplog
):
    """The clock cleans meanwhile, as it does every half minute."""
    worked = []

    def works(partition: int) -> None:
        JobCleanup(job_queue).clean()
        worked.append(partition)

    class Late(rq_worker.SteadyWorker):
        def execute_job(self, job, queue):
            redis_client.delete(job.key)
            super().execute_job(job, queue)

    monkeypatch.setattr("workers.jobs.apply_inbox", works)
    monkeypatch.setattr(rq_worker, "SteadyWorker", Late)
    job_queue.enqueue(APPLY, 1)
    with caplog.at_level("WARNING"):
        rq_worker.partition_worker(redis_url, "inbox").work(burst=True, logging_level="WARNING")
    assert worked == [1]
    assert caplog.text == ""
    assert not redis_client.keys("rq:job:*")


@pytest.mark.parametrize(("job", "works"), [(APPLY, "apply_inbox"), (SEND, "send_replies")])
def test_a_job_expires_although_its_worker_is_killed(
    job_queue, redis_client, redis_url, monkeypatch, job, works
):
    lives_s = []

    def run(partition: int) -> None:
        (key,) = redis_client.keys("rq:job:*")
        lives_s.append(redis_client.ttl(key))

    monkeypatch.setattr(f"workers.jobs.{works}", run)
    job_queue.enqueue(job, 1)
    rq_worker.partition_worker(redis_url, job[0]).work(burst=True, logging_level="WARNING")

    assert len(lives_s) == 1
    assert 60 < lives_s[0] <= 120
    assert not redis_client.keys("rq:job:*")


def test_a_queue_that_is_away_is_an_error_of_ours():
    job_queue = JobQueue("redis://127.0.0.1:1/0", 0.2)

    for ask in (job_queue.ping, JobCleanup(job_queue).clean, lambda: job_queue.enqueue(APPLY, 1)):
        with pytest.raises(QueueUnavailable):
            ask()


def test_what_late_heartbeats_left_of_workers_and_jobs_is_cleaned_away(job_queue, redis_client):
    late = "2026-11-24T12:00:00.000000Z"
    job_queue.enqueue(APPLY, 1)
    (id_,) = queue_of(redis_client).get_job_ids()
    redis_client.persist(Job.key_for(id_))  # as while it runs
    redis_client.hset("rq:worker:living", mapping={"birth": late, "last_heartbeat": late})
    redis_client.hset("rq:worker:late", "last_heartbeat", late)
    redis_client.expire("rq:worker:late", 90)
    for gone in ("rq:worker:gone", "rq:job:gone"):
        redis_client.hset(gone, "last_heartbeat", late)
    redis_client.hset("somebody-else:job:1", "last_heartbeat", late)

    JobCleanup(job_queue).clean()
    assert not redis_client.exists("rq:worker:gone", "rq:job:gone")
    kept = ("rq:worker:living", "rq:worker:late", Job.key_for(id_), "somebody-else:job:1")
    assert redis_client.exists(*kept) == 4


def test_remains_are_found_among_many_keys_in_a_few_cleanings(job_queue, redis_client):
    redis_client.mset({f"other:{place}": 1 for place in range(12_000)})
    redis_client.hset("rq:job:gone", "last_heartbeat", "2026-11-24T12:00:00.000000Z")

    cleanup = JobCleanup(job_queue)
    for _ in range(4):
        cleanup.clean()
    assert not redis_client.exists("rq:job:gone")


def test_ids_that_are_no_text_are_cleaned_away(job_queue, redis_client):
    """Anybody who writes to Redis must not end the clock by them."""
    redis_client.rpush("rq:queue:inbox:intermediate", b"\xff")
    redis_client.rpush("rq:queue:inbox", *[b"\xff"] * 101)
    for registry in ("rq:wip:inbox", "rq:failed:inbox"):
        redis_client.zadd(registry, {b"\xff": 1})
    redis_client.hset(b"rq:job:\xff", "last_heartbeat", "1")

    JobCleanup(job_queue).clean()

    assert not redis_client.keys("rq:*")


def test_a_list_job_that_its_worker_removes_at_the_same_moment_is_forgotten(
    redis_url, redis_client, monkeypatch
) -> None:
    queue = ListQueue(JobQueue(redis_url, 2))
    queue.enqueue("lists-here", "a-list", "a-job")
    fetched = queue._job("a-job")
    assert fetched is not None
    redis_client.delete(fetched.key)
    monkeypatch.setattr(queue, "_job", lambda _: fetched)
    queue.forget("a-job")


def test_a_queue_that_is_closed_keeps_no_connection_and_can_be_used_again(job_queue):
    """One that is left is closed by whatever collects it, which Python reports."""
    job_queue.ping()
    (connection,) = job_queue.redis.connection_pool._available_connections
    assert connection.is_connected
    job_queue.close()
    assert not connection.is_connected
    job_queue.ping()
    job_queue.close()
