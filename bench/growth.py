"""What stays as fast as it was when numbers and events pile up, and what does not.

    python -m bench.growth [--numbers 0,1000000,10000000] [--events 100000,1000000] [--plot FILE]

Two stores that grow from one size to the next, measured at each. In a Redis with suppressed
numbers: webhooks, the worker, the gate, memory, and how long Redis loads its file at a start. In
records (PostgreSQL where there is one, else SQLite) with events: the pages of the console, what a
batch of retention has to find, the rebuild, and one partition's verification, on which an evidence
file waits. Events beyond ``--real`` are copies that the database makes of the others, under other
numbers and ids; no chain holds them, so that verification and rebuild are left out there.

A share of time is CPU time of the processes that did it where the title says so: it hardly
depends on what else the machine does. Exit code 0; nothing here is a limit.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import redis
from matplotlib import pyplot
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import Connection, text

from bench.backlog import applying_s, fill_inbox, seconds_until, start_worker, until_applied
from bench.contender import Contender
from bench.records import batches, events
from bench.servers import Servers
from bench.suppressed import fill as fill_suppressed
from bench.suppressed import numbers as drawn_numbers
from bench.whole import Whole
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.features.records_admin.rebuild import build_rebuild_service
from smsgate.pipeline.gate import Gate
from smsgate.pipeline.services import Services
from smsgate.settings.retention import EVIDENCE
from tests.fakes.browser import Browser, browser
from tests.fakes.full_house import add_people
from tests.fakes.own_services import ALERTS, HERE, ORDERS, make_services
from tests.records import postgresql

RATE = 200
"""STOPs a second of the even load."""
BATCH = 10_000
"""Opt-outs that a worker applies at each size."""
ASKED = 200_000
"""Numbers in one question to the gate."""
STEP = 50_000
"""Events that are made at once."""
KNOWN = "+14151000123"
"""A number that has one event at each size."""
PAGES = {
    "home": "/console/",
    "one number": "/console/numbers/%2B14151000123",
    "opt-outs and consents": "/console/suppressions",
    "opt-outs by last digits": "/console/suppressions?digits=0123",
    "audit log": "/console/audit",
    "trends of 30 days": "/console/trends",
    "texts with a word": "POST /console/texts words=texting",
}
DAYS = 25
"""The events are spread over so many days."""

Figures = dict[str, float]


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--numbers", type=_sizes, default=[0, 1_000_000, 10_000_000])
    parser.add_argument("--events", type=_sizes, default=[100_000, 1_000_000])
    parser.add_argument("--real", type=int, default=1_000_000, help="events that are no copies")
    parser.add_argument("--plot", type=Path, help="an SVG file: each figure against its first")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    found: dict[str, dict[int, Figures]] = {}
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as name, ProcessGroups() as groups:
        found["suppressed numbers"] = of_numbers(Path(name), groups, given.numbers)
        found["recorded events"] = of_events(Path(name), groups, given.events, given.real)
    if given.json:
        print(json.dumps({"bench": "growth", **found}))
    else:
        for title, sizes in found.items():
            _show(title, sizes)
    if given.plot:
        _plot(found, given.plot)
    return 0


def _sizes(given: str) -> list[int]:
    return [int(one) for one in given.split(",") if one]


# --- suppressed numbers ---------------------------------------------------------------------------


def of_numbers(folder: Path, groups: ProcessGroups, sizes: Sequence[int]) -> dict[int, Figures]:
    """The figures with so many suppressed numbers in the store; sizes ascend."""
    if not sizes:
        return {}
    whole = Servers(folder, groups).whole()
    url = whole.environ["REDIS_URL"]
    client = redis.Redis.from_url(url)
    web = Contender("smsgate", "", whole.server, "STOP")
    everyone = drawn_numbers(max(sizes), seed=1)
    found: dict[int, Figures] = {}
    held, whole_s = 0, time.monotonic()
    for place, size in enumerate(sizes):
        before = client.info("memory")["used_memory"]
        if size > held:
            fill_suppressed(client, everyone[held:size])
        figures: Figures = {}
        if size > held:
            added = client.info("memory")["used_memory"] - before
            figures["Redis, bytes a number"] = added / (size - held)
        held = size
        figures |= _webhook(web) | _gate(url, everyone[:size])
        figures["one batch of 10,000 applied, a second"] = _applied(whole, f"+131{place}")
        figures["Redis starts from its file, s"] = _start(client, folder / str(size), groups)
        found[size] = figures
        print(f"{size:,} numbers: {time.monotonic() - whole_s:.0f} s", file=sys.stderr, flush=True)
    client.close()
    return found


def _webhook(web: Contender) -> Figures:
    taken = web.take(3.0, 4, RATE)
    return {
        f"STOP at {RATE}/s, p50 ms": taken.p50_ms,
        f"STOP at {RATE}/s, p99 ms": taken.p99_ms,
        "STOP, CPU of web and Redis, µs": taken.cpu_us,
    }


def _gate(url: str, suppressed: Sequence[str]) -> Figures:
    asked = drawn_numbers(ASKED, seed=2)
    asked[::50] = suppressed[: len(asked[::50])] or asked[::50]
    gate = Gate.from_url(url, 10)
    rounds = [_timed(lambda: gate.check(asked, program="alerts")) for _ in range(3)]
    one = [
        _timed(lambda number=number: gate.allows(number, program="alerts"))
        for number in asked[:500]
    ]
    return {
        "gate, a million numbers, s": median(rounds) * 1_000_000 / ASKED,
        "gate, one number, µs": median(one) * 1e6,
    }


def _applied(whole: Whole, prefix: str) -> float:
    """A second, by one worker with a clock beside it."""
    fill_inbox(whole.services, BATCH, prefix, program="alerts")
    whole.start("clock")
    start_worker(whole)
    until_applied(whole.services)
    for name in ("worker", "clock"):
        whole.stop(name)
    return BATCH / applying_s(whole.services, prefix, BATCH)


def _start(client: redis.Redis, folder: Path, groups: ProcessGroups) -> float:
    """Seconds until a Redis on a copy of the data answers; the file is compacted before."""
    client.bgrewriteaof()
    seconds_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    shutil.copytree(client.config_get("dir")["dir"] + "/appendonlydir", folder / "appendonlydir")
    started = time.perf_counter()
    server = redis_server.start(folder, groups)
    took = time.perf_counter() - started
    groups.end(server.process)
    return took


# --- recorded events ------------------------------------------------------------------------------


def of_events(
    folder: Path, groups: ProcessGroups, sizes: Sequence[int], real: int
) -> dict[int, Figures]:
    """The figures with so many recorded events; sizes ascend."""
    if not sizes:
        return {}
    server = redis_server.start(folder / "redis-of-records", groups)
    programs = postgresql.programs()
    if programs is None:
        return _of_events(folder, server.url, None, sizes, real)
    with postgresql.server(programs, groups) as url:
        return _of_events(folder, server.url, url, sizes, real)


def _of_events(
    folder: Path, redis_url: str, database_url: str | None, sizes: Sequence[int], real: int
) -> dict[int, Figures]:
    env = {} if database_url is None else {"DATABASE_URL": database_url}
    services = make_services(folder, redis_url, ALERTS + ORDERS, **HERE, **env)
    services.records.migrate()
    add_people(services)
    found: dict[int, Figures] = {}
    start_ms = time.time_ns() // 1_000_000 - DAYS * 24 * 3_600_000
    kept = 0
    for size in sizes:
        started, before = time.perf_counter(), kept
        for first in track(range(kept, min(size, real), STEP), f"{size:,} events"):
            count = min(STEP, real - first, size - first)
            partitions = events(count, start_ms, first)
            for batch in batches(partitions):
                services.records.writer.keep(batch)
        figures: Figures = {}
        if min(size, real) > kept:
            seconds = time.perf_counter() - started
            figures["kept, a second"] = (min(size, real) - kept) / seconds
        if size > real:
            copies = size // real
            with services.records.database.writing() as connection:
                for copy in track(range(max(1, before // real), copies), f"{size:,} events"):
                    _copy(connection, copy, real)
        kept = size
        _settle(services)
        figures["records, bytes an event"] = _size(services) / size
        figures |= _pages(services) | _retention(services)
        if size <= real:
            figures |= _whole_chain(services)
        found[size] = figures
    services.close()
    return found


_NUMBER = "'+1' || CAST(:area AS VARCHAR) || substr(number, 6)"
_COPIED = f"""
INSERT INTO links
SELECT lane, seq + :place, event_id || :copy, content_hash, hash FROM links WHERE seq < :real;
INSERT INTO events
SELECT id || :copy, lane, seq + :place, kind, outcome, {_NUMBER}, program, scope, source, actor,
       account, message_id || :copy, received_us, applied_us, committed_us, stands, text_digest,
       facts
FROM events WHERE number LIKE '+1415%';
INSERT INTO texts
SELECT event_id || :copy, salt, words FROM texts WHERE event_id NOT LIKE '%c%';
INSERT INTO numbers
SELECT {_NUMBER}, lane, seq + :place, everywhere, own, back, locked, consents, state
FROM numbers WHERE number LIKE '+1415%';
INSERT INTO memberships
SELECT {_NUMBER}, state, scope, since_us, source, lane, seq + :place, tail
FROM memberships WHERE number LIKE '+1415%'
"""


def _copy(connection: Connection, copy: int, real: int) -> None:
    """All events once more, each of a number of its own."""
    given = {"real": real, "place": copy * real, "copy": f"c{copy}", "area": 500 + copy}
    for statement in map(text, _COPIED.split(";")):
        names = statement.compile().params
        connection.execute(statement, {name: given[name] for name in names})


def _settle(services: Services) -> None:
    """What a server does by itself within minutes: statistics, and the map of what all see."""
    with services.records.database.writing() as connection:
        connection.exec_driver_sql("ANALYZE")


def _size(services: Services) -> float:
    with services.records.database.reading() as connection:
        if connection.dialect.name == "sqlite":
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            return float(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())
        asked = "SELECT pg_database_size(current_database())"
        return float(connection.exec_driver_sql(asked).scalar_one())


def _pages(services: Services) -> Figures:
    """Milliseconds of each page, the median of some."""
    who: Browser = browser(services)
    assert who.sign_in("admin").status_code == 303

    def ask(path: str) -> None:
        if path.startswith("POST "):
            _, path, field = path.split()
            name, _, value = field.partition("=")
            answer = who.post(path, {name: value})
        else:
            answer = who.get(path)
        assert answer.status_code == 200, answer.text

    found: Figures = {}
    for name, path in PAGES.items():
        ask(path)
        found[f"{name}, ms"] = median(_timed(lambda path=path: ask(path)) for _ in range(7)) * 1e3
    history = [_timed(lambda: services.records.reader.of_number(KNOWN)) for _ in range(20)]
    return found | {"history of a number, ms": median(history) * 1e3}


def _retention(services: Services) -> Figures:
    """Milliseconds to find one batch of what is old, and where nothing is old any more."""
    removal, now_us = services.records.removal, time.time_ns() // 1000
    day_us = 24 * 3600 * 1_000_000
    return {
        "retention, a batch found, ms": 1e3
        * median(_timed(lambda: removal.old_events(now_us - day_us, EVIDENCE)) for _ in range(3)),
        "retention, nothing to find, ms": 1e3
        * _timed(lambda: removal.old_events(now_us - 400 * day_us, EVIDENCE)),
    }


def _whole_chain(services: Services) -> Figures:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {
        "one partition verified (evidence waits for it), s": _timed(
            lambda: services.records.verifier.verify_partition(0)
        ),
        "rebuild, s": _timed(lambda: _rebuild(services)),
    }
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    return figures | {"memory that these two took, MiB": grown / 1024}


def _rebuild(services: Services) -> None:
    client = redis.Redis.from_url(services.settings.redis_url)
    client.flushall()
    build_rebuild_service(services).rebuild(lambda *_: None)
    client.close()


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _show(title: str, sizes: Mapping[int, Figures]) -> None:
    if not sizes:
        return
    table = Table("", *(f"{size:,}" for size in sizes), title=title)
    names = {name: None for figures in sizes.values() for name in figures}
    for name in names:
        table.add_row(name, *(_cell(figures.get(name)) for figures in sizes.values()))
    Console().print(table)


def _plot(found: Mapping[str, Mapping[int, Figures]], file: Path) -> None:
    """A picture for each title: how many times its first value each figure became."""
    figure, axes = pyplot.subplots(1, len(found), figsize=(6 * len(found), 4.5), squeeze=False)
    for axis, (title, sizes) in zip(axes[0], found.items(), strict=True):
        for name in {name: None for figures in sizes.values() for name in figures}:
            points = [(size, one[name]) for size, one in sizes.items() if name in one]
            if len(points) > 1 and points[0][1] > 0:
                where, values = zip(*points, strict=True)
                axis.plot(where, [one / values[0] for one in values], marker="o", label=name)
        axis.set(xlabel=title, ylabel="times its first value", xscale="symlog", yscale="log")
        axis.legend(fontsize=6)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def _cell(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:,.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
