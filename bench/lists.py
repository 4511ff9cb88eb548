"""Lists: how fast they are imported, exported and scrubbed, and in how much memory.

    python -m bench.lists [--rows 1000000] [--only scrub] [--json]

Each command runs as a process of its own, on a Redis of its own with 1 number in 50 opted out; the
file is CSV with three columns (for the types one of British numbers, since in +1 there is nothing
to look up). Beside them in the same run: a bare pass of the csv module over the file, and a bare
copy of it by csv. Limits, by the CPU time of command and Redis together, which is the time that
they would take on a machine that does nothing else: 100,000 rows a second read dry, 30,000 applied,
111,111 scrubbed (10 million in 90 s) in 300 MB, 16,667 with types. Exit code 1 where one is missed.
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
from dataclasses import asdict, dataclass
from pathlib import Path

import redis
from rich.console import Console
from rich.table import Table

from bench.suppressed import fill, numbers
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.consent.events import PublishedProgram
from smsgate.records import Records
from smsgate.store.redis_address import open_redis
from smsgate.store.store import Store

LEAST = {"import, dry": 100_000, "import, applied": 30_000, "scrub": 111_111,
         "scrub --types": 16_667}  # fmt: skip
MOST_MB = 300
_STEP = 500_000
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


def bare(path: Path, target: Path | None) -> float:
    """CPU seconds of a pass of the csv module, that copies the file where there is a target."""
    started = time.process_time()
    with path.open(newline="") as source:
        rows = csv.reader(source)
        if target is None:
            for _ in rows:
                pass
        else:
            with target.open("w", newline="") as out:
                csv.writer(out).writerows(rows)
    return time.process_time() - started


class Bench:
    """A store, a list, and commands on them."""

    def __init__(self, folder: Path, url: str, rows: int) -> None:
        self._folder = folder
        self._client = redis.Redis.from_url(url)
        self._rows = rows
        self.list = folder / "list.csv"
        self.british = folder / "british.csv"
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
        write_list(self.list, listed)

    def command(self, *arguments: str) -> Figure:
        """Run one command over the list."""
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
        return Figure(self._rows, found["s"], cpu_s, found["peak_kb"] / 1024)

    def _redis_s(self) -> float:
        cpu = self._client.info("cpu")
        return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])

    def all(self, only: str) -> dict[str, Figure]:
        """The commands that are asked for."""
        here, path = str(self.list), self._folder
        scrub = ("scrub", here, "--program", "alerts", "-o", str(path / "clean"), "--blocked",
                 str(path / "blocked"), "--json")  # fmt: skip
        imported = ("import", here, "--program", "alerts", "--json")
        export = ("export", "--program", "alerts", "-o", str(path / "export.csv"))
        commands: dict[str, Callable[[], Figure]] = {
            "scrub": lambda: self.command(*scrub),
            "scrub --types": lambda: self.command(
                "scrub", str(self.british), *scrub[2:], "--types"
            ),
            "import, dry": lambda: self.command(*imported),
            "import, applied": lambda: self.command(*imported, "--apply"),
            "import, again": lambda: self.command(*imported, "--apply"),
            "export, with the records brought up": lambda: self.command(*export),
            "export": lambda: self.command(*export),
        }
        wanted = {only} & {*commands} or {one for one in commands if one.startswith(only)}
        if "scrub --types" in wanted:
            write_list(self.british, [f"+447{300_000_000 + at}" for at in range(self._rows)])
        return {name: run() for name, run in commands.items() if name in wanted}


def main() -> int:
    """Measure and print; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.lists", description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--only", default="", help="one command, or those that begin so")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ProcessGroups() as groups:
        server = redis_server.start(Path(folder) / "redis", groups)
        bench = Bench(Path(folder), server.url, given.rows)
        found = bench.all(given.only)
        read_s = bare(bench.list, None)
        copied_s = bare(bench.list, Path(folder) / "copy")
        groups.end(server.process)
    if given.json:
        print(json.dumps({name: asdict(one) for name, one in found.items()} | {
            "csv read, s": read_s, "csv copied, s": copied_s}))  # fmt: skip
    else:
        show(found, given.rows, read_s, copied_s)
    fast = all(one.pace >= LEAST.get(name, 0) for name, one in found.items())
    small = all(one.peak_mb <= MOST_MB for one in found.values())
    return 0 if fast and small else 1


def show(found: dict[str, Figure], rows: int, read_s: float, copied_s: float) -> None:
    """Print as a table."""
    columns = ("what", "s", "CPU s", "rows a CPU s", "peak MB", "x csv read", "limit")
    table = Table(*columns, title=f"{rows:,} rows")
    for name, one in found.items():
        figures = (f"{one.s:,.1f}", f"{one.cpu_s:,.1f}", f"{one.pace:,.0f}", f"{one.peak_mb:,.0f}")
        limit = f"{LEAST[name]:,}" if name in LEAST else ""
        table.add_row(name, *figures, f"{one.cpu_s / read_s:,.1f}", limit)
    for name, spent in (("csv module, read", read_s), ("csv module, copied", copied_s)):
        table.add_row(name, "", f"{spent:,.1f}", f"{rows / spent:,.0f}", "", "", "")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
