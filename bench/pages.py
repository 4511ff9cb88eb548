"""How long the server takes for the console's lists with many numbers.

    python -m bench.pages [--numbers 100000] [--rounds 15] [--json]

Opt-outs of that many numbers lie in the records (SQLite and, where there is one, PostgreSQL) and
in the store, one in fifty entered by an operator. Each page is asked for in this process, without
a network. Limit: 150 ms at the median. Exit code 1 where it is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import msgspec
from rich.console import Console
from rich.table import Table
from werkzeug.test import TestResponse

from bench.records import batches, events
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.consent.events import Event
from smsgate.features.records_admin.rebuild import build_rebuild_service
from smsgate.pipeline.services import Services
from tests.fakes.browser import Browser, browser
from tests.fakes.full_house import add_people
from tests.fakes.own_services import ALERTS, HERE, ORDERS, make_services
from tests.records import postgresql

LIMIT_MS = 150
PAGES = {
    "opt-outs and consents": "/console/suppressions",
    "of one program": "/console/suppressions?program=alerts&state=opted_out",
    "of a source": "/console/suppressions?source=operator",
    "of a source that has none": "/console/suppressions?source=link",
    "by last digits": "/console/suppressions?digits=0123",
    "audit log": "/console/audit",
    "audit log of one person": "/console/audit?person=ana&what=numbers",
    "trends": "/console/trends",
    "trends of a year": "/console/trends?from={last_year}",
    "texts with a word": "POST /console/texts words=texting",
    "texts with a word that none has": "POST /console/texts words=giraffe",
    "a number": "/console/numbers/%2B14151000123",
}


def made_of(line: bytes, at: int) -> bytes:
    """The event, or one in fifty as an operator entered it."""
    if at % 50:
        return line
    event = msgspec.json.decode(line, type=Event)
    assert event.entry is not None
    entry = msgspec.structs.replace(
        event.entry, source="operator", actor="ana", text="", message_id="", sender=""
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
    build_rebuild_service(services).rebuild(lambda *_: None)


def ask(who: Browser, path: str) -> TestResponse:
    """Get a page, or post a form with one field."""
    if not path.startswith("POST "):
        return who.get(path)
    _, path, field = path.split()
    name, _, value = field.partition("=")
    return who.post(path, {name: value})


def measure(services: Services, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each page, round by round, without the first, which compiles the page."""
    add_people(services)
    who: Browser = browser(services)
    assert who.sign_in("admin").status_code == 303
    last_year = date.today() - timedelta(days=364)  # noqa: DTZ011 - a day more or less
    found: dict[str, list[float]] = {name: [] for name in PAGES}
    for turn in range(rounds + 1):
        for name, path in PAGES.items():
            start = time.perf_counter()
            answer = ask(who, path.format(last_year=last_year))
            if turn:
                found[name].append((time.perf_counter() - start) * 1000)
            assert answer.status_code == 200, answer.text
    return found


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 where the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as name, ProcessGroups() as groups:
        folder = Path(name)

        def run(database: str, **env: str) -> None:
            here = folder / database
            server = redis_server.start(here / "redis", groups)
            services = make_services(here, server.url, ALERTS + ORDERS, init=False, **HERE, **env)
            services.records.migrate()
            fill(services, given.numbers)
            found[database] = measure(services, given.rounds)
            services.close()

        run("SQLite")
        programs = postgresql.programs()
        if programs is not None:
            with postgresql.server(programs, groups) as url:
                run("PostgreSQL", DATABASE_URL=url)
    medians = {
        database: {page: round(median(times), 1) for page, times in pages.items()}
        for database, pages in found.items()
    }
    if given.json:
        print(json.dumps({"bench": "pages", "numbers": given.numbers, "median_ms": medians}))
    else:
        _show(found, given.numbers)
    slowest = max(one for pages in medians.values() for one in pages.values())
    return int(slowest > LIMIT_MS)


def _show(found: dict[str, dict[str, list[float]]], numbers: int) -> None:
    title = f"pages with {numbers:,} numbers, ms on the server"
    table = Table("page", *(f"{one}: median / worst" for one in found), title=title)
    for page in PAGES:
        times = [found[database][page] for database in found]
        table.add_row(page, *(f"{median(one):.0f} / {max(one):.0f}" for one in times))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
