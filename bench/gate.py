"""The gate and its sets: how fast a list is checked, and what a suppressed number takes in Redis.

    python -m bench.gate [--numbers 1000000] [--suppressed 1000000] [--json]

On a Redis of its own, set up as ``smsgate dev`` sets it up. Beside the gate in the same run: a
loop of SISMEMBER and one pipeline of SMISMEMBER on one plain set of the same numbers, which know
neither holds nor scopes; Redis's own ``redis-benchmark`` with SISMEMBER on the same set, over one
connection and over fifty, where it is on PATH; and for memory a plain set of strings and a hash.
Limits: 1,000,000 numbers in 2.5 s, 12 bytes a number. Exit code 1 where one is missed.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import redis
from rich.console import Console
from rich.table import Table

from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.redis_server import RedisServer
from smsgate.consent.events import PublishedProgram
from smsgate.domain.messages import ALL
from smsgate.pipeline.gate import Gate
from smsgate.store import Store
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.metadata import BUCKETS
from smsgate.store.redis_address import open_redis

MOST_S = 2.5
MOST_BYTES = 12.0
_STEP = 5000
_ROUNDS = 3
PROGRAM = "alerts"


def numbers(count: int, seed: int) -> list[str]:
    """Numbers as a list has them: North American, in no order."""
    drawn = random.Random(seed).sample(range(2_000_000_000, 9_999_999_999), count)
    return [f"+1{number}" for number in drawn]


def _steps(items: list[str], size: int = _STEP) -> Iterator[list[str]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def fill(client: redis.Redis, suppressed: list[str]) -> float:
    """Put numbers into the set of scope ``all``; gives bytes a number."""
    before = client.info("memory")["used_memory"]
    for step in _steps(suppressed):
        with client.pipeline(transaction=False) as pipeline:
            for number in step:
                keys = PARTITION_KEYS[partition_of(number)]
                pipeline.sadd(keys.suppressed(ALL, number, BUCKETS), number[1:])
            pipeline.execute()
    return (client.info("memory")["used_memory"] - before) / len(suppressed)


def fill_plain(client: redis.Redis, suppressed: list[str], kind: str) -> float:
    """The same numbers in one set of strings, or one hash; gives bytes a number."""
    before = client.info("memory")["used_memory"]
    for step in _steps(suppressed):
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
            for step in _steps(asked):
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
        command = [program, "-a", server.password, "-p", str(server.port), "--csv"]
        command += ["-c", str(connections), "-n", "100000", "-r", "9999999999"]
        command += ["SISMEMBER", "plain:set", "+1__rand_int__"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        a_second = float(said.splitlines()[-1].split(",")[1].strip('"'))
        found[f"redis-benchmark, SISMEMBER, -c {connections}, s"] = count / a_second
    return found


def measured(url: str, count: int, suppressed_count: int) -> dict[str, float]:
    """All figures of one run."""
    client = redis.Redis.from_url(url)
    store = Store(open_redis(url, 10))
    store.metadata.create()
    store.write_lease.open(3_600_000)  # no process renews it here
    store.metadata.publish({PROGRAM: PublishedProgram()})
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
    if given.json:
        print(json.dumps(found))
    else:
        table = Table("what", "figure", title=f"{given.numbers:,} numbers asked")
        for name, figure in found.items():
            table.add_row(name, f"{figure:,.2f}")
        Console().print(table)
    fast = found["gate, s"] <= MOST_S * given.numbers / 1_000_000
    return 0 if fast and found["bucketed sets, bytes a number"] <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
