"""How fast a flushed store is restored from the records.

    python -m bench.rebuild [--numbers 1000000] [--texts 200000] [--json]

On a Redis and SQLite files of its own. Once from numbers of which one in fifty has marks of the
last 48 hours, and once from events made by texts of the last hour, each with its number's marks and
a message that is known again. Beside it in the same run: the bare reading of the rows, and the bare
writing of as many members into one plain set. Limits: 100,000 numbers a second, and 50,000 from
events made by texts. Exit code 1 where one is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import redis
from rich.console import Console
from rich.table import Table

from bench.records import events
from bench.suppressed import numbers
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.consent.events import ConsentState, Mark, NumberState
from smsgate.domain.messages import ALL
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.records import Records
from smsgate.records.tables import numbers as table
from smsgate.records.writer import number_row
from smsgate.store.keys import partition_of

LEAST, LEAST_TEXTS = 100_000, 50_000
_STEP, _BATCH = 20_000, 2_000


def fill(records: Records, count: int) -> None:
    """Numbers that opted out; some of them lately."""
    now_us = int(time.time() * 1e6)
    mark = Mark(stops=True, event_time_us=now_us, account="twilio", id="1-0", since_us=now_us)
    lately = ConsentState(everywhere=True, state=NumberState(marks={ALL: mark}))
    long_ago = ConsentState(everywhere=True)
    listed = numbers(count, seed=1)
    with records.database.writing() as connection:
        for at in range(0, count, _STEP):
            rows = [
                number_row(partition_of(one), 1, one, long_ago if place % 50 else lately)
                for place, one in enumerate(listed[at : at + _STEP])
            ]
            connection.execute(table.insert(), rows)


def fill_by_texts(records: Records, count: int) -> None:
    """Numbers that opted out by text within the last hour."""
    partitions = events(count, int(time.time() * 1e3) - 3_600_000)
    for at in range(0, max(map(len, partitions.values())), _BATCH):
        records.writer.keep(
            {partition: rows[at : at + _BATCH] for partition, rows in partitions.items()}
        )


def made(file: Path) -> Records:
    """Records of a store that lost everything."""
    records = Records(f"sqlite:///{file}")
    records.migrate()
    records.remember_store("bench", 2048, 1)
    return records


def rebuilt(url: str, records: Records) -> float:
    """Numbers a second."""
    redis.Redis.from_url(url).flushall()
    environ = {
        "REDIS_URL": url,
        "DATABASE_URL": f"sqlite:///{records.database.file}",
        "SMSGATE_DATA_DIR": tempfile.gettempdir(),
    }
    with closing(build_services(load_configuration(environ))) as services:
        started = time.perf_counter()
        numbers_ = (
            RebuildService(services.settings, services.archiver).rebuild(lambda *_: None).numbers
        )
        return numbers_ / (time.perf_counter() - started)


def measured(folder: Path, url: str, count: int, texts: int) -> dict[str, float]:
    """Numbers a second, of each way."""
    of_texts = made(folder / "texts.sqlite3")
    fill_by_texts(of_texts, texts)
    found = {"rebuild, by texts of the last hour": rebuilt(url, of_texts)}
    records = made(folder / "records.sqlite3")
    fill(records, count)
    found["rebuild"] = rebuilt(url, records)
    started = time.perf_counter()
    read = [one.number for one in records.reader.numbers()]
    found["reading the rows alone"] = count / (time.perf_counter() - started)
    client = redis.Redis.from_url(url)
    started = time.perf_counter()
    for at in range(0, count, _STEP):
        client.sadd("plain", *read[at : at + _STEP])
    found["one plain set alone"] = count / (time.perf_counter() - started)
    return found


def main() -> int:
    """Measure and print; 1 where the limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.rebuild", description=__doc__)
    parser.add_argument("--numbers", type=int, default=1_000_000)
    parser.add_argument("--texts", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ProcessGroups() as groups:
        server = redis_server.start(Path(folder) / "redis", groups)
        found = measured(Path(folder), server.url, given.numbers, given.texts)
        groups.end(server.process)
    if given.json:
        print(json.dumps(found))
    else:
        table_ = Table("what", "numbers a second", title=f"{given.numbers:,} numbers")
        for name, figure in found.items():
            table_.add_row(name, f"{figure:,.0f}")
        Console().print(table_)
    fast = found["rebuild, by texts of the last hour"] >= LEAST_TEXTS
    return 0 if fast and found["rebuild"] >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
