"""Redis is flushed in the middle of traffic: what the records had by then stays blocked."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from smsgate.domain.errors import RecordsDiffer, StoreNotReady
from workers import clock

BEFORE, MORE = 150, 100


def opted_out(services, numbers):
    return {one.number for one in services.records.reader.numbers_of([*numbers])}


def work(services):
    for partition in services.store.inbox.busy():
        with suppress(StoreNotReady):
            services.applier.drain(partition)
    with suppress(StoreNotReady, RecordsDiffer):
        services.archiver.move()


@pytest.fixture
def stopping(services, signed):
    """A thread each of subscribers and of a worker; tells who was told 200."""
    ending, acknowledged = threading.Event(), []

    def subscribers():
        while not ending.is_set() and len(acknowledged) < BEFORE + MORE:
            number = f"+1415555{len(acknowledged):04}"
            services.ingest.receive("twilio", signed("STOP", number))
            acknowledged.append(number)

    def worker():
        while not ending.is_set():
            work(services)

    services.records.migrate()
    threads = [threading.Thread(target=one) for one in (subscribers, worker)]
    for one in threads:
        one.start()
    yield acknowledged
    ending.set()
    for one in threads:
        one.join()


def test_no_number_is_allowed_whose_opt_out_the_records_had(
    services, redis_client, stopping, monkeypatch
):
    said = []
    monkeypatch.setattr(
        clock,
        "_log",
        type(
            "Log",
            (),
            {
                "warning": lambda _, what, **more: said.append((what, more)),
                "info": lambda *_, **__: None,
            },
        )(),
    )
    pause = threading.Event()
    while len(stopping) < BEFORE:
        pause.wait(0.01)
    had = sorted(opted_out(services, [*stopping]))
    sweeper = clock.Sweeper(services.settings, services.archiver, services.job_queue, "clock-1")
    sweeper.sweep()
    monkeypatch.setattr(clock, "WATCH_S", 0)
    redis_client.flushall()
    answers = []
    while not answers:
        with suppress(StoreNotReady):
            answers = services.gate.check(had, program="alerts")
        sweeper.sweep()

    assert had
    assert [one.number for one in answers if one.allowed] == []
    (restored,) = [more for what, more in said if what == "store was rebuilt"]
    assert restored["numbers"] >= len(had)
    assert restored["records_end"].startswith("20")
