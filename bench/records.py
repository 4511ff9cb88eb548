"""How fast events go from the ledgers into the records, and how fast they are checked.

    python -m bench.records [--events 20000] [--rounds 3] [--json]

Into a SQLite file (WAL, synchronous=FULL) and, where there is one, a PostgreSQL server, both of
the run's own. Beside it in the same run what no way through SQLite can beat: the same rows put
into the same tables by a bare ``executemany``, in the same batches, nothing made or checked.
Takes under a minute on two quiet cores, and says on standard error how far it is.
Limit: 10,000 events a second from the ledgers into SQLite. Exit code 1 where it is missed.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import redis
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.consent.events import ConsentState, Event, Mark, NumberState, event_id
from smsgate.domain.messages import ALL, Decision, Entry, Intent
from smsgate.pipeline.archive import BATCH, LedgerArchiver
from smsgate.records import Records, tables
from smsgate.store.connection import open_redis
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS, partition_of
from smsgate.store.store import Store
from tests.records import postgresql

LEAST = 10_000
TABLES = (tables.links, tables.events, tables.texts, tables.numbers)


def events(count: int, start_ms: int = 1_764_000_000_000, first: int = 0) -> dict[int, list[bytes]]:
    """Opt-outs of as many numbers as the ledgers hold them, by partition; ten a millisecond.

    ``first``: the place of the first of them in the row of all.
    """
    partitions: dict[int, list[bytes]] = {partition: [] for partition in range(PARTITIONS)}
    for at in range(first, first + count):
        number = f"+1415{at % 9_000_000 + 1_000_000}"
        ms = start_ms + at // 10
        mark = Mark(True, ms * 1000, "twilio", f"{ms}-0", ms * 1000, f"{ms}-0", why="keyword stop")
        event = Event(
            id=event_id(ms, number, str(at)),
            kind="opt_out",
            outcome="applied",
            number=number,
            program="alerts",
            scope=ALL,
            before="allowed",
            after="blocked",
            consent_state=ConsentState(everywhere=True, state=NumberState(marks={ALL: mark})),
            inbox_id=f"{ms}-0",
            entry=Entry(
                number=number,
                program="alerts",
                decision=Decision(Intent.OPT_OUT, "keyword", "stop", "en", version="0123456789ab"),
                scope=ALL,
                account="twilio",
                message_id=f"SM{at:032x}",
                sender="+14155550999",
                text="Please STOP texting me",
            ),
            event_time_us=ms * 1000,
            received_us=ms * 1000,
            applied_us=ms * 1000 + 900,
            software="0.0",
        )
        partitions[partition_of(number)].append(msgspec.json.encode(event))
    return partitions


def batches(partitions: dict[int, list[bytes]]) -> Iterator[dict[int, list[bytes]]]:
    """As the mover reads them."""
    for at in range(0, max(map(len, partitions.values())), BATCH):
        yield {
            partition: rows[at : at + BATCH]
            for partition, rows in partitions.items()
            if rows[at : at + BATCH]
        }


def bare(folder: Path, source: Records, sizes: Sequence[int]) -> float:
    """Seconds for the rows of ``source``, put into the same tables by executemany alone."""
    target = Records(f"sqlite:///{folder / 'bare.sqlite3'}")
    target.migrate()
    target.close()
    rows: list[tuple[str, list[tuple[Any, ...]]]] = []
    with source.database.reading() as connection:
        for table in TABLES:
            names = ", ".join(column.name for column in table.columns)
            marks = ", ".join("?" for _ in table.columns)
            statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
            order = (table.c.partition, table.c.seq) if "seq" in table.c else (table.c.event_id,)
            found = [tuple(row) for row in connection.execute(select(table).order_by(*order))]
            rows.append((statement, found))
    with closing(sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)) as file:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536"):
            file.execute(f"PRAGMA {pragma}")
        start, at = time.perf_counter(), 0
        for size in sizes:
            file.execute("BEGIN IMMEDIATE")
            for statement, found in rows:
                file.executemany(statement, found[at : at + size])
            file.execute("COMMIT")
            at += size
        return time.perf_counter() - start


def keep(records: Records, partitions: dict[int, list[bytes]]) -> tuple[float, list[int]]:
    """Seconds to keep lines that are in memory, and how many there were in each transaction."""
    start = time.perf_counter()
    sizes = [records.writer.keep(batch).new for batch in batches(partitions)]
    return time.perf_counter() - start, sizes


def move(redis_url: str, records: Records, partitions: dict[int, list[bytes]]) -> float:
    """Seconds to move them from the ledgers in a Redis."""
    redis.Redis.from_url(redis_url).flushall()
    client = open_redis(redis_url, 60)
    store = Store(client)
    store.metadata.create()
    for partition, rows in partitions.items():
        with client.pipeline(transaction=False) as pipeline:
            for row in rows:
                pipeline.xadd(PARTITION_KEYS[partition].ledger, {"e": row})
            pipeline.execute()
    start = time.perf_counter()
    LedgerArchiver(store, records).move_all()
    return time.perf_counter() - start


def verify(records: Records) -> float:
    """Seconds to check every link, event, text and number."""
    start = time.perf_counter()
    found = list(records.verifier.verify())
    assert not found, found[0]
    return time.perf_counter() - start


def fresh(url: str) -> Records:
    """Records without anything in them."""
    records = Records(url)
    if records.migrate()[0]:
        with records.database.writing() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        records.migrate()
    return records


def measure(
    folder: Path, groups: ProcessGroups, count: int, rounds: int, postgresql_url: str
) -> dict[str, list[float]]:
    """Events a second of each way, round by round."""
    partitions = events(count)
    server = redis_server.start(folder / "redis", groups)
    found: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(count / seconds)
        done = f"round {turn + 1} of {rounds}: {name}, {count / seconds:,.0f} a second"
        print(done, file=sys.stderr, flush=True)

    for turn in range(rounds):
        here = folder / str(turn)
        here.mkdir()
        records = fresh(f"sqlite:///{here / 'kept.sqlite3'}")
        seconds, sizes = keep(records, partitions)
        note("SQLite: kept, from memory", seconds)
        note("SQLite: checked (records verify)", verify(records))
        note("SQLite: bare executemany of the same rows", bare(here, records, sizes))
        records.close()
        moved = fresh(f"sqlite:///{here / 'moved.sqlite3'}")
        note("SQLite: moved from the ledgers", move(server.url, moved, partitions))
        moved.close()
        if postgresql_url:
            for name, way in (("kept, from memory", keep), ("moved from the ledgers", None)):
                records = fresh(postgresql_url)
                seconds = (
                    way(records, partitions)[0] if way else move(server.url, records, partitions)
                )
                note(f"PostgreSQL: {name}", seconds)
                records.close()
    return found


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 where the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given, _ = parser.parse_known_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="smsgate-bench-") as name,
        ProcessGroups() as groups,
    ):
        programs = postgresql.programs()
        if programs is None:
            found = measure(Path(name), groups, given.events, given.rounds, "")
        else:
            with postgresql.server(programs, groups) as url:
                found = measure(Path(name), groups, given.events, given.rounds, url)
    speeds = {name: round(median(one)) for name, one in found.items()}
    if given.json:
        print(json.dumps({"bench": "records", "events": given.events, "per_second": speeds}))
    else:
        _show(found)
    return int(speeds["SQLite: moved from the ledgers"] < LEAST)


def _show(found: dict[str, list[float]]) -> None:
    table = Table("events a second", "median", "lowest", "highest", title="records")
    for name, speeds in found.items():
        table.add_row(name, *(f"{one:,.0f}" for one in (median(speeds), min(speeds), max(speeds))))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
