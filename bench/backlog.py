"""A backlog for the benchmarks: fills the inbox, and tells when and how fast it was applied."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain

from bench.whole import Whole
from smsgate.consent.events import Event
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.process.services import Services
from smsgate.store.keys import PARTITIONS


def fill_inbox(
    services: Services, count: int, prefix: str, *, program: str, text: str = "STOP"
) -> None:
    """Texts of so many numbers that begin with a prefix, without a job for them."""
    decision = Decision(Intent.OPT_OUT, "keyword", keyword="stop", language="en")
    for start in range(0, count, 1000):
        services.store.inbox.add(
            [
                Arrival(
                    Entry(
                        number=f"{prefix}{at:07}",
                        program=program,
                        decision=decision,
                        scope=ALL,
                        account="twilio",
                        message_id=f"{prefix}{at}",
                        sender="+14155550999",
                        text=text,
                        answered="provider" if program == "alerts" else "",
                    )
                )
                for at in range(start, min(start + 1000, count))
            ]
        )


def start_worker(whole: Whole) -> None:
    """Start it with a job for each partition, as the webhook asks for one.

    Texts without a job would wait for the clock, which looks for such partitions now and then.
    """
    whole.start("worker")
    whole.services.job_queue.notify_inboxes(range(PARTITIONS))


def until_applied(services: Services) -> None:
    """Wait until no inbox has an entry left."""
    seconds_until(lambda: not services.store.inbox.busy())


def seconds_until(done: Callable[[], bool]) -> float:
    """How long it took until it was done; asks 50 times a second."""
    started = time.monotonic()
    while not done():
        if time.monotonic() - started > 120:
            raise RuntimeError("not done after two minutes")
        time.sleep(0.02)
    return time.monotonic() - started


def applied_events(services: Services) -> list[Event]:
    """All events but those of replies, from the ledgers or the records, where the clock moves."""
    waiting = [
        event
        for partition in range(PARTITIONS)
        for event in services.store.ledger_reader.of_partition(partition)
    ]
    kept = (one.event for one in services.records.reader.between())
    by_id = {event.id: event for event in chain(waiting, kept) if event.kind != "reply"}
    return [*by_id.values()]


def applying_s(services: Services, prefix: str, count: int) -> float:
    """From the first to the last of a backlog that was applied whole."""
    applied = [one.applied_us for one in applied_events(services) if one.number.startswith(prefix)]
    assert len(applied) == count, f"{len(applied)} of {count} were applied"
    return (max(applied) - min(applied)) / 1_000_000
