"""Lists: how fast they are imported, undone, scrubbed and exported, and in how much memory.

    python -m bench.lists [--rows 1000000] [--few 10000] [--only scrub]

Each command runs as a process of its own, on a Redis of its own with 1 number in 50 opted out; the
file is CSV with three columns. Beside them in the same run, as physical limits: a bare pass of the
csv module over the file, and bare SADDs of its numbers in pipelines of 500. An import is undone
that has 100,000 rows and is in the records.

Limits, by the CPU time of command and Redis together, which is the time that they would take on a
machine that does nothing else: 30,000 numbers a second imported, 100,000 undone within 10 s,
111,111 rows a second scrubbed (10 million in 90 s); and an import of --rows
takes at most 64 MB more than one of --few. Exit code 1 where one is missed.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis
from rich.console import Console
from rich.table import Table

from bench.suppressed import fill, numbers
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.consent.events import PublishedProgram
from smsgate.content import without_keyword_sets
from smsgate.features.lists.imports import imports
from smsgate.process.configuration import Configuration, load_settings
from smsgate.process.services import Services, build_services
from smsgate.records import Records
from smsgate.store.connection import open_redis
from smsgate.store.store import Store

UNDONE = 100_000
LEAST = {"import": 30_000, "undo": 10_000, "scrub": 111_111}
MORE_MB = 64
"""Of memory for a large file beside a small one."""
_STEP = 500_000
_HOW = ("--program", "alerts", "--json")
_CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "a-token"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["en"]
region   = "US"
"""
_CHILD = """
import json, os, sys, time
from smsgate.cli.main import run
began, cpu = time.perf_counter(), time.process_time()
code = run(sys.argv[1:], os.environ)
found = {"s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu, "code": code}
status = open("/proc/self/status").read()
found["peak_kb"] = int(status.partition("VmHWM:")[2].split()[0])
print(json.dumps(found), file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one command took."""

    rows: int
    s: float
    cpu_s: float
    """Of the command and of Redis."""
    peak_mb: float

    @property
    def pace(self) -> float:
        """Rows a second of CPU time."""
        return self.rows / self.cpu_s


def write_list(path: Path, listed: list[str]) -> None:
    """A list as teams have it."""
    with path.open("w") as out:
        out.write("name,phone,city\n")
        for at in range(0, len(listed), _STEP):
            some = enumerate(listed[at : at + _STEP], at)
            out.write("".join(f"Ana Lima {place},{number},Oakland\n" for place, number in some))


def csv_alone(path: Path) -> float:
    """CPU seconds of a pass of the csv module."""
    started = time.process_time()
    with path.open(newline="") as source:
        for _ in csv.reader(source):
            pass
    return time.process_time() - started


class Bench:
    """A store, a list, and commands on them."""

    def __init__(self, folder: Path, url: str, rows: int, few: int) -> None:
        self._folder = folder
        self._client = redis.Redis.from_url(url)
        self._rows = rows
        self.list = folder / "list.csv"
        self.few = folder / "few.csv"
        self.undone = folder / "undone.csv"
        (folder / "config").mkdir()
        (folder / "config" / "smsgate.toml").write_text(_CONFIG)
        self._environ = {
            "SMSGATE_CONFIG": str(folder / "config"),
            "SMSGATE_DATA_DIR": str(folder / "var"),
            "REDIS_URL": url,
        }
        store = Store(open_redis(url))
        store.metadata.create()
        store.write_lease.open(3_600_000)  # no process renews it here
        store.programs.publish({"alerts": PublishedProgram()})
        Records(f"sqlite:///{folder / 'var' / 'records.sqlite3'}").migrate()
        listed = numbers(rows, seed=1)
        fill(self._client, listed[::50])
        self._numbers = listed
        self._few = few
        write_list(self.list, listed)
        write_list(self.few, [f"+1646{2_000_000 + at}" for at in range(few)])
        write_list(self.undone, [f"+1718{2_000_000 + at}" for at in range(UNDONE)])

    def command(self, rows: int, *arguments: str) -> Figure:
        """Run one command over a list of so many rows."""
        before = self._redis_s()
        ran = subprocess.run(
            [sys.executable, "-c", _CHILD, *arguments],
            env=self._environ,
            capture_output=True,
            text=True,
            check=True,
        )
        found = json.loads(ran.stderr.splitlines()[-1])
        if found["code"] != 0:
            raise SystemExit(ran.stderr)
        cpu_s = found["cpu_s"] + self._redis_s() - before
        return Figure(rows, found["s"], cpu_s, found["peak_kb"] / 1024)

    def _redis_s(self) -> float:
        cpu = self._client.info("cpu")
        return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])

    def archive(self) -> str:
        """Move events to the records, as a clock does all the time; gives the newest import."""
        services = build_services_of(self._environ)
        services.archiver.move_all()
        newest = next((one.id for one in imports(services.records, 1)), "")
        services.close()
        return newest

    def import_again(self) -> Figure:
        """Import the list that was imported."""
        self.archive()
        return self.command(self._rows, "import", str(self.list), *_HOW)

    def undo(self) -> Figure:
        """Undo the newest import."""
        newest = self.archive()
        return self.command(UNDONE, "imports", "undo", newest, "--reason", "bench", "--json")

    def sadd(self) -> Figure:
        """Bare SADDs, 500 in a pipeline."""
        before, started, cpu = self._redis_s(), time.perf_counter(), time.process_time()
        for at in range(0, self._rows, 500):
            pipe = self._client.pipeline(transaction=False)
            for number in self._numbers[at : at + 500]:
                pipe.sadd("bench", int(number))
            pipe.execute()
        cpu_s = time.process_time() - cpu + self._redis_s() - before
        self._client.delete("bench")
        return Figure(self._rows, time.perf_counter() - started, cpu_s, 0)

    def all(self, only: str) -> dict[str, Figure]:
        """The commands that are asked for."""
        here, rows, path = str(self.list), self._rows, self._folder
        to = ("--program", "alerts", "-o", str(path / "clean"), "--blocked",
              str(path / "blocked"), "--json")  # fmt: skip
        export = ("export", "--program", "alerts", "-o", str(path / "export.csv"))
        commands: dict[str, Callable[[], Figure]] = {
            "scrub": lambda: self.command(rows, "scrub", here, *to),
            "import, few": lambda: self.command(self._few, "import", str(self.few), *_HOW),
            "import --preview": lambda: self.command(rows, "import", here, *_HOW, "--preview"),
            "import": lambda: self.command(rows, "import", here, *_HOW),
            "import again": self.import_again,
            "import to undo": lambda: self.command(UNDONE, "import", str(self.undone), *_HOW),
            "undo": self.undo,
            "export": lambda: self.command(rows, *export),
        }
        wanted = {only} & {*commands} or {one for one in commands if one.startswith(only)}
        found = {}
        for name in commands:
            if name in wanted:
                found[name] = commands[name]()
                print(name, f"{found[name].s:.1f} s", file=sys.stderr)
        return found


def build_services_of(environ: dict[str, str]) -> Services:
    """Services on the same store and records."""
    settings = load_settings(environ)
    return build_services(Configuration(settings, without_keyword_sets(settings)))


def main() -> int:
    """Measure and print; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.lists", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--only", default="", help="one command, or those that begin so")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ProcessGroups() as groups:
        server = redis_server.start(Path(folder) / "redis", groups)
        bench = Bench(Path(folder), server.url, given.rows, given.few)
        found = bench.all(given.only)
        read_s = csv_alone(bench.list)
        found["SADD alone"] = bench.sadd()
        groups.end(server.process)
    show(found, given.rows, read_s)
    fast = all(one.pace >= LEAST.get(name, 0) for name, one in found.items())
    few, many = (found.get(name) for name in ("import, few", "import"))
    flat = few is None or many is None or many.peak_mb - few.peak_mb <= MORE_MB
    return 0 if fast and flat else 1


def show(found: dict[str, Figure], rows: int, read_s: float) -> None:
    """Print as a table."""
    columns = ("what", "rows", "s", "CPU s", "rows a CPU s", "peak MB", "least")
    table = Table(*columns, title=f"{rows:,} rows; the csv module alone: {read_s:,.1f} CPU s")
    for name, one in found.items():
        figures = (f"{one.s:,.1f}", f"{one.cpu_s:,.1f}", f"{one.pace:,.0f}", f"{one.peak_mb:,.0f}")
        least = f"{LEAST[name]:,}" if name in LEAST else ""
        table.add_row(name, f"{one.rows:,}", *figures, least)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
