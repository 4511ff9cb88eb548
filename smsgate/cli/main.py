"""The command ``smsgate``."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from smsgate import features
from smsgate.cli.data_dir import completed
from smsgate.domain.errors import SmsGateError, StoreUnavailable
from smsgate.process.build import describe_build

INTERRUPTED = 130
_PACKAGE = Path(__file__).parents[1]
CORE = {
    "check": "smsgate.cli.check:check",
    "config": "smsgate.cli.config:config",
    "dev": "smsgate.cli.dev:dev",
    "explain": "smsgate.cli.explain:explain",
    "run": "smsgate.cli.run:run",
    **dict.fromkeys(("init", "spool", "status"), "smsgate.cli.operations:"),
}
COMMANDS: Mapping[str, str] = {
    **CORE,
    **{name: f"{module}:" for name, module in features.commands().items()},
}
"""By name ``module:function``; without a function its operations make the command."""


class LazyGroup(click.Group):
    """A group that imports the module of a command when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The names, in the order of the alphabet."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command; None if no command has that name."""
        return command_of(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands with their help, and import none of them: that would take a second."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help(name)) for name in sorted(COMMANDS)])


def command_of(name: str) -> click.Command:
    """Import one command."""
    path, _, attribute = COMMANDS[name].partition(":")
    module = importlib.import_module(path)
    if not attribute:
        # Late, as all that a command needs: `smsgate --help` imports none of it.
        from smsgate.cli.session import begin  # noqa: PLC0415
        from smsgate.interface.commands import commands_of  # noqa: PLC0415

        return commands_of(module, name, begin)
    command: click.Command = getattr(module, attribute)
    return command


def short_help(name: str) -> str:
    """The first sentence of a command's docstring, searched in its source: parsing takes longer.

    It is that of the function, or of the operation that is the command; of a group the module's.
    """
    module, _, function = COMMANDS[name].partition(":")
    source = _PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py").read_text("utf-8")
    begins = rf"def {function}\(" if function else rf'command="{name}[ "](?!\w).*?def \w+\('
    found = re.search(rf'{begins}.*?\n    """(.*?)"""', source, re.DOTALL)
    found = found or re.search(r'"""(.*?)"""', source, re.DOTALL)
    return click.Command(name, help=found and found[1]).get_short_help_str(limit=200)


def show_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print the version, if it was asked for, and end."""
    if asked:
        click.echo(f"smsgate, version {describe_build()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=show_version,
    help="Show the version and the commit it was built from, and exit.",
)
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
        click.echo(f"{click.style('error', fg='red', bold=True)} {error}", err=True)
        if isinstance(error, StoreUnavailable) and not completed(environ).get("REDIS_URL"):
            click.echo("No `smsgate dev` runs here, and REDIS_URL is not set.", err=True)
        return error.exit_code
    return code if isinstance(code, int) else 0
