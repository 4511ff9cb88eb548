"""Genuine webhooks alone, and beside 2,000 forged ones a second: how much slower are they?

One smsgate, asked in rounds: genuine requests at an even load and as many as it takes, each time
alone and then beside a forger, which is a process of its own on the same cores. What the forger
itself spends is therefore counted against smsgate, too; the table says how much that is. Ratios
are the medians of the rounds' ratios, so that what else runs on the machine disturbs both alike.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.contender import Contender
from bench.load import Figures, Load, Plan
from bench.servers import BEHIND_A_PROXY, Servers
from bench.whole import Server
from smsgate.cli.process_groups import ProcessGroups

LIMIT = 1.10
"""How much slower genuine webhooks may be."""
TEXT = "STOP"
_SIGNATURE = re.compile(rb"(X-Twilio-Signature: )[^\r]+")
_FORGED = rb"X-Forwarded-For: 10.66.%d.%d\r\n\1AAAAAAAAAAAAAAAAAAAAAAAAAAA="
_REFUSED = {"403"}
_LEAD_S = 3.0
"""How long the forger goes on after the genuine load is over at the earliest: that is made ready
while it works."""


@dataclass
class Run:
    """One load, alone and beside the forger, round by round."""

    title: str
    rate: float
    alone: list[Figures] = field(default_factory=list)
    beside: list[Figures] = field(default_factory=list)
    forged: list[dict[str, Any]] = field(default_factory=list)

    def ratio(self, name: str) -> float:
        """The median of the rounds' ratios of a figure, beside the forger to alone."""
        pairs = zip(self.alone, self.beside, strict=True)
        return median(getattr(two, name) / (getattr(one, name) or 1.0) for one, two in pairs)

    def told(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        figures = ("per_second", "p50_ms", "p99_ms", "cpu_us")
        return {
            "title": self.title,
            **{
                who: {
                    name: round(median(getattr(one, name) for one in rounds), 2) for name in figures
                }
                for who, rounds in (("alone", self.alone), ("beside", self.beside))
            },
            "ratios": {
                name: round(self.ratio(name), 3) for name in ("per_second", "p50_ms", "p99_ms")
            },
            "forged_per_second": round(median(one["per_second"] for one in self.forged)),
            "forger_share": round(median(one["share"] for one in self.forged), 3),
            "p99_rounds_ms": [
                [round(one.p99_ms, 1), round(two.p99_ms, 1)]
                for one, two in zip(self.alone, self.beside, strict=True)
            ],
        }


def forge(addresses: int) -> int:
    """Be the forger: send the plan on standard input, say when it begins, and what came of it."""
    load = Load(Plan(**json.load(sys.stdin)))
    load._requests = [  # noqa: SLF001
        _SIGNATURE.sub(_FORGED % divmod(place % addresses, 256), one)
        for place, one in enumerate(load._requests)  # noqa: SLF001
    ]
    print("begins", flush=True)
    before = load._usage()[1]  # noqa: SLF001
    figures = load.run()
    plan = load._plan  # noqa: SLF001
    share = (load._usage()[1] - before) / plan.seconds / 2  # noqa: SLF001
    said = {"per_second": figures.sent / plan.seconds, "share": share, "statuses": figures.statuses}
    print(json.dumps(said))
    return 0


@contextmanager
def forger(
    server: Server, seconds: float, rate: float, first: int, addresses: int = 1
) -> Iterator[dict[str, Any]]:
    """Let it work for so long; what it says is there at the end."""
    plan = Plan(server.port, 16, seconds, TEXT, first, int(rate * seconds), rate)
    command = [sys.executable, "-m", "bench.forgeries", "--forge"]
    command += ["--addresses", str(addresses)]
    said: dict[str, Any] = {}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(asdict(plan)))
        process.stdin.close()
        process.stdout.readline()
        yield said
        said |= json.loads(process.stdout.readline())


def measure(contender: Contender, given: argparse.Namespace) -> list[Run]:
    """Run all rounds."""
    runs = [Run(f"{given.load:,.0f} a second", given.load), Run("as many as it takes", 0.0)]
    contender.take(2.0, given.connections)
    for number in range(given.rounds):
        for run in runs:
            run.alone.append(contender.take(given.seconds, given.connections, run.rate))
            ready_s = 1.0 + given.seconds * (run.rate or 20_000) / 20_000
            lasts_s = given.seconds + ready_s + _LEAD_S
            from_ = given.addresses
            with forger(contender.server, lasts_s, given.forged, number, from_) as said:
                run.beside.append(contender.take(given.seconds, given.connections, run.rate))
            run.forged.append(said)
    return runs


def main(arguments: Sequence[str]) -> int:
    """Measure and print; exit code 1 where a genuine request was refused, or a forged one not."""
    given = _parser().parse_args(arguments)
    if given.forge:
        return forge(given.addresses)
    with (
        tempfile.TemporaryDirectory(prefix="smsgate-bench-") as folder,
        ProcessGroups() as groups,
    ):
        contender = Contender(
            "smsgate",
            "smsgate",
            Servers(Path(folder), groups).smsgate(BEHIND_A_PROXY),
            TEXT,
        )
        runs = measure(contender, given)
        stored = contender.server.stored() if contender.server.stored else {}
    wrong = [
        one["statuses"] for run in runs for one in run.forged if set(one["statuses"]) - _REFUSED
    ]
    exact = not contender.refused and not wrong and stored.get("messages") == contender.accepted
    found = {"bench": "forgeries", "results": [run.told() for run in runs], "exact": exact}
    if given.json:
        print(json.dumps(found))
    else:
        show(found)
    return 0 if exact else 1


def show(found: dict[str, Any]) -> None:
    """Print a table."""
    table = Table(title="Genuine webhooks, alone and beside a forger", min_width=76)
    for heading in ("genuine load", "", "per second", "p50 ms", "p99 ms", "CPU µs"):
        table.add_column(heading, justify="right")
    for run in found["results"]:
        for who in ("alone", "beside"):
            row = run[who]
            cells = (
                f"{row['per_second']:,.0f}",
                *(f"{row[key]:.1f}" for key in ("p50_ms", "p99_ms")),
            )
            table.add_row(
                run["title"] if who == "alone" else "", who, *cells, f"{row['cpu_us']:.0f}"
            )
        ratios = run["ratios"]
        slower = max(1 / ratios["per_second"], ratios["p99_ms"])
        verdict = "met" if slower <= LIMIT else "MISSED"
        table.add_row("", "ratio", *(f"{one:.2f}" for one in ratios.values()), verdict)
    console = Console()
    console.print(table)
    for run in found["results"]:
        console.print(
            f"  {run['title']}: {run['forged_per_second']:,} forged a second, for which the forger "
            f"itself took {run['forger_share']:.0%} of two cores"
        )
    console.print("  exact" if found["exact"] else "  [bold red]NOT EXACT[/]")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.forgeries", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one load of one round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--load", type=float, default=1000, help="genuine requests a second")
    parser.add_argument("--forged", type=float, default=2000, help="forged requests a second")
    parser.add_argument("--addresses", type=int, default=1, help="from so many addresses")
    parser.add_argument("--forge", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
