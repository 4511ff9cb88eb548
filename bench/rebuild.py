"""How fast a flushed store is restored from the records.

    python -m bench.rebuild [--numbers 1000000] [--json]

On a Redis and a SQLite file of its own. One number in fifty has marks of the last 48 hours.
Beside it in the same run: the bare reading of the rows, and the bare writing of as many members
into one plain set. Limit: 100,000 numbers a second. Exit code 1 where it is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import redis
from rich.console import Console
from rich.table import Table

from bench.gate import numbers
from smsgate.cli import redis_server
from smsgate.cli.leash import Leash
from smsgate.consent import Mark, NumberState, Published, Standing
from smsgate.gateway.records.rebuilding import Rebuilding
from smsgate.messages import ALL
from smsgate.records import Records
from smsgate.records.contents import number_row
from smsgate.records.tables import numbers as table
from smsgate.store import Store
from smsgate.store.connection import open_redis
from smsgate.store.keys import lane_of

LEAST = 100_000
_STEP = 20_000


def fill(records: Records, count: int) -> None:
    """Numbers that opted out; some of them lately."""
    now_us = int(time.time() * 1e6)
    mark = Mark(stops=True, stamp_us=now_us, account="twilio", id="1-0", since_us=now_us)
    lately = Standing(everywhere=True, state=NumberState(marks={ALL: mark}))
    long_ago = Standing(everywhere=True)
    listed = numbers(count, seed=1)
    with records._database.writing() as connection:  # noqa: SLF001 - events one by one take long
        for at in range(0, count, _STEP):
            rows = [
                number_row(lane_of(one), 1, one, long_ago if place % 50 else lately)
                for place, one in enumerate(listed[at : at + _STEP])
            ]
            connection.execute(table.insert(), rows)


def measured(folder: Path, url: str, count: int) -> dict[str, float]:
    """Numbers a second, of each way."""
    records = Records(f"sqlite:///{folder / 'records.sqlite3'}")
    records.migrate()
    records.remember_store("bench", 2048, 1)
    fill(records, count)
    store = Store(open_redis(url, 20))
    found = {}
    started = time.perf_counter()
    Rebuilding(store, records, {"alerts": Published()}, {}, {}).rebuild(lambda *_: None)
    found["rebuild"] = count / (time.perf_counter() - started)
    started = time.perf_counter()
    read = [one.number for one in records.reading.numbers()]
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
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Leash() as leash:
        server = redis_server.start(Path(folder) / "redis", leash)
        found = measured(Path(folder), server.url, given.numbers)
        leash.end(server.process)
    if given.json:
        print(json.dumps(found))
    else:
        table_ = Table("what", "numbers a second", title=f"{given.numbers:,} numbers")
        for name, figure in found.items():
            table_.add_row(name, f"{figure:,.0f}")
        Console().print(table_)
    return 0 if found["rebuild"] >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
