"""What four processes at rest cost: commands that Redis runs for them, and CPU time.

A STOP has come before, as in any store that is in use: the clock compares it with records that are
not empty. Commands inside scripts count like all others.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import redis
from rich.console import Console
from rich.table import Table

from bench.servers import Servers
from bench.signed import signed_requests
from bench.whole import Whole, of_group
from smsgate.cli.process_groups import ProcessGroups

SETTLE_S = 25.0
"""Processes have started and taken their leases by then, and the clock's first comparisons of store
and records are over."""
MOST_COMMANDS, MOST_CPU_PERCENT = 20.0, 1.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=30.0)
    given, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as folder, ProcessGroups() as groups:
        found = _measure(Servers(Path(folder), groups).whole(), given.seconds)
    if given.json:
        print(json.dumps({"bench": "idle", **found}))
    else:
        _show(found)
    return 0


def _measure(whole: Whole, seconds: float) -> Mapping[str, Any]:
    for name in ("worker", "sender", "clock"):
        whole.start(name)
    with socket.create_connection(("127.0.0.1", whole.server.port)) as connection:
        connection.sendall(signed_requests("STOP", 0, 1)[0])
        if b" 200 " not in connection.recv(4096):
            raise RuntimeError("the STOP was not accepted")
    time.sleep(SETTLE_S)
    if not whole.services.records.reader.stores():
        raise RuntimeError("the STOP was not recorded")
    calls, cpu = _calls(whole), _cpu_s(whole)
    time.sleep(seconds)
    after = _calls(whole)
    by_command = {name: (count - calls.get(name, 0)) / seconds for name, count in after.items()}
    return {
        "commands_per_second": round(sum(by_command.values()), 1),
        "by_command": {name: round(rate, 1) for name, rate in by_command.items() if rate >= 0.1},
        "cpu_percent": {
            name: round((used_s - cpu[name]) / seconds * 100, 2)
            for name, used_s in _cpu_s(whole).items()
        },
    }


def _calls(whole: Whole) -> dict[str, int]:
    with redis.Redis.from_url(whole.environ["REDIS_URL"]) as client:
        stats = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): one["calls"] for name, one in stats.items()}


def _cpu_s(whole: Whole) -> dict[str, float]:
    groups = {"web": whole.server.groups[0]}
    groups |= {name: process.pid for name, process in whole.running.items()}
    return {name: sum(map(_used_s, of_group(group))) for name, group in groups.items()}


def _used_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _show(found: Mapping[str, Any]) -> None:
    table = Table(title="At rest", min_width=60)
    for heading in ("", "measured", "goal"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row(
        "commands of Redis a second", f"{found['commands_per_second']:,.1f}", f"{MOST_COMMANDS:.0f}"
    )
    for name, rate in sorted(found["by_command"].items(), key=lambda one: -one[1]):
        table.add_row(f"  {name}", f"{rate:,.1f}")
    whole_percent = sum(found["cpu_percent"].values())
    table.add_row("one core, %", f"{whole_percent:.2f}", f"{MOST_CPU_PERCENT:.0f}")
    for name, percent in found["cpu_percent"].items():
        table.add_row(f"  {name}", f"{percent:.2f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
