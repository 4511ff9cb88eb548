"""``make`` takes the interpreter that somebody asks for, or none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make(python: str | Path, venv: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "--dry-run", "run", f"PYTHON={python}", f"VENV={venv}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def interpreter(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_python_that_is_too_old_is_refused(tmp_path: Path) -> None:
    old = interpreter(tmp_path / "python3.10", '[ -z "$2" ]')
    made = make(old, tmp_path / "venv")
    assert made.returncode == 2
    assert f"PYTHON={old} cannot be used" in made.stderr


def test_an_environment_of_another_python_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    interpreter(tmp_path / "venv" / "bin" / "python", "echo Python 3.12.99")
    made = make(sys.executable, tmp_path / "venv")
    assert made.returncode == 2
    assert "has Python 3.12.99" in made.stderr


def test_a_python_that_fits_is_used(tmp_path: Path) -> None:
    assert make(sys.executable, tmp_path / "venv").returncode == 0
