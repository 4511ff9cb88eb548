"""Behind the 200: from stored to applied, from applied to confirmed, and what it costs in memory.

Real processes on a real Redis with ``appendfsync always``. Beside them RQ's default worker, which
forks for each job, as tutorials run it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

import redis
from rich.console import Console
from rich.table import Table
from rq import Queue

from bench.backlog import (
    applied_events,
    applying_s,
    fill_inbox,
    seconds_until,
    start_worker,
    until_applied,
)
from bench.contender import Contender
from bench.servers import Servers
from bench.signed import FIRST_NUMBER
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.process.services import Services
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS

BACKLOG = 100_000
CONFIRMATIONS = 3_000
STEADY_PER_S = 300
_GOALS = {
    "applied_per_second": ("from stored to applied, a second", 20_000, "at least"),
    "backlog_s": (f"a backlog of {BACKLOG:,} while the webhook accepts, s", 6, "at most"),
    "applied_p50_ms": (f"from 200 to applied at {STEADY_PER_S}/s, p50 ms", 10, "at most"),
    "applied_p99_ms": (f"from 200 to applied at {STEADY_PER_S}/s, p99 ms", 20, "at most"),
    "confirmed_per_second": ("confirmations a second, provider answers in 100 ms", 500, "at least"),
    "web_mib": ("memory of a web process, MiB", 100, "at most"),
    "worker_mib": ("memory of the worker, MiB", 100, "at most"),
    "rq_default_per_second": ("beside it: RQ's default worker, jobs a second", None, ""),
}


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as folder, ProcessGroups() as groups:
        found = _measure(Path(folder), groups)
    if given.json:
        print(json.dumps({"bench": "delivery", **found}))
    else:
        _show(found)
    return 0


def _measure(folder: Path, groups: ProcessGroups) -> Mapping[str, float]:
    whole = Servers(folder, groups).whole()
    services, web = whole.services, Contender("smsgate", "", whole.server, "STOP")
    found: dict[str, float] = {}
    fill_inbox(services, BACKLOG, "+1211", program="alerts")
    whole.start("clock")
    start_worker(whole)
    until_applied(services)
    found["applied_per_second"] = BACKLOG / applying_s(services, "+1211", BACKLOG)
    whole.stop("worker")
    fill_inbox(services, BACKLOG, "+1213", program="alerts")
    start_worker(whole)
    web.take(5.0, 4, 200)
    until_applied(services)
    found["backlog_s"] = applying_s(services, "+1213", BACKLOG)
    _until_idle(services)
    first = web.sent
    web.take(6.0, 8, STEADY_PER_S)
    until_applied(services)
    found |= _latency(services, _numbers(first + STEADY_PER_S, web.sent))
    fill_inbox(services, CONFIRMATIONS, "+1214", program="confirmed", text="please stop")
    services.job_queue.notify_inboxes(range(PARTITIONS))
    until_applied(services)
    whole.start("sender")
    found["confirmed_per_second"] = CONFIRMATIONS / seconds_until(lambda: _outbox(services) == 0)
    found["web_mib"], found["worker_mib"] = whole.mib("web"), whole.mib("worker")
    found["rq_default_per_second"] = _rq(folder, groups)
    return found


def _until_idle(services: Services) -> None:
    """Until no job is under way and every partition asks for one at its next text."""
    keys = [one.notify_inbox for one in PARTITION_KEYS]
    seconds_until(lambda: not services.store.client.exists(*keys))


def _outbox(services: Services) -> int:
    return sum(services.store.outbox.depth(partition) for partition in range(PARTITIONS))


def _numbers(first: int, end: int) -> set[str]:
    """The numbers of these requests of the load."""
    return {f"+{FIRST_NUMBER + place}" for place in range(first, end)}


def _latency(services: Services, numbers: set[str]) -> dict[str, float]:
    """From the 200 to applied, of the texts of these numbers and no others."""
    took_ms = [
        (one.applied_us - one.received_us) / 1000
        for one in applied_events(services)
        if one.number in numbers
    ]
    assert len(took_ms) == len(numbers), f"{len(took_ms)} of {len(numbers)} were applied"
    cuts = quantiles(took_ms, n=100)
    return {"applied_p50_ms": cuts[49], "applied_p99_ms": cuts[98]}


def _rq(folder: Path, groups: ProcessGroups) -> float:
    """Jobs that do nothing, under the worker that ``rq worker`` starts."""
    store = redis_server.start(folder / "redis-rq", groups)
    jobs = 200
    with redis.Redis.from_url(store.url) as client:
        queue = Queue(connection=client)
        for _ in range(jobs):
            queue.enqueue("time.time")
        started = time.monotonic()
        command = [sys.executable, "-m", "rq.cli", "worker", "--burst", "--url", store.url]
        with (folder / "rq.log").open("w") as log:
            groups.wait(groups.start(command, cwd=folder, output=log))
    return jobs / (time.monotonic() - started)


def _show(found: Mapping[str, Any]) -> None:
    table = Table(title="Behind the 200", min_width=76)
    for heading in ("", "measured", "goal"):
        table.add_column(heading, justify="left" if not heading else "right")
    for key, (title, goal, bound) in _GOALS.items():
        table.add_row(title, f"{found[key]:,.1f}", f"{bound} {goal:,}" if goal else "")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
