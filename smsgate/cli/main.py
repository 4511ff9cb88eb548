"""The command ``smsgate``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence

import click
from rich.console import Console

from smsgate import __version__
from smsgate.cli import data_dir
from smsgate.domain.errors import SmsGateError, StoreUnavailable
from smsgate.features import FEATURES, CommandEntry

INTERRUPTED = 130
CORE = {
    "check": CommandEntry(
        "smsgate.cli.check:check",
        "Ask the gate whether a program may text these numbers.",
    ),
    "compose": CommandEntry(
        "smsgate.cli.compose:compose",
        "Show a text as it should leave: with its opt-out line, counted in segments.",
    ),
    "config": CommandEntry(
        "smsgate.cli.config:config",
        "The configuration: environment and config/.",
    ),
    "dev": CommandEntry(
        "smsgate.cli.dev:dev",
        "Run everything on this machine until Ctrl-C.",
    ),
    "explain": CommandEntry(
        "smsgate.cli.explain:explain",
        "Say what TEXT asks for, and by which rule.",
    ),
    "init": CommandEntry(
        "smsgate.cli.init:init",
        "Make a new, empty store ready; one that is ready stays as it is.",
    ),
    "refusals": CommandEntry(
        "smsgate.features.accounts.cli:refusals",
        "Sends that the gate refused: texts that people who opted out did not get.",
    ),
    "spool": CommandEntry(
        "smsgate.cli.spool:spool",
        "Messages that wait on the disks of hosts, because the store could not take them.",
    ),
    "status": CommandEntry(
        "smsgate.cli.check:status",
        "Show which programs may text a number, and why not.",
    ),
}
COMMANDS: Mapping[str, CommandEntry] = {
    **CORE,
    **{name: command for one in FEATURES for name, command in one.commands.items()},
}


class LazyGroup(click.Group):
    """A group that imports the module of a command when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The names, in the order of the alphabet."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands with the help of the table, which imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in sorted(COMMANDS)])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="smsgate")
def cli() -> None:
    """Receives a business's inbound texts, honours every STOP, and answers: may I text it?

    The commands use the environment, config/ and the `smsgate dev` that runs here, if one does.
    """


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command and give its exit code; what went wrong is one clear line on stderr."""
    try:
        code = cli.main(list(arguments), standalone_mode=False, obj={"environ": environ})
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except SmsGateError as error:
        _show(error, environ)
        return error.exit_code
    return code if isinstance(code, int) else 0


def _show(error: SmsGateError, environ: Mapping[str, str]) -> None:
    console = Console(stderr=True, highlight=False)
    console.print("[bold red]error[/]", end=" ")
    console.print(str(error), markup=False, soft_wrap=True)
    if isinstance(error, StoreUnavailable) and data_dir.nothing_runs(environ):
        console.print("No `smsgate dev` runs on this data directory, and REDIS_URL is not set.")


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:], os.environ))  # noqa: TID251 - an entry point
