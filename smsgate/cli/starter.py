"""The starter configuration: ``smsgate config new``, and ``smsgate dev`` in an empty folder."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

import click
import tomlkit

from smsgate.domain.errors import InvalidNumber, SmsGateError
from smsgate.domain.phone import e164, region_of
from smsgate.pipeline.configuration import load_settings
from smsgate.settings.read import FILE

_SID = re.compile(r"AC[0-9a-fA-F]{32}")


class ConfigurationExists(SmsGateError):
    """There is a configuration already, which is not overwritten."""


def account_sid(text: str) -> str:
    """The SID of a Twilio account, as a person gives it; empty where it is not known yet."""
    if text and not _SID.fullmatch(text):
        raise click.BadParameter("an account SID is AC and 32 hexadecimal digits")
    return text


def own_number(text: str) -> str:
    """A number in E.164, as a person gives it; empty where it is not known yet."""
    try:
        return e164(text) if text else ""
    except InvalidNumber as error:
        raise click.BadParameter(str(error)) from error


@click.command("new", epilog="Example: smsgate config new --company 'Acme Alerts'")
@click.option("--company", metavar="NAME", help="The name that subscribers know you by.")
@click.option(
    "--twilio-sid", "sid", type=account_sid, metavar="SID", help="SID of your Twilio account (AC…)."
)
@click.option("--number", type=own_number, metavar="NUMBER", help="The number subscribers text.")
@click.pass_obj
def new_config(
    obj: Mapping[str, Mapping[str, str]], company: str | None, sid: str | None, number: str | None
) -> None:
    """Write a commented starter configuration into config/ (or SMSGATE_CONFIG).

    On a terminal it asks for what is not given. The auth token is no part of it: set
    TWILIO_AUTH_TOKEN in the environment. Exit code 2: there is a configuration already.
    """
    folder = config_dir(obj["environ"])
    if (folder / FILE).exists():
        raise _exists(folder / FILE)
    if sys.stdin.isatty():
        company = company or click.prompt("Name that subscribers know you by")
        if sid is None:
            sid = _ask("Twilio account SID", account_sid)
        if number is None:
            number = _ask("The number subscribers text", own_number)
    if not company:
        raise click.UsageError("Give the name that subscribers know you by: --company NAME")
    path = write_starter(folder, company, sid or "", number or "")
    click.echo(f"{path} is written. Next:\n")
    if not sid:
        click.echo("  export TWILIO_ACCOUNT_SID=…   # your account's, AC…")
    click.echo("  export TWILIO_AUTH_TOKEN=…    # the secret; it never belongs into the file")
    click.echo("  smsgate config check")
    click.echo("  smsgate dev                   # everything on this machine\n")
    click.echo("Then let Twilio call https://YOUR-HOST/webhooks/twilio for each message.")


def _ask(what: str, read: Callable[[str], str]) -> str:
    return click.prompt(f"{what} (empty: later)", default="", show_default=False, value_proc=read)


def config_dir(environ: Mapping[str, str]) -> Path:
    """The folder of the configuration that the environment names."""
    return Path(environ.get("SMSGATE_CONFIG") or "config")


def write_starter(folder: Path, company: str, sid: str = "", number: str = "") -> Path:
    """Write ``smsgate.toml`` into a folder, which is made if missing; return its path.

    Without ``sid`` Twilio's account SID comes from the environment, as the token always does.
    Without ``number``, which is E.164, all senders are the program's. Raises
    ``ConfigurationExists``, and ``ConfigurationError`` where ``company`` will not do.
    """
    text = resources.files("smsgate.cli").joinpath("starter.toml").read_text("utf-8")
    text = _fill(text, '"Acme Alerts"', tomlkit.string(company).as_string())
    if sid:
        text = _fill(text, '"${TWILIO_ACCOUNT_SID}"', f'"{sid}"')
    if number:
        text = _fill(text, 'senders  = ["*"]', f'senders  = ["{number}"]')
        text = _fill(text, '"US"', f'"{region_of(number) or "US"}"')
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise _exists(path) from None
    try:
        load_settings(
            {
                "SMSGATE_CONFIG": str(folder),
                "SMSGATE_DATA_DIR": str(folder / "none"),
                "TWILIO_ACCOUNT_SID": f"AC{'1' * 32}",
                "TWILIO_AUTH_TOKEN": "0" * 32,
            }
        )
    except SmsGateError:
        path.unlink()
        raise
    return path


def _fill(text: str, old: str, new: str) -> str:
    """Replace a value; the comment behind it stays in its column, if there is room."""
    return re.sub(f"{re.escape(old)} *", lambda found: f"{new:<{len(found[0]) - 1}} ", text)


def _exists(path: Path) -> ConfigurationExists:
    return ConfigurationExists(
        f"{path} is there already: edit it, or name another folder by SMSGATE_CONFIG"
    )
