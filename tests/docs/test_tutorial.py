"""The commands of ``docs/tutorial.md``, word for word, on a whole system of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CONFIG, Dev
from tests.deploy.guide import FENCE
from tests.fakes.served import free_port

pytestmark = pytest.mark.full  # a whole system of processes

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"


def test_the_first_stop_blocks_a_number_that_start_opts_in_again(tmp_path):
    start, *blocks = (block for _, block in FENCE.findall(PAGE.read_text(encoding="utf-8")))
    assert start == "make run\n"  # which is `smsgate dev`, after it has made .venv
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    dev = Dev(tmp_path / "var", free_port())
    dev.start()
    try:
        said = [run(block, tmp_path) for block in blocks]
    finally:
        dev.kill(15)
    before, text, blocked, history, explained, gate, back = said
    assert "allowed" in before
    assert "You are unsubscribed" in text
    assert "exit code 1" in blocked
    assert "opted_out_all" in blocked
    assert "Please stop texting me." in history
    assert "Opt-out confirmation for" in history
    assert re.findall("^[A-Z_]+", explained, re.MULTILINE) == ["OPT_OUT", "NONE"]
    assert gate == "+14155550123 False\n+14155550124 True\n"
    assert "allowed" in back


def run(commands: str, folder: Path) -> str:
    """Run commands as somebody would type them in the folder, and give what they print."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["/bin/sh", "-ec", commands],
        cwd=folder,
        env={**kept, "SMSGATE_CONFIG": str(CONFIG)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
