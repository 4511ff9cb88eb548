"""Private files of the data directory: secrets that are made once, and ``run.json``.

By ``run.json`` the other commands find the ``smsgate dev`` that runs on a data directory.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from smsgate.files import replace_file

RUN_FILE = "run.json"


class DevRun(msgspec.Struct, frozen=True):
    """What a ``smsgate dev`` that runs gave its processes."""

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


def completed(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, completed by the ``smsgate dev`` of its data directory, if one runs.

    What is set in the environment wins over what ``dev`` gave its processes.
    """
    try:
        found = msgspec.json.decode((data_dir(environ) / RUN_FILE).read_bytes(), type=DevRun)
    except (OSError, ValueError):
        return environ
    return {**found.environment, **{name: text for name, text in environ.items() if text}}


def keep_secret(path: Path) -> str:
    """The secret that the file holds; it is made at the first time."""
    if not path.exists():
        replace_file(path, secrets.token_hex(24) + "\n")
    return path.read_text(encoding="utf-8").strip()
