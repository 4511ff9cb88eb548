"""``smsgate run``: one process of the service, from a checkout or an installed package."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from smsgate.metrics.snapshot import KINDS

_PACKAGE = Path(__file__).parents[1]


@click.command(epilog="Example: smsgate run web --host 127.0.0.1")
@click.argument("process", type=click.Choice(KINDS))
@click.option(
    "--host",
    metavar="ADDRESS",
    default="0.0.0.0",  # noqa: S104 - a deployment is reached from outside
    help="Address that `web` listens on.  [all]",
)
@click.pass_obj
def run(obj: Mapping[str, Mapping[str, str]], process: str, host: str) -> None:
    """Run one process of the service until a signal ends it.

    A deployment needs each of them: `web` receives texts and serves the API and the console,
    `worker` applies what was received, `sender` sends replies, `clock` writes the records.
    Exit code 2: it cannot start, and says why.
    """
    # Loading takes seconds. Who is told to end meanwhile has begun nothing, and ends at once: an
    # exception raised here could come in a callback of the import system, which swallows it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    # structlog would load it for tracebacks in colours, which are printed nowhere: 6 MiB.
    sys.modules["rich"] = None  # type: ignore[assignment]  # this is how a module is kept out
    name_workers(_PACKAGE)
    importlib.import_module("workers.processes").run(process, host, obj["environ"])


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
