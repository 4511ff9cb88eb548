"""Private files of the data directory: secrets that are made once, and ``run.json``.

By ``run.json`` the other commands find the ``smsgate dev`` that runs on a data directory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from smsgate.files import replace_file

_RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class DevRun:
    """A ``smsgate dev`` that runs, and what it gave its processes."""

    pid: int
    url: str
    redis_url: str
    api_key: str
    environment: Mapping[str, str]
    """The variables that the processes were started with; other commands need the same ones."""


def data_dir(environ: Mapping[str, str]) -> Path:
    """The data directory that the environment names."""
    return Path(environ.get("SMSGATE_DATA_DIR") or "var")


def config_dir(environ: Mapping[str, str]) -> Path:
    """The folder of the configuration that the environment names."""
    return Path(environ.get("SMSGATE_CONFIG") or "config")


def write_run(directory: Path, run: DevRun) -> None:
    """Write ``run.json``."""
    replace_file(directory / _RUN_FILE, json.dumps(asdict(run), indent=2) + "\n")


def forget_run(directory: Path) -> None:
    """Remove ``run.json``."""
    (directory / _RUN_FILE).unlink(missing_ok=True)


def find_run(directory: Path) -> DevRun | None:
    """The ``smsgate dev`` of that data directory, if one runs."""
    try:
        run = DevRun(**json.loads((directory / _RUN_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    with suppress(PermissionError):  # it runs, as somebody else
        try:
            os.kill(run.pid, 0)
        except ProcessLookupError:
            return None
    return run


def completed(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, completed by the ``smsgate dev`` of its data directory, if one runs.

    What is set in the environment wins over what ``dev`` gave its processes.
    """
    found = find_run(data_dir(environ))
    given = {name: text for name, text in environ.items() if text}
    return {**found.environment, **given} if found else environ


def keep_secret(path: Path, make: Callable[[], str]) -> str:
    """The text that the file holds; at the first time ``make`` makes it."""
    if not path.exists():
        replace_file(path, make() + "\n")
    return path.read_text(encoding="utf-8").strip()
