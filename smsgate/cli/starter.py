"""The starter configuration: ``smsgate config new``, and ``smsgate dev`` in an empty folder."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import click
import tomlkit

from smsgate.domain.errors import ConfigurationError, InvalidNumber, SmsGateError, Unfit
from smsgate.domain.phone import e164, region_of
from smsgate.features.accounts.toml_lines import (
    Variable,
    account_lines,
    asked_fields,
    refuse_unfit,
)
from smsgate.pipeline.configuration import load_settings
from smsgate.providers import PROVIDERS
from smsgate.settings.read import FILE, PLACEHOLDER, UNSET


class ConfigurationExists(SmsGateError):
    """There is a configuration already, which is not overwritten."""


def own_number(text: str) -> str:
    """A number in E.164, as a person gives it; empty where it is not known yet."""
    try:
        return e164(text) if text else ""
    except InvalidNumber as error:
        raise click.BadParameter(str(error)) from error


@click.command(
    "new", epilog="Example: smsgate config new --company 'Acme Alerts' --provider telnyx"
)
@click.option("--company", metavar="NAME", help="The name that subscribers know you by.")
@click.option("--provider", help="Where your numbers are.  [twilio]")
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="A key of the account, such as account_sid=AC….",
)
@click.option("--number", type=own_number, metavar="NUMBER", help="The number subscribers text.")
@click.pass_obj
def new_config(
    obj: Mapping[str, Mapping[str, str]],
    company: str | None,
    provider: str | None,
    options: tuple[str, ...],
    number: str | None,
) -> None:
    """Write a commented starter configuration into config/ (or SMSGATE_CONFIG).

    On a terminal it asks for what is not given. Secrets are no part of it: it names the variables
    to set. Exit code 2: there is a configuration already, or a value cannot be right.
    """
    environ = obj["environ"]
    folder, given = config_dir(environ), options_of(options)
    if (folder / FILE).exists():
        raise _exists(folder / FILE)
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        company = company or click.prompt("Name that subscribers know you by")
        provider = provider or click.prompt("Provider", default="twilio", value_proc=_provider)
    if not company:
        raise click.UsageError("Give the name that subscribers know you by: --company NAME")
    provider = provider or "twilio"
    for field in asked_fields(provider, given):
        if is_terminal and field.name not in given:
            read = functools.partial(_option, provider, field.name)
            given[field.name] = _ask(f"{field.name}, {field.what}", read)
    if is_terminal and number is None:
        number = _ask("The number subscribers text", own_number)
    path, variables = write_starter(folder, company, provider, given, number or "", environ)
    click.echo(f"{path} is written. Next:\n")
    for line in variables_to_set(environ, variables):
        click.echo(line)
    click.echo("  smsgate config check")
    click.echo("  smsgate dev   # everything on this machine\n")
    secret = "/SECRET" if PROVIDERS[provider].path_secret_key(given) else ""
    address = f"https://YOUR-HOST/webhooks/{provider}{secret}"
    click.echo(f"Then let {PROVIDERS[provider].label} call {address} for each message.")


def options_of(pairs: Sequence[str]) -> dict[str, str]:
    """Return the keys and values that were given as ``KEY=VALUE``. Raises ``UsageError``."""
    if wrong := [one for one in pairs if "=" not in one]:
        raise click.UsageError(f"Give --set as KEY=VALUE, not as {wrong[0]}")
    return dict(one.split("=", 1) for one in pairs)


def variables_to_set(environ: Mapping[str, str], variables: Iterable[Variable]) -> Iterator[str]:
    """Yield a line for each variable that has no value yet, or that of the documentation."""
    for one in variables:
        if PLACEHOLDER.fullmatch(environ.get(one.name) or "replace-me"):
            yield f"  export {one.name}=…   # {one.what}"


def _provider(text: str) -> str:
    with _asked_again():
        asked_fields(text, {})
    return text


def _option(provider: str, key: str, text: str) -> str:
    with _asked_again():
        refuse_unfit(provider, {key: text})
    return text


@contextmanager
def _asked_again() -> Iterator[None]:
    """Let a prompt ask again where an answer is unfit."""
    try:
        yield
    except Unfit as error:
        raise click.BadParameter(str(error)) from None


def _ask(what: str, read: Callable[[str], str]) -> str:
    return click.prompt(f"{what} (empty: later)", default="", show_default=False, value_proc=read)


def config_dir(environ: Mapping[str, str]) -> Path:
    """The folder of the configuration that the environment names."""
    return Path(environ.get("SMSGATE_CONFIG") or "config")


def write_starter(
    folder: Path,
    company: str,
    provider: str = "twilio",
    options: Mapping[str, str] | None = None,
    number: str = "",
    environ: Mapping[str, str] | None = None,
) -> tuple[Path, Sequence[Variable]]:
    """Write ``smsgate.toml`` into a folder, which is made if missing.

    What the account needs and ``options`` do not give comes from the environment, as secrets
    always do. Without ``number``, which is E.164, all senders are the program's. Returns the path
    and the variables. Raises ``ConfigurationExists``, ``Unfit``, and ``ConfigurationError`` where
    ``company`` will not do, or what ``environ`` has for a variable.
    """
    given = {key: text for key, text in (options or {}).items() if text}
    later = [one for one in asked_fields(provider, given) if one.name not in given]
    refuse_unfit(provider, given)
    named = [Variable(f"{provider}_{one.name}".upper(), one.what) for one in later]
    given |= {one.name: f"${{{it.name}}}" for one, it in zip(later, named, strict=True)}
    lines = account_lines(provider, provider, given)
    variables = [*named, *lines.variables]
    found = {one.name: (environ or {}).get(one.name, "") for one in variables}
    refuse_unfit(
        provider,
        {
            name.removeprefix(f"{provider}_".upper()).lower(): text
            for name, text in found.items()
            if not PLACEHOLDER.fullmatch(text)
        },
    )
    text = resources.files("smsgate.cli").joinpath("starter.toml").read_text("utf-8")
    text = _fill(text, '"Acme Alerts"', tomlkit.string(company).as_string())
    if provider != "twilio" or given.keys() - {"account_sid"}:
        account = text[text.index("[accounts.") : text.index("[programs.")]
        text = text.replace(account, f"{lines.text.strip()}\n\n")
        text = text.replace('account  = "twilio"', f'account  = "{provider}"')
    elif not later:
        text = _fill(text, '"${TWILIO_ACCOUNT_SID}"', f'"{given["account_sid"]}"')
    if number:
        text = _fill(text, 'senders  = ["*"]', f'senders  = ["{number}"]')
        text = _fill(text, 'region   = "US"', f'region   = "{region_of(number) or "US"}"')
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from None
    try:
        load_settings({"SMSGATE_CONFIG": str(folder), "SMSGATE_DATA_DIR": str(folder / "none")})
    except ConfigurationError as error:
        # The variables may be set later; all else has to be right.
        if faults := [one for one in error.faults if UNSET not in one.problem]:
            path.unlink()
            raise ConfigurationError(faults) from None
    return path, variables


def _fill(text: str, old: str, new: str) -> str:
    """Replace a value; the comment behind it stays in its column, if there is room."""
    return re.sub(f"{re.escape(old)} *", lambda found: f"{new:<{len(found[0]) - 1}} ", text)


def _exists(path: Path) -> ConfigurationExists:
    return ConfigurationExists(
        f"{path} is there already: edit it, or name another folder by SMSGATE_CONFIG"
    )
