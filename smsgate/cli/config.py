"""``smsgate config``: write a first configuration, add to it, and check it."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from importlib import resources
from pathlib import Path

import click
import tomlkit

from smsgate.cli.data_dir import completed, config_dir
from smsgate.domain.errors import (
    ConfigurationError,
    SmsGateError,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.domain.line_diff import compare_texts
from smsgate.domain.phone import e164, region_of
from smsgate.features.accounts.toml_lines import (
    TomlLines,
    Variable,
    account_lines,
    asked_fields,
    program_lines,
    refuse_unfit,
    with_lines,
)
from smsgate.pipeline.configuration import load_configuration, load_settings
from smsgate.pipeline.published_programs import refuse_dropped
from smsgate.pipeline.services import build_store
from smsgate.providers import PROVIDERS
from smsgate.settings.read import FILE, PLACEHOLDER, UNSET


class ConfigurationExists(SmsGateError):
    """There is a configuration already, which is not overwritten."""


providers = click.Choice([*PROVIDERS])
later = partial(click.prompt, default="", show_default=False, prompt_suffix=" (empty: later): ")
key_values = click.option(
    "--set", "options", multiple=True, metavar="KEY=VALUE", help="A key that the account has."
)
Obj = Mapping[str, Mapping[str, str]]


@click.group()
def config() -> None:
    """The configuration: environment and config/."""


@config.command(
    "new", epilog="Example: smsgate config new --company 'Acme Alerts' --provider telnyx"
)
@click.option("--company", metavar="NAME", help="The name that subscribers know you by.")
@click.option(
    "--provider", type=providers, metavar="NAME", help="Where your numbers are.  [twilio]"
)
@key_values
@click.option("--number", metavar="NUMBER", help="The number subscribers text.")
@click.pass_obj
def new_config(
    obj: Obj, company: str | None, provider: str | None, options: Sequence[str], number: str | None
) -> None:
    """Write a commented starter configuration into config/ (or SMSGATE_CONFIG).

    On a terminal it asks for what is not given. Secrets are no part of it: it names the variables
    to set. Exit code 2: there is a configuration already, or a value cannot be right.
    """
    environ, given = obj["environ"], _options_of(options)
    path, is_terminal = config_dir(environ) / FILE, sys.stdin.isatty()
    if path.exists():
        raise ConfigurationExists(
            f"{path} is there already: edit it, or name another folder by SMSGATE_CONFIG"
        )
    if is_terminal:
        company = company or click.prompt("Name that subscribers know you by")
        provider = provider or click.prompt(
            "Provider", "twilio", type=providers, show_choices=False
        )
    if not company:
        raise click.UsageError("Give the name that subscribers know you by: --company NAME")
    provider = provider or "twilio"
    for field in asked_fields(provider, given) if is_terminal else ():
        given[field.name] = given.get(field.name) or later(f"{field.name}, {field.what}")
    if is_terminal and number is None:
        number = later("The number subscribers text")
    variables = write_starter(environ, path, company, provider, given, number or "")
    click.echo(f"{path} is written. Next:\n")
    _show_variables(environ, variables)
    click.echo("  smsgate config check")
    click.echo("  smsgate dev   # everything on this machine\n")
    secret = "/SECRET" if PROVIDERS[provider].path_secret_key(given) else ""
    address = f"https://YOUR-HOST/webhooks/{provider}{secret}"
    click.echo(f"Then let {PROVIDERS[provider].label} call {address} for each message.")


def write_starter(
    environ: Mapping[str, str],
    path: Path,
    company: str,
    provider: str = "twilio",
    options: Mapping[str, str] | None = None,
    number: str = "",
) -> Sequence[Variable]:
    """Write a first ``smsgate.toml``; return the variables that it names.

    What the account needs and ``options`` do not give comes from the environment, as secrets
    always do. Without ``number`` all senders are the program's. Raises an ``SmsGateError`` where
    a value or a variable of ``environ`` will not do.
    """
    given = {key: text for key, text in (options or {}).items() if text}
    refuse_unfit(provider, given)
    variables = list[Variable]()
    for one in asked_fields(provider, given):
        if one.name not in given:
            variables.append(Variable(f"{provider}_{one.name}".upper(), one.what))
            given[one.name] = f"${{{variables[-1].name}}}"
    lines = account_lines(provider, provider, given)
    document = tomlkit.parse(
        resources.files(__package__).joinpath("starter.toml").read_text("utf-8")
    )
    accounts, program = document["accounts"], document["programs"]["alerts"]
    if provider == "twilio":
        accounts["twilio"].update(given)
    else:
        document["accounts"] = tomlkit.parse(f"{lines.text}\n")["accounts"]
    program.update({"name": company, "account": provider})
    if number:
        number = e164(number)
        program.update({"senders": [number], "region": region_of(number) or "US"})
    _write(environ, path, "", tomlkit.dumps(document))
    return [*variables, *lines.variables]


@config.command("check", epilog="Example: smsgate config check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check_config(context: click.Context, as_json: bool) -> None:
    """Read the whole configuration and report every fault at once. Exit code 2 if there is one."""
    try:
        found = load_configuration(completed(context.obj["environ"]))
        with suppress(StoreUnavailable, StoreNotReady):  # processes look again when they start
            refuse_dropped(found.settings, build_store(found.settings))
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


@config.group("add")
def add_config() -> None:
    """Add an account or a program to smsgate.toml; comments stay."""


@add_config.command("account", epilog="Example: smsgate config add account telnyx")
@click.argument("provider", type=providers, metavar="PROVIDER")
@click.option("--name", help="The name in the webhook's address.  [that of the provider]")
@key_values
@click.pass_obj
def add_account(obj: Obj, provider: str, name: str | None, options: Sequence[str]) -> None:
    """Add an account at PROVIDER, and name the variables for its secrets.

    Exit code 2: the file with it would have a fault; nothing is changed.
    """
    given = _options_of(options)
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
    obj: Obj, name: str, title: str, account: str, senders: Sequence[str], region: str
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
    _write(environ, path, before, after)
    for line in compare_texts(before, after):
        click.echo(f"{line.sign} {line.text}".rstrip())
    click.echo(f"{path} is written. Next:\n")
    _show_variables(environ, lines.variables)
    click.echo(
        "  smsgate config check, then restart the processes (`smsgate dev` does it by itself)"
    )


def _write(environ: Mapping[str, str], path: Path, before: str, after: str) -> None:
    """Append what is new to the file, which keeps its owner, its mode and links to it.

    Raises ``ConfigurationError`` where it would have a fault; variables may be set later.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, FILE).write_text(after, "utf-8")
        try:
            load_settings({**environ, "SMSGATE_CONFIG": folder})
        except ConfigurationError as error:
            found = [one for one in error.faults if UNSET not in one.problem]
            if found:
                raise ConfigurationError([replace(one, place=str(path)) for one in found]) from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(after.removeprefix(before))
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from None


def _options_of(pairs: Sequence[str]) -> dict[str, str]:
    if wrong := [one for one in pairs if "=" not in one]:
        raise click.UsageError(f"Give --set as KEY=VALUE, not as {wrong[0]}")
    return dict(one.split("=", 1) for one in pairs)


def _show_variables(environ: Mapping[str, str], variables: Iterable[Variable]) -> None:
    """Print a line for each variable that has no value yet, or that of the documentation."""
    for one in variables:
        if PLACEHOLDER.fullmatch(environ.get(one.name) or "replace-me"):
            click.echo(f"  export {one.name}=…   # {one.what}")
