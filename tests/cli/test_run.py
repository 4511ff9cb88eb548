"""``smsgate run``: the processes, wherever their code is."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsgate.cli.run import name_workers
from smsgate.metrics.snapshot import KINDS
from tests.cli.conftest import Terminal
from workers import processes


@pytest.fixture
def other_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place on the path with a package of that name that is not ours."""
    ours = {
        name: module for name, module in sys.modules.items() if f"{name}.".startswith("workers.")
    }
    for name in ours:
        monkeypatch.delitem(sys.modules, name)
    jobs_in(tmp_path / "other" / "workers")
    monkeypatch.syspath_prepend(tmp_path / "other")
    yield tmp_path
    for name in [name for name in sys.modules if f"{name}.".startswith("workers.")]:
        del sys.modules[name]


def jobs_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("__init__.py", "jobs.py"):
        (folder / name).write_text("")
    return folder / "jobs.py"


@pytest.mark.parametrize("place", ["smsgate/workers", "workers"], ids=["installed", "checkout"])
def test_workers_are_those_of_this_smsgate(other_workers: Path, place: str) -> None:
    (other_workers / "smsgate").mkdir()
    ours = jobs_in(other_workers / place)
    name_workers(other_workers / "smsgate")
    assert importlib.import_module("workers.jobs").__file__ == str(ours)


def test_it_starts_the_processes_that_there_are() -> None:
    assert tuple(processes.PROCESSES) == KINDS


def test_another_process_is_2_and_names_those_there_are(terminal: Callable[..., Terminal]) -> None:
    there = terminal()
    assert there.run("run", "nothing") == 2
    assert "'web', 'worker', 'sender', 'clock'" in there.errors


def test_a_process_that_cannot_start_is_2_and_says_why(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smsgate.cli", "run", "clock"],
        env={"SMSGATE_CONFIG": str(tmp_path), "SMSGATE_DATA_DIR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error {tmp_path / 'smsgate.toml'}")
