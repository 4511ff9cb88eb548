"""How long a webhook takes to verify and to parse, for each provider, over the recorded webhooks.

    python -m bench.providers [--json]

One thread, its own CPU time; the best of some rounds for each webhook, then median and worst of a
provider. The limit is 100 µs for every scheme but RSA and Ed25519. Exit code 1 where it is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from smsgate.providers import PROVIDERS
from smsgate.providers.forms import form_pairs
from tests.providers.recorded import NOW_US, Recorded, everything

LIMIT_US = 100.0
_ROUNDS = 7
_REPEATS = 50
_KEY_PAIRS = {"aws_sns": "RSA", "telnyx": "Ed25519"}
_SCHEMES = {"entra": "RSA", "v1a": "Ed25519"}


def key_pair(one: Recorded) -> str:
    """The name of the slow scheme that a webhook is signed by; empty for shared secrets."""
    scheme = one.account.options.get("scheme", "")
    return _KEY_PAIRS.get(one.provider, "") or _SCHEMES.get(scheme, "")


def micros(one: Recorded) -> float:
    """CPU time of one verify and parse in µs, the best of some rounds."""
    provider = PROVIDERS[one.provider]
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.thread_time_ns()
        for _ in range(_REPEATS):
            form_pairs.cache_clear()  # no two webhooks are the same
            provider.verify(one.request, one.account, NOW_US)
            provider.parse(one.request, one.account)
        best = min(best, (time.thread_time_ns() - started) / _REPEATS / 1000)
    return best


def measured() -> list[dict[str, object]]:
    """One row for each provider and kind of scheme."""
    groups: dict[tuple[str, str], list[float]] = {}
    order = {name: place for place, name in enumerate(PROVIDERS)}
    for one in sorted(everything(), key=lambda one: order[one.provider]):
        if not one.unreadable:
            groups.setdefault((one.provider, key_pair(one)), []).append(micros(one))
    return [
        {
            "provider": name,
            "key_pair": pair,
            "webhooks": len(times),
            "median_us": round(median(times), 1),
            "worst_us": round(max(times), 1),
            "limit_us": None if pair else LIMIT_US,
            "met": bool(pair) or max(times) <= LIMIT_US,
        }
        for (name, pair), times in groups.items()
    ]


def show(rows: Sequence[dict[str, object]]) -> None:
    """Print the table."""
    table = Table(title=f"Verify and parse one webhook, CPU µs (limit {LIMIT_US:g})")
    for heading in ("provider", "webhooks", "median", "worst", ""):
        table.add_column(heading, justify="left" if heading in ("provider", "") else "right")
    for row in rows:
        note = row["key_pair"] or ("" if row["met"] else "[bold red]MISSED[/]")
        cells = (row["provider"], row["webhooks"], row["median_us"], row["worst_us"], note)
        table.add_row(*map(str, cells))
    Console().print(table)


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 where the limit is missed. Arguments of other benchmarks are ignored."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    rows = measured()
    if options.json:
        print(json.dumps({"bench": "providers", "results": rows}, indent=2))
    else:
        show(rows)
    return int(not all(row["met"] for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
