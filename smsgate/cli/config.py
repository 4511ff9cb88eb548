"""``smsgate config``: write a first configuration, and check it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import click

from smsgate.cli.data_dir import completed, config_dir
from smsgate.domain.errors import ConfigurationError, StoreNotReady, StoreUnavailable
from smsgate.process.configuration import Configuration, load_configuration
from smsgate.process.published_programs import refuse_dropped
from smsgate.process.services import build_store
from smsgate.settings.read import FILE


@click.group()
def config() -> None:
    """The configuration: environment and config/."""


@config.command("new", epilog="Example: smsgate config new")
@click.pass_obj
def new_config(obj: Mapping[str, Mapping[str, str]]) -> None:
    """Write a commented starter configuration into config/ (or SMSGATE_CONFIG).

    Exit code 1: there is one already, or the folder cannot be written.
    """
    write_starter(config_dir(obj["environ"]) / FILE)


def write_starter(path: Path) -> None:
    """Write a first ``smsgate.toml``, and say so; one that is there is not overwritten."""
    starter = resources.files(__package__).joinpath("starter.toml").read_text("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(starter)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from None
    click.echo(f"{path} is written: edit it, then run `smsgate config check`.")


@config.command("check", epilog="Example: smsgate config check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check_config(context: click.Context, as_json: bool) -> None:
    """Read the whole configuration and report every fault at once. Exit code 2 if there is one."""
    try:
        found = checked_configuration(completed(context.obj["environ"]))
    except ConfigurationError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"faults": [asdict(fault) for fault in error.faults]}, indent=2))
        context.exit(error.exit_code)
    accounts, programs = [*found.settings.accounts], [one.name for one in found.settings.programs]
    if as_json:
        shown = {"version": found.version, "faults": [], "warnings": found.warnings}
        click.echo(json.dumps(shown | {"accounts": accounts, "programs": programs}, indent=2))
        return
    for warning in found.warnings:
        click.echo(f"{click.style('warning', fg='yellow')} {warning}")
    click.echo(
        f"The configuration is in order. Accounts: {', '.join(accounts) or 'none'}. "
        f"Programs: {', '.join(programs) or 'none'}. Version: {found.version}."
    )


def checked_configuration(environ: Mapping[str, str]) -> Configuration:
    """The configuration, compared with the programs of the store where that can be reached.

    Raises ``ConfigurationError``.
    """
    found = load_configuration(environ)
    with suppress(StoreUnavailable, StoreNotReady):  # processes look again when they start
        refuse_dropped(found.settings, build_store(found.settings))
    return found
