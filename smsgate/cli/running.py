"""``run.json``: how the other commands find the ``smsgate dev`` that runs on a data directory."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from smsgate.cli import private_file

FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Running:
    """A ``smsgate dev`` that runs, and what it gave its processes."""

    pid: int
    url: str
    redis_url: str
    api_key: str
    environment: Mapping[str, str]
    """The variables that the processes were started with; other commands need the same ones."""


def announce(directory: Path, running: Running) -> None:
    """Write ``run.json``; it holds secrets, so only its owner may read it."""
    private_file.write(directory / FILE, json.dumps(asdict(running), indent=2) + "\n")


def withdraw(directory: Path) -> None:
    """Take ``run.json`` away."""
    (directory / FILE).unlink(missing_ok=True)


def find(directory: Path) -> Running | None:
    """The ``smsgate dev`` of that data directory, if one runs."""
    try:
        running = Running(**json.loads((directory / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return running if _alive(running.pid) else None


def data_dir(environ: Mapping[str, str]) -> Path:
    """The data directory that the environment names."""
    return Path(environ.get("SMSGATE_DATA_DIR") or "var")


def nothing_runs(environ: Mapping[str, str]) -> bool:
    """Whether there is neither a ``smsgate dev`` here nor a Redis that somebody named."""
    return find(data_dir(environ)) is None and not environ.get("REDIS_URL")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
