"""Memory over a million texts: web, worker, sender and clock, one of each, all over HTTP.

The texts are a mix: ordinary ones, STOP, START and HELP, each from a number of its own, so that
whatever a process keeps of numbers, messages or texts would show. The web process is asked as
fast as it answers; at the end of each step everything is applied, and every reply is sent to a
provider that answers in 100 ms.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.load import Plan, run_apart
from bench.servers import Servers
from bench.signed import WORDS
from bench.whole import Whole
from smsgate.cli.process_groups import ProcessGroups
from smsgate.store.keys import PARTITIONS

MIX = (
    (f"Running late, please tell {WORDS}", 0.5),
    ("STOP", 0.25),
    (f"please stop, {WORDS}", 0.05),
    ("START", 0.1),
    ("HELP", 0.1),
)
"""Texts and their shares."""
PROCESSES = ("web", "worker", "sender", "clock")
ALL = range(PARTITIONS)
MOST_MIB = 100.0
WARM = 0.2
"""Share of the texts after which a process has to have its size."""
MOST_GROWTH = 1.1


def main(arguments: Sequence[str]) -> int:
    """Measure and print; exit code 1 where a process is too large, or grows."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=20)
    given, _ = parser.parse_known_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="smsgate-bench-") as folder,
        ProcessGroups() as groups,
    ):
        found = _measure(Servers(Path(folder), groups).whole(), given.messages, given.steps)
    if given.json:
        print(json.dumps({"bench": "memory", **found}))
    else:
        _show(found)
    return 0 if found["flat"] else 1


def _measure(whole: Whole, messages: int, steps: int) -> Mapping[str, Any]:
    for name in PROCESSES[1:]:
        whole.start(name)
    rows, sent, started, store = [], 0, time.monotonic(), whole.services.store
    for _ in range(steps):
        for text, share in MIX:
            sent += _send(whole, text, sent, int(messages / steps * share))
        while store.inbox.busy() or any(map(store.outbox.depth, ALL)):
            time.sleep(0.05)
        sizes = {name: round(whole.mib(name), 1) for name in PROCESSES}
        rows.append({"messages": sent, "seconds": round(time.monotonic() - started), **sizes})
        print(rows[-1], file=sys.stderr, flush=True)
    warm = next(row for row in rows if row["messages"] >= WARM * messages)
    grown = {name: round(rows[-1][name] / warm[name], 3) for name in PROCESSES}
    small = all(rows[-1][name] < MOST_MIB for name in PROCESSES)
    return {"rows": rows, "grown": grown, "flat": small and max(grown.values()) < MOST_GROWTH}


def _send(whole: Whole, text: str, first: int, count: int) -> int:
    server = whole.server
    figures = run_apart(Plan(server.port, 16, 600.0, text, first, count, 0.0, server.groups))
    if figures.accepted != count:
        raise RuntimeError(f"{count - figures.accepted} of {count} were not accepted")
    return count


def _show(found: Mapping[str, Any]) -> None:
    table = Table(title="Resident memory, MiB", min_width=60)
    for heading in ("texts", "seconds", *PROCESSES):
        table.add_column(heading, justify="right")
    for row in found["rows"]:
        table.add_row(f"{row['messages']:,}", str(row["seconds"]), *map(str, _sizes(row)))
    Console().print(table)
    grown = ", ".join(f"{name} {factor}" for name, factor in found["grown"].items())
    print(f"  grown since the first fifth: {grown}")
    print("  flat" if found["flat"] else "  NOT FLAT, or over 100 MiB")


def _sizes(row: Mapping[str, Any]) -> list[float]:
    return [row[name] for name in PROCESSES]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
