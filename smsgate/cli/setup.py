"""``smsgate init`` and ``smsgate config check``: before the first message."""

from __future__ import annotations

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.rebuild import restore_if_needed
from smsgate.wiring import publish_programs


@click.command(epilog="Example: smsgate init")
def init() -> None:
    """Make a new, empty store ready; one that is ready stays as it is.

    Where there are records of a store, an empty one is rebuilt from them. Where there are none,
    this is only for a store that has never held anything: made ready empty, one that lost its
    data would allow texting everybody who had opted out.
    """
    gateway = session.gateway()
    restored = restore_if_needed(gateway)
    before = gateway.store.marker.store_id()
    store = gateway.store.marker.create()
    publish_programs(gateway)
    if restored:
        return
    said = f"Store {store} was ready already." if before else f"Store {store} is ready."
    Console(highlight=False).print(said)


@click.group()
def config() -> None:
    """The configuration: environment and config/."""


@config.command("check", epilog="Example: smsgate config check")
def check_config() -> None:
    """Read the whole configuration and report every fault at once. Exit code 2 if there is one."""
    found = session.configuration()
    console = Console(highlight=False)
    for warning in found.warnings:
        console.print(f"[yellow]warning[/] {warning}", soft_wrap=True)
    accounts = ", ".join(found.settings.accounts) or "none"
    programs = ", ".join(program.name for program in found.settings.programs) or "none"
    console.print(f"The configuration is in order. Accounts: {accounts}. Programs: {programs}.")
