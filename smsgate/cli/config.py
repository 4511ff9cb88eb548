"""``smsgate config``: write a first configuration, add to it, and check it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

import click

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.cli.starter import config_dir, new_config, options_of, variables_to_set
from smsgate.domain.errors import ConfigurationError, StoreNotReady, StoreUnavailable
from smsgate.domain.line_diff import compare_texts
from smsgate.features.accounts.toml_lines import (
    TomlLines,
    account_lines,
    program_lines,
    refuse_unfit,
    with_lines,
)
from smsgate.pipeline.configuration import load_settings
from smsgate.pipeline.published_programs import refuse_dropped
from smsgate.pipeline.services import build_store
from smsgate.settings.read import FILE


@click.group()
def config() -> None:
    """The configuration: environment and config/."""


config.add_command(new_config)


@config.command("check", epilog="Example: smsgate config check")
@session.as_json
def check_config(as_json: bool) -> None:
    """Read the whole configuration and report every fault at once. Exit code 2 if there is one."""
    try:
        found = session.configuration()
        with suppress(StoreUnavailable, StoreNotReady):  # processes look again when they start
            refuse_dropped(found.settings, build_store(found.settings))
    except ConfigurationError as error:
        _refuse(error, as_json)
    accounts = list(found.settings.accounts)
    programs = [program.name for program in found.settings.programs]
    if as_json:
        session.show_json(
            {
                "version": found.version,
                "faults": [],
                "warnings": list(found.warnings),
                "accounts": accounts,
                "programs": programs,
            }
        )
        return
    for warning in found.warnings:
        out.print(f"[yellow]warning[/] {warning}")
    out.print(
        f"The configuration is in order. Accounts: {', '.join(accounts) or 'none'}. "
        f"Programs: {', '.join(programs) or 'none'}. Version: {found.version}."
    )


@config.group("add")
def add_config() -> None:
    """Add an account or a program to smsgate.toml; comments stay."""


@add_config.command("account", epilog="Example: smsgate config add account telnyx")
@click.argument("provider")
@click.option("--name", help="The name in the webhook's address.  [that of the provider]")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="A key that it has.")
@click.pass_obj
def add_account(
    obj: Mapping[str, Mapping[str, str]], provider: str, name: str | None, options: tuple[str, ...]
) -> None:
    """Add an account at PROVIDER, and name the variables for its secrets.

    Exit code 2: the file with it would have a fault; nothing is changed.
    """
    given = options_of(options)
    lines = account_lines(name or provider, provider, given)
    refuse_unfit(provider, given)
    _add(obj["environ"], lines)


@add_config.command(
    "program",
    epilog='Example: smsgate config add program orders --title "Acme Orders" --account twilio '
    "--sender +14155550100",
)
@click.argument("name")
@click.option("--title", required=True, help="The name that subscribers know.")
@click.option("--account", required=True, help="The account that it sends by.")
@click.option("--sender", "senders", multiple=True, required=True, help="A number of yours, or *.")
@click.option("--region", default="", help="Country of numbers without a country code, such as US.")
@click.pass_obj
def add_program(
    obj: Mapping[str, Mapping[str, str]],
    name: str,
    title: str,
    account: str,
    senders: tuple[str, ...],
    region: str,
) -> None:
    """Add the program NAME.

    Exit code 2: the file with it would have a fault; nothing is changed.
    """
    _add(obj["environ"], program_lines(name, title, account, senders, region))


def _add(environ: Mapping[str, str], lines: TomlLines) -> None:
    """Add the lines to the file, if that has no fault with them, and show the difference."""
    path = config_dir(environ) / FILE
    if not path.exists():
        raise click.UsageError(f"{path} is not there: `smsgate config new` writes a first one")
    load_settings(environ)
    before = path.read_text("utf-8")
    after = with_lines(before, lines.text)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, FILE).write_text(after, "utf-8")
        try:
            load_settings({**environ, "SMSGATE_CONFIG": folder})
        except ConfigurationError as error:
            raise ConfigurationError(
                [replace(one, place=str(path)) for one in error.faults]
            ) from None
    try:
        with path.open("a", encoding="utf-8") as file:  # owner, mode and links stay as they are
            file.write(after.removeprefix(before))
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from None
    for line in compare_texts(before, after):
        click.echo(f"{line.sign} {line.text}".rstrip())
    click.echo(f"{path} is written. Next:\n")
    for export in variables_to_set(environ, lines.variables):
        click.echo(export)
    click.echo(
        "  smsgate config check, then restart the processes (`smsgate dev` does it by itself)"
    )


def _refuse(error: ConfigurationError, as_json: bool) -> NoReturn:
    """End with every fault."""
    if not as_json:
        raise error
    session.show_json({"faults": [asdict(fault) for fault in error.faults]})
    session.end(error.exit_code)
