"""``smsgate run``: one process of the service, from a checkout or an installed package."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

import click

PROCESSES = ("web", "worker", "sender", "clock")
_PACKAGE = Path(__file__).parents[1]


@click.command(epilog="Example: smsgate run web --host 127.0.0.1")
@click.argument("process", type=click.Choice(PROCESSES))
@click.option("--host", metavar="ADDRESS", help="Address that `web` listens on.  [all]")
def run(process: str, host: str | None) -> None:
    """Run one process of the service until a signal ends it.

    A deployment needs each of them: `web` receives texts and serves the API and the console,
    `worker` applies what was received, `sender` sends replies, `clock` writes the records.
    Exit code 2: it cannot start, and says why.
    """
    name_workers(_PACKAGE)
    sys.argv = [f"smsgate run {process}", process, *(["--host", host] if host else [])]
    runpy.run_module("workers", run_name="__main__")


def name_workers(package: Path) -> None:
    """Let ``import workers`` find the workers of this smsgate, whatever else has that name.

    Jobs in Redis have names such as ``workers.jobs.apply_inbox``. An installed package has the
    folder inside ``smsgate``, since a module of that name is not ours to install; a checkout has it
    beside ``smsgate``. Both run each other's jobs.
    """
    folder = package / "workers"
    if not folder.is_dir():
        folder = package.parent / "workers"
    spec = importlib.util.spec_from_file_location(
        "workers", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None  # noqa: PT018, S101 - it is a .py file
    sys.modules["workers"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
