"""The table of commands: help shows what they say of themselves, and imports none."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from smsgate.cli.main import COMMANDS, cli, short_help


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=200) == short_help(COMMANDS[name])


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
