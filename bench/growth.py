"""What stays as fast as it was when numbers and events pile up, and what does not.

    python -m bench.growth [--numbers 0,1000000,10000000] [--events 100000,1000000] [--plot FILE]

Stores that grow from one size to the next, measured at each. In a Redis with suppressed numbers:
webhooks, the worker, the gate, memory, and how long Redis loads its file at a start. In records
with events (PostgreSQL where there is one, and SQLite): the pages of the console, a batch of
retention, evidence of a number, the verification of a partition, and up to a million events the
rebuild. Events are written straight into the tables, with a whole chain (``bench.many_events``).

All but the p50 are CPU time, of smsgate and of Redis or the database: it hardly depends on what
else the machine does. Exit code 0; nothing here is a limit.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import psycopg
import redis
from matplotlib import pyplot
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import cpu
from bench.backlog import fill_inbox, seconds_until, until_applied
from bench.contender import Contender
from bench.many_events import STEP, fill
from bench.records import batches, events
from bench.servers import Servers
from bench.suppressed import fill as fill_suppressed
from bench.suppressed import numbers as drawn_numbers
from bench.whole import Whole
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.features.evidence.operations import EvidenceRequest, evidence
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.pipeline.forgetting import EVIDENCE
from smsgate.pipeline.gate import Gate
from smsgate.process.services import Services
from smsgate.store.keys import PARTITIONS
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
KEPT = 50_000
"""Events that are kept as the clock keeps them; the others go straight into the tables."""
ROUNDS = 10
"""How often a page is asked for."""
MOST_REBUILT = 1_000_000
MOST_IN_SQLITE = 1_000_000
"""SQLite is for one host; its files would need the disk that PostgreSQL's tables take."""
KNOWN = "+14151000123"
"""A number that has one event at each size."""
PAGES = {
    "home": "/console/",
    "one number": "/console/numbers/%2B14151000123",
    "opt-outs and consents": "/console/suppressions",
    "opt-outs by last digits": "/console/suppressions?digits=0123",
    "audit log": "/console/audit",
    "texts with a word": "POST /console/numbers number=texting",
}
DAYS = 25
"""The events are spread over so many days."""

Figures = dict[str, float]


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--numbers", type=_sizes, default=[0, 1_000_000, 10_000_000])
    parser.add_argument("--events", type=_sizes, default=[100_000, 1_000_000])
    parser.add_argument("--plot", type=Path, help="an SVG file: each figure against its first")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    found: dict[str, dict[int, Figures]] = {}
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as name, ProcessGroups() as groups:
        found["suppressed numbers"] = of_numbers(Path(name), groups, given.numbers)
        found |= of_events(Path(name), groups, given.events)
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
        server = client.info("server")["process_id"]
        figures |= _webhook(web) | _gate(url, everyone[:size], server)
        figures["one opt-out applied, µs"] = _applied(whole, f"+131{place}", server)
        figures["Redis starts from its file, s"] = _start(client, folder / str(size), groups)
        found[size] = figures
        print(f"{size:,} numbers: {time.monotonic() - whole_s:.0f} s", file=sys.stderr, flush=True)
    client.close()
    return found


def _webhook(web: Contender) -> Figures:
    taken = web.take(10.0, 4, RATE)
    return {f"STOP at {RATE}/s, p50 ms": taken.p50_ms, "STOP, web and Redis, µs": taken.cpu_us}


def _gate(url: str, suppressed: Sequence[str], server: int) -> Figures:
    asked = drawn_numbers(ASKED, seed=2)
    asked[::50] = suppressed[: len(asked[::50])] or asked[::50]
    gate = Gate.from_url(url, 10)

    def spent_s(work: Callable[[], object]) -> float:
        before, own = cpu.spent((server,)), time.process_time()
        work()
        return time.process_time() - own + cpu.spent((server,)) - before

    return {
        "gate, a million numbers, s": median(
            spent_s(lambda: gate.check(asked, program="alerts")) for _ in range(3)
        )
        * (1_000_000 / ASKED),
        "gate, one number, µs": spent_s(
            lambda: [gate.allows(number, program="alerts") for number in asked[:5000]]
        )
        * (1e6 / 5000),
    }


def _applied(whole: Whole, prefix: str, server: int) -> float:
    """Microseconds of CPU of one worker and Redis for each opt-out of a batch."""
    whole.start("worker")
    running = whole.services.store.heartbeats.running
    seconds_until(lambda: any(one.name == "worker" for one in running()))
    fill_inbox(whole.services, BATCH, prefix, program="alerts")
    groups = (whole.running["worker"].pid, server)
    before = cpu.spent(groups)
    whole.services.job_queue.notify_inboxes(range(PARTITIONS))
    until_applied(whole.services)
    spent_s = cpu.spent(groups) - before
    whole.stop("worker")
    return spent_s * 1e6 / BATCH


def _start(client: redis.Redis, folder: Path, groups: ProcessGroups) -> float:
    """Seconds of CPU until a Redis on a copy of the data answers; its file is compacted before."""
    client.bgrewriteaof()
    seconds_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    shutil.copytree(f"{client.config_get('dir')['dir']}/appendonlydir", folder / "appendonlydir")
    server = redis_server.start(folder, groups)
    spent_s = cpu.spent((server.process.pid,))
    groups.end(server.process)
    return spent_s


# --- recorded events ------------------------------------------------------------------------------


def of_events(
    folder: Path, groups: ProcessGroups, sizes: Sequence[int]
) -> dict[str, dict[int, Figures]]:
    """The figures of each database with so many recorded events; sizes ascend."""
    if not sizes:
        return {}
    server = redis_server.start(folder / "redis-of-records", groups)
    found, programs = {}, postgresql.programs()
    if programs is not None:
        with postgresql.server(programs, groups) as url:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET autovacuum = off")  # see ``_settle``
                connection.execute("SELECT pg_reload_conf()")
            made = make_services(
                folder, server.url, ALERTS + ORDERS, init=True, **HERE, DATABASE_URL=url
            )
            found["recorded events, PostgreSQL"] = _of_events(made, sizes)
    (folder / "sqlite").mkdir()
    made = make_services(folder / "sqlite", server.url, ALERTS + ORDERS, init=True, **HERE)
    small = [size for size in sizes if size <= MOST_IN_SQLITE]
    found["recorded events, SQLite"] = _of_events(made, small)
    return found


def _of_events(services: Services, sizes: Sequence[int]) -> dict[int, Figures]:
    services.records.migrate()
    add_people(services)
    meter, found, kept = Meter(services), dict[int, Figures](), 0
    start_ms = time.time_ns() // 1_000_000 - DAYS * 24 * 3_600_000
    for size in sizes:
        figures: Figures = {}
        if not kept:
            kept = min(size, KEPT)
            lines = events(kept, start_ms)
            spent = meter.ms(partial(_keep, services, lines))
            figures["one event kept, µs"] = spent * 1000 / kept
        filling = fill(services.settings.database_url, kept, size - kept, start_ms)
        bar = Console(stderr=True)
        for _ in track(filling, f"{size:,} events", (size - kept) // STEP, console=bar):
            pass
        kept = size
        _settle(services)
        figures["disk of an event, bytes"] = _size(services) / size
        figures |= _pages(services, meter) | _retention(services, meter)
        figures |= _proof(services, meter, size)
        found[size] = figures
        print(f"{size:,} events: {figures}", file=sys.stderr, flush=True)
    services.close()
    return found


class Meter:
    """Measures CPU time of this process and of the database's server."""

    def __init__(self, services: Services) -> None:
        """The server is found by a connection to it."""
        self._server = 0
        with services.records.database.reading() as connection:
            if connection.dialect.name == "postgresql":
                backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                self._server = cpu.parent_of(backend)

    def ms(self, work: Callable[[], object], rounds: int = 1) -> float:
        """Milliseconds of one round; the server's are counted in hundredths of a second."""
        server = cpu.of_children(self._server) if self._server else 0.0
        own = time.process_time()
        for _ in range(rounds):
            work()
        spent = time.process_time() - own
        if self._server:
            spent += cpu.of_children(self._server) - server
        return spent * 1e3 / rounds


def _keep(services: Services, lines: dict[int, list[bytes]]) -> None:
    for batch in batches(lines):
        services.records.writer.keep(batch)


def _settle(services: Services) -> None:
    """What a server does by itself within minutes: statistics, and the map of what all see."""
    url = services.settings.database_url
    if services.records.database.file is None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
        return
    with services.records.database.writing() as connection:
        connection.exec_driver_sql("ANALYZE")


def _size(services: Services) -> float:
    with services.records.database.reading() as connection:
        if connection.dialect.name == "sqlite":
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            return float(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())
        asked = "SELECT pg_database_size(current_database())"
        return float(connection.exec_driver_sql(asked).scalar_one())


def _pages(services: Services, meter: Meter) -> Figures:
    """CPU time of each page."""
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
        found[f"{name}, ms"] = meter.ms(partial(ask, path), ROUNDS)
    reading = meter.ms(lambda: services.records.reader.of_number(KNOWN), 5 * ROUNDS)
    return found | {"history of a number, ms": reading}


def _retention(services: Services, meter: Meter) -> Figures:
    """One batch of events that must all stay, in the middle of what is old, and where none is."""
    removal, now_us = services.records.removal, time.time_ns() // 1000
    day_us = 24 * 3600 * 1_000_000
    old = removal.old_events(lambda kind: now_us - day_us if kind in EVIDENCE else None)
    next(old)
    return {
        "retention, a batch, ms": meter.ms(lambda: next(old), ROUNDS),
        "retention, nothing old, ms": meter.ms(
            lambda: [
                *removal.old_events(
                    lambda kind: now_us - 400 * day_us if kind in EVIDENCE else None
                )
            ],
            ROUNDS,
        ),
    }


def _proof(services: Services, meter: Meter, size: int) -> Figures:
    records = services.records

    def prove() -> None:
        assert not evidence(records, EvidenceRequest(KNOWN), {}, 0)["problems"]

    figures = {
        "evidence of a number, ms": meter.ms(prove),
        "one partition verified, ms": meter.ms(lambda: records.verifier.verify_partition(0)),
    }
    if size <= MOST_REBUILT:
        figures["rebuild, ms"] = meter.ms(lambda: _rebuild(services))
    return figures


def _rebuild(services: Services) -> None:
    client = redis.Redis.from_url(services.settings.redis_url)
    client.flushall()
    RebuildService(services.settings, services.archiver).rebuild(lambda *_: None)
    client.close()


def _show(title: str, sizes: Mapping[int, Figures]) -> None:
    if not sizes:
        return
    table = Table("", *(f"{size:,}" for size in sizes), title=title)
    names = {name: None for figures in sizes.values() for name in figures}
    for name in names:
        table.add_row(name, *(_cell(figures.get(name)) for figures in sizes.values()))
    Console().print(table)


FLAT = 2.5
"""What became no more than so many times its first value is drawn in grey, without a name."""


def _plot(found: Mapping[str, Mapping[int, Figures]], file: Path) -> None:
    """A picture for each title: how many times its first value each figure became."""
    figure, axes = pyplot.subplots(1, len(found), figsize=(5.5 * len(found), 4.5), squeeze=False)
    for axis, (title, sizes) in zip(axes[0], found.items(), strict=True):
        flat = 0
        for name in {name: None for figures in sizes.values() for name in figures}:
            points = [(size, one[name]) for size, one in sizes.items() if name in one]
            if len(points) < 2 or not points[0][1]:
                continue
            where, values = zip(*points, strict=True)
            times = [one / values[0] for one in values]
            grows = max(times) > FLAT
            flat += not grows
            look = {"label": name.rpartition(",")[0] or name} if grows else {"color": "0.75"}
            axis.plot(where, times, marker="o", **look)
        axis.plot([], [], color="0.75", label=f"{flat} others")
        axis.set(xlabel=title, ylabel="times the first value", xscale="symlog", yscale="log")
        axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def _cell(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:,.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
