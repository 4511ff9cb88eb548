"""What a process of the Procfile loads before it knows which one it is."""

from __future__ import annotations

import subprocess
import sys


def test_what_only_web_needs_is_loaded_by_web_alone() -> None:
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "workers", "--help"],
        capture_output=True,
        text=True,
        check=True,
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
