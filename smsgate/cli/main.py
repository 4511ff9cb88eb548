"""The command ``smsgate``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import click
from rich.console import Console

from smsgate import __version__
from smsgate.cli import session
from smsgate.cli.compose import compose
from smsgate.cli.config import config
from smsgate.cli.consent import consent
from smsgate.cli.dev import dev
from smsgate.cli.doctor import doctor
from smsgate.cli.evidence import evidence
from smsgate.cli.explain import explain
from smsgate.cli.export import export
from smsgate.cli.feed import feed
from smsgate.cli.forget import forget
from smsgate.cli.forward import forward
from smsgate.cli.gate import check, status
from smsgate.cli.history import history
from smsgate.cli.import_ import import_list
from smsgate.cli.imports import imports
from smsgate.cli.keys import keys
from smsgate.cli.keywords import keywords
from smsgate.cli.link import link
from smsgate.cli.lock import lock, unlock
from smsgate.cli.operators import operators
from smsgate.cli.rebuild import rebuild
from smsgate.cli.records import records
from smsgate.cli.records_diff import diff
from smsgate.cli.refusals import refusals
from smsgate.cli.replies import replies
from smsgate.cli.report import report
from smsgate.cli.restore import restore
from smsgate.cli.review import review
from smsgate.cli.scrub import scrub
from smsgate.cli.setup import init
from smsgate.cli.spool import spool
from smsgate.cli.text import text
from smsgate.errors import SmsGateError, StoreUnavailable
from smsgate.features.alerts.cli import alerts

records.add_command(diff)
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="smsgate")
def cli() -> None:
    """Receives a business's inbound texts, honours every STOP, and answers: may I text it?

    The commands use the environment, config/ and the `smsgate dev` that runs here, if one does.
    """


for command in (
    dev,
    init,
    config,
    doctor,
    alerts,
    text,
    check,
    status,
    history,
    records,
    forget,
    replies,
    review,
    rebuild,
    lock,
    unlock,
    consent,
    restore,
    evidence,
    report,
    explain,
    keywords,
    compose,
    link,
    refusals,
    keys,
    operators,
    feed,
    forward,
    spool,
    import_list,
    imports,
    export,
    scrub,
):
    cli.add_command(command)


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
    if isinstance(error, StoreUnavailable) and session.nothing_runs(environ):
        console.print("No `smsgate dev` runs on this data directory, and REDIS_URL is not set.")


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:], os.environ))  # noqa: TID251 - an entry point
