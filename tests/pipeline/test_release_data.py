"""What an older release stored is read, applied and answered unchanged; its jobs run here."""

from __future__ import annotations

import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest
import redis
from rq.job import Job

from smsgate.pipeline.archive_report import archive_report
from smsgate.store.job_queue import APPLY, SEND, JobQueue
from smsgate.store.keys import PARTITIONS
from tests.journey.system import until
from workers import jobs, rq_worker

DATA = json.loads((Path(__file__).parents[1] / "vectors/release_data/data.json").read_text("ascii"))
NUMBERS = [*DATA["numbers"]["applied"].values(), *DATA["numbers"]["waiting"].values()]
DAY_MS = 86_400_000
RECORDED_JOBS = [
    ("inbox", '["workers.jobs.apply_inbox",null,[3],{}]'),
    ("outbox", '["workers.jobs.send_replies",null,[15],{}]'),
]
"""What that release enqueued, as text before it was compressed."""


def as_bytes(text: str) -> bytes:
    return text.encode("latin-1")


def write_key(client: redis.Redis, key: bytes, kind: str, value: Any) -> None:
    if kind == "string":
        client.set(key, as_bytes(value))
    elif kind == "hash":
        client.hset(key, mapping={as_bytes(name): as_bytes(one) for name, one in value.items()})
    elif kind == "set":
        client.sadd(key, *map(as_bytes, value))
    elif kind == "zset":
        client.zadd(key, {as_bytes(name): score for name, score in value.items()})
    elif kind == "list":
        client.rpush(key, *map(as_bytes, value))
    else:
        for id_, fields in value["entries"] or [[value["last"], {"made": "empty below"}]]:
            client.xadd(
                key, {as_bytes(name): as_bytes(one) for name, one in fields.items()}, id=id_
            )
        if not value["entries"]:
            client.xdel(key, value["last"])
        client.execute_command("XSETID", key, value["last"])


@pytest.fixture
def services(bare_services, environ, redis_client):
    """On the data of that release."""
    for key, (kind, value) in DATA["redis"].items():
        write_key(redis_client, as_bytes(key), kind, value)
    folder = Path(environ["SMSGATE_DATA_DIR"])
    folder.mkdir(exist_ok=True)
    with sqlite3.connect(folder / "records.sqlite3") as file:
        file.executescript("\n".join(DATA["sql"]))
    file.close()
    # The lease in the data ended long ago, and one that lapsed keeps the gate shut for a while.
    bare_services.store.write_lease.open(DAY_MS)
    return bare_services


def answers(services) -> dict[str, dict[str, str]]:
    programs = services.settings.programs
    return {
        number: {
            name: one.reason for name, one in services.gate.check_programs(number, programs).items()
        }
        for number in NUMBERS
    }


def test_the_gate_answers_as_that_release_did_before_anything_is_applied(services):
    assert answers(services) == DATA["answers"]


def test_what_waited_is_applied_recorded_and_answered_as_by_that_release(services):
    for partition in range(PARTITIONS):
        services.applier.drain(partition)
    assert answers(services) == DATA["answers_when_applied"]

    services.records.migrate()
    services.archiver.move_all()
    assert archive_report(services.archiver).text == "ok"
    assert [*services.records.verifier.verify()] == []
    for number, events in DATA["events"].items():
        found = [one for one in services.history.of_number(number) if one.kind != "reply"]
        assert [[one.id, one.kind, one.outcome] for one in found] == events


def test_a_message_that_release_took_is_known_again(services, signed):
    """The first webhook of that release, delivered once more."""
    number = DATA["numbers"]["applied"]["stopped"]
    again = signed("STOP", number, message_id="SM00000000000000000000000000000001")
    assert services.ingest.receive("twilio", again).outcome == "duplicate"


@pytest.mark.parametrize(("queue", "job"), RECORDED_JOBS)
def test_a_job_enqueued_today_is_the_one_that_was_recorded(redis_url, redis_client, queue, job):
    partition = json.loads(job)[2][0]
    JobQueue(redis_url, 2.0).enqueue(APPLY if queue == "inbox" else SEND, partition)

    (id_,) = redis_client.lrange(f"rq:queue:{queue}", 0, -1)
    data = redis_client.hget(Job.key_for(id_.decode()), "data")
    assert json.loads(zlib.decompress(data)) == json.loads(job)
    recorded = [
        zlib.decompress(as_bytes(value["data"])).decode()
        for key, (_, value) in DATA["redis"].items()
        if key.startswith("rq:job:")
    ]
    assert any(json.loads(one)[0] == json.loads(job)[0] for one in recorded)
    assert {len(json.loads(one)) for one in recorded} == {4}


def test_workers_run_the_jobs_that_release_enqueued(
    services, environ, redis_url, redis_client, monkeypatch: pytest.MonkeyPatch
):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    jobs.live.cache_clear()
    try:
        for queue in ("inbox", "outbox"):
            assert redis_client.llen(f"rq:queue:{queue}")
            rq_worker.partition_worker(redis_url, queue).work(burst=True)
            assert not redis_client.llen(f"rq:queue:{queue}")
        assert answers(services) == DATA["answers_when_applied"]
        # Its replies are too old by now: none is sent, and each one says why.
        until(lambda: not any(services.store.outbox.depth(one) for one in range(PARTITIONS)))
    finally:
        jobs.live().close()
        jobs.live.cache_clear()
