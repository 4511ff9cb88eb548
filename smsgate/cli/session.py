"""What a command works on: the environment, completed by the ``smsgate dev`` that runs here."""

from __future__ import annotations

import getpass
from functools import partial

import click

from smsgate.api_keys import Caller
from smsgate.cli.data_dir import completed
from smsgate.content import without_keyword_sets
from smsgate.interface.operation import Context, Progress
from smsgate.interface.parts import Parts
from smsgate.process.configuration import Configuration, load_settings
from smsgate.process.services import build_services


def begin(tell: Progress) -> tuple[Context, Parts]:
    """What an operation works with: no keyword sets, which take a while to read.

    It is closed with the command. Redis may be away: what needs it says so. Raises ``OldStore``.
    """
    settings = load_settings(completed(click.get_current_context().obj["environ"]))
    made = build_services(Configuration(settings, without_keyword_sets(settings)))
    click.get_current_context().call_on_close(made.close)
    made.store.metadata.refuse_old()
    warn = partial(click.echo, err=True)
    return Context(Caller(person(), "admin"), tell, warn, is_person=True), Parts(made)


def person() -> str:
    """Who acts, for the record."""
    return f"terminal:{getpass.getuser()}"
