"""RQ carries job notifications only: named jobs, as JSON, that leave nothing behind."""

from __future__ import annotations

import importlib
import json
import zlib

import pytest
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from smsgate.domain.errors import QueueUnavailable
from smsgate.store.inbox import APPLY, MOST_WAITING, SEND, JobQueue
from workers.jobs import worker_on


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


def died(redis_client, job_queue) -> None:
    """The job of a worker that was killed at it, once RQ takes it for dead."""
    job_queue.enqueue(APPLY, 1)
    queue = queue_of(redis_client)
    (id_,) = queue.get_job_ids()
    redis_client.lrem(queue.key, 1, id_)
    job = Job.fetch(id_, connection=redis_client, serializer=JSONSerializer)
    job.set_status("started")
    redis_client.persist(job.key)
    redis_client.zadd(StartedJobRegistry(queue=queue).key, {f"{id_}:gone": 1})


def test_of_a_job_that_died_with_its_worker_the_next_worker_leaves_nothing(job_queue, redis_client):
    worked = []
    died(redis_client, job_queue)
    job_queue.enqueue(APPLY, 2)
    worker_on(redis_client, "inbox", worked.append).work(burst=True, logging_level="WARNING")
    assert worked == [2]
    assert [*redis_client.scan_iter("rq:job:*")] == []
    queue = queue_of(redis_client)
    assert StartedJobRegistry(queue=queue).get_job_ids() == []
    assert FailedJobRegistry(queue=queue).get_job_ids() == []


def test_notifications_that_no_worker_takes_do_not_pile_up(job_queue, redis_client):
    queue = queue_of(redis_client)
    redis_client.rpush(queue.key, *[f"expired-{place}" for place in range(MOST_WAITING)])
    job_queue.enqueue(APPLY, 1)
    (newest,) = redis_client.lrange(queue.key, -1, -1)

    job_queue.trim()
    left = redis_client.lrange(queue.key, 0, -1)
    assert (len(left), left[-1]) == (MOST_WAITING, newest)


def test_a_queue_that_is_away_is_an_error_of_ours():
    job_queue = JobQueue("redis://127.0.0.1:1/0", 0.2)

    for ask in (job_queue.ping, job_queue.trim, lambda: job_queue.enqueue(APPLY, 1)):
        with pytest.raises(QueueUnavailable):
            ask()
