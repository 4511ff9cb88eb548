"""The gate and its sets: how fast a list is checked, and what a suppressed number takes in Redis.

    python -m bench.gate [--numbers 1000000] [--suppressed 1000000] [--json]

In this process, by the gate, and through two web processes, by calls of ``/v1/check`` of 10,000.
On a Redis of its own, set up as ``smsgate dev`` sets it up. Beside the gate in the same run: a
loop of SISMEMBER and one pipeline of SMISMEMBER on one plain set of the same numbers, which know
neither holds nor scopes; Redis's own ``redis-benchmark`` with SISMEMBER on the same set, over one
connection and over fifty, where it is on PATH; and for memory a plain set of strings and a hash.
Limits: 1,000,000 numbers in 1.2 s; 300,000 numbers a second by ``/v1/check``; 12 bytes a number,
and 9 from ten million on. Exit code 1 where one is missed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from urllib.parse import unquote, urlsplit

import redis
from rich.console import Console
from rich.table import Table

from bench.api import KEY, many
from bench.servers import Servers
from bench.suppressed import fill, numbers, steps
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.redis_server import RedisServer
from smsgate.consent.events import PublishedProgram
from smsgate.pipeline.gate import Gate
from smsgate.store.connection import open_redis
from smsgate.store.store import Store

MOST_S = 1.2
LEAST_A_SECOND = 300_000
MOST_BYTES = 12.0
MOST_BYTES_OF_MANY = 9.0
MANY = 10_000_000
_ROUNDS = 3
PROGRAM = "alerts"


def fill_plain(client: redis.Redis, suppressed: list[str], kind: str) -> float:
    """The same numbers in one set of strings, or one hash; gives bytes a number."""
    before = client.info("memory")["used_memory"]
    for step in steps(suppressed):
        if kind == "set":
            client.sadd("plain:set", *step)
        else:
            client.hset("plain:hash", mapping=dict.fromkeys(step, "1"))
    return (client.info("memory")["used_memory"] - before) / len(suppressed)


def timed(work: Callable[[], object]) -> float:
    """Seconds, the median of some rounds."""
    found = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return median(found)


def by_loop(client: redis.Redis, asked: list[str]) -> float:
    """Seconds for all numbers, from a sample of them."""
    sample = asked[:20_000]
    return timed(lambda: [client.sismember("plain:set", one) for one in sample]) * (
        len(asked) / len(sample)
    )


def by_pipeline(client: redis.Redis, asked: list[str]) -> float:
    """Seconds for SMISMEMBER in steps, all in one pipeline."""

    def work() -> None:
        with client.pipeline(transaction=False) as pipeline:
            for step in steps(asked):
                pipeline.smismember("plain:set", step)
            pipeline.execute()

    return timed(work)


def by_redis_benchmark(server: RedisServer, count: int) -> dict[str, float]:
    """Seconds for all numbers by ``redis-benchmark``; nothing where this machine has none."""
    program = shutil.which("redis-benchmark")
    if program is None:
        return {}
    found = {}
    for connections in (1, 50):
        socket = unquote(urlsplit(server.url).path)
        command = [program, "-s", socket, "--csv"]
        command += ["-c", str(connections), "-n", "100000", "-r", "9999999999"]
        command += ["SISMEMBER", "plain:set", "+1__rand_int__"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        a_second = float(said.splitlines()[-1].split(",")[1].strip('"'))
        found[f"redis-benchmark, SISMEMBER, -c {connections}, s"] = count / a_second
    return found


def by_api(folder: Path, groups: ProcessGroups) -> float:
    """Numbers a second through ``/v1/check``, on a Redis of its own."""
    server, environ = Servers(folder, groups).api(KEY)
    with redis.Redis.from_url(environ["REDIS_URL"]) as client:
        fill(client, numbers(200_000, seed=1))
    return many(server.port, server.groups, 4.0)["numbers a second"]


def measured(url: str, count: int, suppressed_count: int) -> dict[str, float]:
    """All figures of one run."""
    client = redis.Redis.from_url(url)
    store = Store(open_redis(url, 10))
    store.metadata.create()
    store.write_lease.open(3_600_000)  # no process renews it here
    store.programs.publish({PROGRAM: PublishedProgram()})
    suppressed = numbers(suppressed_count, seed=1)
    found = {"bucketed sets, bytes a number": fill(client, suppressed)}
    for kind in ("set", "hash"):
        found[f"one {kind}, bytes a number"] = fill_plain(client, suppressed, kind)
    asked = numbers(count, seed=2)
    asked[::50] = suppressed[: len(asked[::50])]
    gate = Gate.from_url(url, 10)
    found["gate, s"] = timed(lambda: gate.check(asked, program=PROGRAM))
    found["SISMEMBER in a loop, s"] = by_loop(client, asked)
    found["SMISMEMBER in one pipeline, s"] = by_pipeline(client, asked)
    found["gate, one number, us"] = (
        timed(lambda: [gate.allows(one, program=PROGRAM) for one in asked[:2000]]) * 1e6 / 2000
    )
    return found


def main() -> int:
    """Measure and print; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--numbers", type=int, default=1_000_000)
    parser.add_argument("--suppressed", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ProcessGroups() as groups:
        server = redis_server.start(Path(folder), groups)
        found = measured(server.url, given.numbers, given.suppressed)
        found |= by_redis_benchmark(server, given.numbers)
        groups.end(server.process)
        found["/v1/check, numbers a second"] = by_api(Path(folder), groups)
    if given.json:
        print(json.dumps(found))
    else:
        table = Table("what", "figure", title=f"{given.numbers:,} numbers asked")
        for name, figure in found.items():
            table.add_row(name, f"{figure:,.2f}")
        Console().print(table)
    most_bytes = MOST_BYTES_OF_MANY if given.suppressed >= MANY else MOST_BYTES
    kept = (
        found["gate, s"] <= MOST_S * given.numbers / 1_000_000,
        found["/v1/check, numbers a second"] >= LEAST_A_SECOND,
        found["bucketed sets, bytes a number"] <= most_bytes,
    )
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
