"""Processes that are told to end while they still load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.processes import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]


def listens(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler of its own for a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["web", "worker", "sender", "clock"])
def test_a_process_that_is_told_to_end_while_it_loads_ends_in_order(
    tmp_path: Path, name: str, number: signal.Signals
) -> None:
    environ = {
        "PATH": os.defpath,
        "SMSGATE_CONFIG": str(ROOT / "config"),
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PORT": "1",
    }
    command = [sys.executable, "-m", "smsgate.cli", "run", name]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE) as process:
        # Python itself hears SIGINT from the first moment on, and SIGTERM never.
        assert wait_until(lambda: listens(process.pid, signal.SIGTERM))
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0, process.stderr and process.stderr.read()


SWALLOWS = """
import os, signal, weakref
class Gone: pass
gone = Gone()
told = weakref.ref(gone, lambda _: [os.kill(os.getpid(), signal.SIGTERM), None])
del gone
raise SystemExit(7)
"""
"""Stands in for a module that is loaded: the signal comes in a callback, whose exceptions Python
ignores. Importing makes many such callbacks."""


def test_nor_is_it_missed_in_a_callback_of_the_import(tmp_path: Path) -> None:
    (tmp_path / "structlog.py").write_text(SWALLOWS)
    command = [sys.executable, "-m", "smsgate.cli", "run", "web"]
    environ = {"PATH": os.defpath, "PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
