"""Code for processes that tests start, and waiting for what they do."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

STAYS = "import os, time; os.write(1, b'here %d\\n' % os.getpid()); time.sleep(600)"
"""Says its id in one write, so that the lines of several do not mix, and stays."""
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {STAYS}"
"""Stays, whatever SIGTERM says."""
PATIENCE_S = 60.0
"""How long tests wait for a condition before they fail, on a machine with much else to do."""


def wait_until(true: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
    """Wait for a condition; whether it came true in time."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        pause.wait(0.02)
    return true()


def gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has buried yet has ended as well."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return not _answers(pid)


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
