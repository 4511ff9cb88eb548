"""Redis is flushed in the middle of traffic: what the records had by then stays blocked."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from smsgate.domain.errors import RecordsDiffer, StoreNotReady
from workers import clock

BEFORE, MORE = 150, 100


def opted_out(gateway, numbers):
    return {one for one in numbers if gateway.records.reading.number(one) is not None}


def work(gateway):
    for partition in gateway.store.inbox.busy():
        with suppress(StoreNotReady):
            gateway.apply(partition)
    with suppress(StoreNotReady, RecordsDiffer):
        gateway.recording.move()


@pytest.fixture
def stopping(gateway, signed):
    """A thread each of subscribers and of a worker; tells who was told 200."""
    ending, acknowledged = threading.Event(), []

    def subscribers():
        while not ending.is_set() and len(acknowledged) < BEFORE + MORE:
            number = f"+1415555{len(acknowledged):04}"
            gateway.ingest("twilio", signed("STOP", number))
            acknowledged.append(number)

    def worker():
        while not ending.is_set():
            work(gateway)

    gateway.records.migrate()
    threads = [threading.Thread(target=one) for one in (subscribers, worker)]
    for one in threads:
        one.start()
    yield acknowledged
    ending.set()
    for one in threads:
        one.join()


def test_no_number_is_allowed_whose_opt_out_the_records_had(
    gateway, redis_client, stopping, monkeypatch
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
    had = sorted(opted_out(gateway, [*stopping]))
    redis_client.flushall()
    answers = []
    while not answers:
        with suppress(StoreNotReady):
            answers = gateway.gate.check(had, program="alerts")
        clock.sweep(gateway, "clock-1")

    assert had
    assert [one.number for one in answers if one.allowed] == []
    (restored,) = [more for what, more in said if what == "store was rebuilt"]
    assert restored["numbers"] >= len(had)
    assert restored["records_end"].startswith("20")
