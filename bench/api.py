"""The API's check: how many numbers a second, and how soon one is answered while others write.

    python -m bench.api [--seconds 8] [--suppressed 200000] [--json]

Through our real server with its default processes, on a Redis of its own, set up as ``smsgate dev``
sets it up. Many: calls of 10,000 numbers from a few connections that are kept open. One: single
checks, one after another, while a process beside it enters opt-outs and applies them in batches.
Beside them in the same run: the gate in this process on the same numbers (what HTTP and JSON add),
and ``/healthz`` for single calls (what the server alone takes). Limits: 300,000 numbers a second,
3 ms for 99 of 100 single checks. Exit code 1 where one is missed.

On a machine that does other things too, the CPU time for each number is the figure to look at.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import redis
from rich.console import Console
from rich.table import Table

from bench import cpu
from bench.servers import Servers
from bench.suppressed import fill, numbers
from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.pipeline.gate import Gate
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services

CALL = 10_000
CONNECTIONS = 4
MOST_MS = 3.0
LEAST = 300_000.0
KEY = "a-key-of-the-bench-that-is-long-enough"
_HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
_APPLIED = 150
"""Opt-outs that are entered at once, as many as one commit applies."""


def many(port: int, groups: Sequence[int], seconds: float) -> dict[str, float]:
    """Calls of 10,000 numbers from some connections at once."""
    bodies = [_body(numbers(CALL, seed)) for seed in range(10, 14)]
    ends, done, own = time.perf_counter() + seconds, [], time.process_time()
    used, started = cpu.spent(groups), time.perf_counter()

    def ask(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() < ends:
            _post(connection, bodies[place % len(bodies)])
            done.append(time.perf_counter())
        connection.close()

    _at_once([partial(ask, place) for place in range(CONNECTIONS)])
    took = max(done) - started
    count = len(done) * CALL
    return {
        "numbers a second": count / took,
        "server, us of CPU a number": (cpu.spent(groups) - used) / count * 1e6,
        "this client, us of CPU a number": (time.process_time() - own) / count * 1e6,
    }


def single(port: int, seconds: float, method: str, path: str, body: bytes | None) -> list[float]:
    """Milliseconds of each of many calls, one after another over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    ends, times = time.perf_counter() + seconds, []
    while time.perf_counter() < ends:
        started = time.perf_counter()
        connection.request(method, path, body, _HEADERS)
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status == 200, answer.status
    connection.close()
    return sorted(times)


def at(times: Sequence[float], share: float) -> float:
    """The time within which that share was answered."""
    return times[min(int(len(times) * share), len(times) - 1)]


def apply_for_ever() -> None:
    """Enter opt-outs and apply them, a batch at a time, until killed; as another process does."""
    services = build_services(load_configuration(json.load(sys.stdin)))
    drawn = numbers(1_000_000, seed=77)
    stop = Decision(Intent.OPT_OUT, rule="operator", note="bench")
    for start in range(0, len(drawn), _APPLIED):
        for number in drawn[start : start + _APPLIED]:
            entry = Entry(number, "all", stop, "all", source="operator", actor="bench")
            services.store.inbox.add([Arrival(entry)])
        for partition in services.store.inbox.busy():
            services.applier.drain(partition)


def measured(
    folder: Path, groups: ProcessGroups, seconds: float, suppressed: int
) -> dict[str, float]:
    """All figures of one run."""
    server, environ = Servers(folder, groups).api(KEY)
    with redis.Redis.from_url(environ["REDIS_URL"]) as client:
        fill(client, numbers(suppressed, seed=1))
    found = many(server.port, server.groups, seconds)
    gate, asked = Gate.from_url(environ["REDIS_URL"], 10), numbers(CALL, 10)
    own, started = time.process_time(), time.perf_counter()
    for _ in range(20):
        gate.check(asked, program="alerts")
    found["gate in one process, numbers a second"] = 20 * CALL / (time.perf_counter() - started)
    found["gate in one process, us of CPU a number"] = (
        (time.process_time() - own) / (20 * CALL) * 1e6
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", "from bench.api import apply_for_ever; apply_for_ever()"],
        stdin=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert writer.stdin is not None
    writer.stdin.write(json.dumps(dict(environ)).encode())
    writer.stdin.close()
    try:
        body = _body(numbers(1, seed=10))
        time.sleep(2.0)  # until it writes
        for name, call in {
            "one check": ("POST", "/v1/check", body),
            "one /healthz": ("GET", "/healthz", None),
        }.items():
            times = single(server.port, seconds / 2, *call)
            found[f"{name} while batches are applied, p50 ms"] = at(times, 0.5)
            found[f"{name} while batches are applied, p99 ms"] = at(times, 0.99)
    finally:
        writer.kill()
        writer.wait()
    return found


def _body(asked: list[str]) -> bytes:
    return json.dumps({"program": "alerts", "numbers": asked}).encode()


def _post(connection: http.client.HTTPConnection, body: bytes) -> None:
    connection.request("POST", "/v1/check", body, _HEADERS)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


def _at_once(work: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    """Measure and print; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--suppressed", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ProcessGroups() as groups:
        found = measured(Path(folder), groups, given.seconds, given.suppressed)
    if given.json:
        print(json.dumps(found))
    else:
        table = Table("what", "figure")
        for name, figure in found.items():
            table.add_row(name, f"{figure:,.2f}")
        Console().print(table)
    fast = found["numbers a second"] >= LEAST
    return 0 if fast and found["one check while batches are applied, p99 ms"] <= MOST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
