"""What a process of the Procfile loads before it knows which one it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_what_only_web_needs_is_loaded_by_web_alone(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "smsgate.cli", "run", "clock"],
        env={"SMSGATE_CONFIG": str(tmp_path)},  # nothing is there, so it ends at once
        capture_output=True,
        text=True,
        check=False,
    )

    loaded = {line.rpartition("|")[2].strip() for line in said.stderr.splitlines()}
    assert "smsgate.process.services" in loaded
    assert not loaded & {
        "cryptography.hazmat",
        "flask",
        "uvloop",
        "httptools",
        "rich.console",
        "smsgate.web",
        "workers.web",
    }
