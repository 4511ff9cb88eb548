"""The table of commands: help shows what they say of themselves, and imports none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from smsgate.cli.main import COMMANDS, cli, run, short_help
from smsgate.process.build import describe_build

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=200) == short_help(name)


def test_help_imports_neither_commands_nor_the_gateway() -> None:
    """Everybody types it, and a shell's completion does."""
    asked = "import sys; from smsgate.cli.main import run; run(['--help'], {}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert "smsgate.features" in loaded
    assert not {"smsgate.cli.dev", "smsgate.pipeline.gate", "redis", "sqlalchemy", "flask"} & {
        *loaded
    }


def test_the_version_names_the_commit(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"], {}) == 0
    assert capsys.readouterr().out == f"smsgate, version {describe_build()}\n"


@pytest.mark.parametrize(("command", "extra"), [("dev", "dev"), ("check", "server")])
def test_without_the_service_one_line_says_what_to_install(command: str, extra: str) -> None:
    """``python -S`` has no installed package."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "smsgate.cli", command],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"The commands need the service (click is missing): pip install 'smsgate[{extra}]'\n"
    )
