"""What a command works on: the environment, completed by the ``smsgate dev`` that runs here."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from smsgate.classifier import Wordings
from smsgate.cli.data_dir import completed
from smsgate.interface.operation import Context
from smsgate.pipeline.api_keys import Caller
from smsgate.pipeline.configuration import Configuration, load_settings
from smsgate.pipeline.content import without_keyword_sets
from smsgate.pipeline.services import build_services
from smsgate.settings import Programs


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Yield what is told how far a long command has come; bars show it on a terminal."""
    console, tasks = Console(stderr=True), dict[str, TaskID]()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    hidden = quiet or not console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=hidden) as bars:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total or None)

        yield tell


def context(tell: Callable[[str, int, int], None]) -> Context:
    """What an operation works with: no keyword sets, which take a while to read.

    It is closed with the command. Redis may be away: what needs it says so. Raises ``OldStore``.
    """
    settings = load_settings(completed(click.get_current_context().obj["environ"]))
    # What is applied here is worded by the sender, which knows what the console saved.
    content = replace(without_keyword_sets(settings), wordings=Wordings(Programs(())))
    made = build_services(Configuration(settings, content))
    click.get_current_context().call_on_close(made.close)
    made.store.metadata.refuse_old()
    return Context(made, Caller(person(), "admin"), tell, is_person=True)


def person() -> str:
    """Who acts, for the record."""
    return f"terminal:{getpass.getuser()}"


def record_action(context: Context, what: str, note: str = "") -> None:
    """Put into the audit log that the person at this terminal did something.

    Raises ``RecordsUnavailable``.
    """
    # Late: what knows of people brings its libraries along, which few commands need.
    from smsgate.features.operators.service import ActionAuthor, add_action  # noqa: PLC0415

    add_action(context.services.records.database, what, ActionAuthor(context.actor()), note)
