"""Where data and configuration are, and ``run.json`` of the ``smsgate dev`` that runs there.

Every command imports it, so it imports little.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

RUN_FILE = "run.json"


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
        run = json.loads((data_dir(environ) / RUN_FILE).read_bytes())
    except (OSError, ValueError):
        return environ
    return {**run["environment"], **{name: text for name, text in environ.items() if text}}
