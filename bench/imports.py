"""What it costs to import smsgate: the gate in another program, and the command's help.

Each figure is the least of several starts, in processes of their own, the interpreter's included:
processor seconds, so that others at work on the machine do not count, and resident memory. Beside
the gate stand the libraries that it uses, which are most of it. Limits: 0.4 s for the help; 0.2 s
for the gate, and 3 MiB beside its libraries; and no data of phonenumbers about places, carriers and
regions, which it loads for each region when a number of it comes. The goal for the gate is 30 MB
in all: it says by how much that is missed, and by how much the libraries alone miss it.

    python -m bench.imports
"""

from __future__ import annotations

import subprocess
import sys

STARTS = 7
MEASURES = """
import resource, sys
def used():
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime, now.ru_maxrss / 1024
exec(sys.argv[1])
parts = ("phonenumbers.geodata", "phonenumbers.carrierdata", "phonenumbers.data.region_")
print(*used(), sum(one.startswith(parts) for one in sys.modules), file=sys.__stdout__)
"""
HELP = """
import os
sys.stdout = open(os.devnull, "w")
from smsgate.cli.main import run
run(["--help"], {})
"""
LIBRARIES = "redis, msgspec, phonenumbers"
GATE = "from smsgate import Gate"
IMPORTS = {
    "the interpreter alone": ("pass", 9),
    "import redis": ("import redis", 9),
    LIBRARIES: (f"import {LIBRARIES}", 9),
    GATE: (GATE, 0.2),
    "import smsgate.client": ("import smsgate.client", 9),
    "smsgate --help": (HELP, 0.4),
}
"""By name: what is run, and at most so many seconds."""
OWN_MIB = 3
"""Of the gate beside its libraries."""
GOAL_MB = 30


def measure(statement: str) -> list[float]:
    """Seconds, MiB in all, modules with data of phonenumbers."""
    command = [sys.executable, "-c", MEASURES, statement]
    return min(
        [float(one) for one in subprocess.check_output(command, text=True).split()]
        for _ in range(STARTS)
    )


def main() -> int:
    """Print the figures; 1 where one is over its limit."""
    wrong, found = False, {}
    print(f"{'':30} {'s':>6} {'MiB':>6} {'MB':>6}")
    for name, (statement, most_s) in IMPORTS.items():
        took_s, found[name], data = measure(statement)
        over = took_s > most_s or data > 0
        over |= name == GATE and found[GATE] - found[LIBRARIES] > OWN_MIB
        wrong |= over
        mb = found[name] * 2**20 / 1e6
        print(f"{name:30} {took_s:6.3f} {found[name]:6.1f} {mb:6.1f}{'  over' if over else ''}")
    for name in (GATE, LIBRARIES, "import redis"):
        print(f"{name}: {found[name] * 2**20 / 1e6 - GOAL_MB:+.1f} MB to the goal of {GOAL_MB} MB")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
