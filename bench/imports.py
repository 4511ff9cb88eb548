"""What it costs to import smsgate: the gate in another program, and the command's help.

Each figure is the least of several starts, in processes of their own: processor seconds, so that
others at work on the machine do not count, and resident memory. Beside the gate stands
``import redis``, which is most of it. Limits: 0.4 s for the help; 0.2 s and 30 MiB more than the
interpreter alone for the gate; and no data of phonenumbers about places, carriers and regions,
which it loads for each region when a number of it comes.

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
before = used()
exec(sys.argv[1])
after = used()
parts = ("phonenumbers.geodata", "phonenumbers.carrierdata", "phonenumbers.data.region_")
print(after[0], after[1] - before[1], after[1], sum(one.startswith(parts) for one in sys.modules),
      file=sys.__stdout__)
"""
HELP = """
import os
sys.stdout = open(os.devnull, "w")
from smsgate.cli.main import run
run(["--help"], {})
"""
IMPORTS = {
    "the interpreter alone": ("pass", 9, 99),
    "import redis": ("import redis", 9, 99),
    "from smsgate import Gate": ("from smsgate import Gate", 0.2, 30),
    "import smsgate.client": ("import smsgate.client", 9, 99),
    "smsgate --help": (HELP, 0.4, 99),
}
"""By name: what is run; at most so many seconds, the interpreter's included, and MiB more."""


def measure(statement: str) -> list[float]:
    """Seconds, MiB more than the interpreter's, MiB in all, modules with data of phonenumbers."""
    command = [sys.executable, "-c", MEASURES, statement]
    return min(
        [float(one) for one in subprocess.check_output(command, text=True).split()]
        for _ in range(STARTS)
    )


def main() -> int:
    """Print the figures; 1 where one is over its limit."""
    wrong = False
    print(f"{'':26} {'s':>6} {'MiB more':>9} {'MiB':>6}")
    for name, (statement, most_s, most_mib) in IMPORTS.items():
        took_s, more_mib, mib, data = measure(statement)
        over = took_s > most_s or more_mib > most_mib or data > 0
        wrong |= over
        print(f"{name:26} {took_s:6.3f} {more_mib:9.1f} {mib:6.1f}{'  over' if over else ''}")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
