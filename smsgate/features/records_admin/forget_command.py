"""``smsgate forget``: erase what a person texted, and go on to suppress the number."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import person
from smsgate.domain.phone import as_recorded


@click.command(epilog="Example: smsgate forget +14155550123 --reason 'asked by e-mail, 3 May'")
@click.argument("number")
@click.option("--reason", default="", help="Goes on record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@session.as_json
def forget(number: str, reason: str, yes: bool, as_json: bool) -> None:
    """Erase the texts of a number from records and store, for good.

    What is needed to go on suppressing it, and to prove it, stays: the number, what was decided,
    and when. Backups and the databases' own logs are yours to let expire.
    """
    known = as_recorded(number)
    if not yes:
        click.confirm(f"Erase every text of {known}? Nobody can undo it.", abort=True, err=True)
    done = session.gateway().forget(known, person(), reason)
    if as_json:
        session.show_json(asdict(done))
        return
    said = f"The texts of {done.records} records of {known} are erased"
    more = f", and {done.trail} ordinary texts" if done.trail else ""
    if done.forwards:
        more += f"; {done.forwards} that awaited an application do not go there any more"
    if done.replies:
        more += f"; {done.replies} replies that were given up are taken out"
    if done.cases:
        more += f"; {done.cases} test cases of keyword sets that came from them are gone"
    Console(highlight=False).print(f"{said}{more}. It is suppressed where it was.", soft_wrap=True)
