"""What a command works on: the environment, completed by the ``smsgate dev`` that runs here."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn

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
from smsgate.cli import data_dir
from smsgate.pipeline.configuration import Configuration, load_configuration, load_settings
from smsgate.pipeline.content import without_keyword_sets
from smsgate.pipeline.services import Services, build_records, build_services
from smsgate.records import Records
from smsgate.settings import Programs

out = Console(highlight=False, soft_wrap=True)
"""Standard output. Values go there with ``markup=False``: what others sent may hold brackets."""
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


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


def here() -> tuple[Mapping[str, str], data_dir.DevRun | None]:
    """The environment to work with, and the ``smsgate dev`` of this data directory, if one runs."""
    environ: Mapping[str, str] = click.get_current_context().obj["environ"]
    return data_dir.completed(environ), data_dir.find_run(data_dir.data_dir(environ))


def configuration() -> Configuration:
    """The configuration that commands use. Raises ``ConfigurationError`` with every fault."""
    return load_configuration(here()[0])


def services() -> Services:
    """The gateway, closed when the command ends. Raises ``OldStore``."""
    return _services(configuration())


def services_of_operation() -> Services:
    """The services that operations work with: no keyword sets, which take a while to read.

    Redis may be away: what needs it says so. Raises ``OldStore``.
    """
    settings = load_settings(here()[0])
    # What is applied here is worded by the sender, which knows what the console saved.
    content = replace(without_keyword_sets(settings), wordings=Wordings(Programs(())))
    return _services(Configuration(settings, content))


def services_for_lists() -> Services:
    """A gateway that understands no texts, closed when the command ends.

    Reading the keyword sets takes longer, and more memory, than most lists.
    """
    settings = load_settings(here()[0])
    return _services(Configuration(settings, without_keyword_sets(settings)))


def _services(configuration: Configuration) -> Services:
    made = build_services(configuration)
    click.get_current_context().call_on_close(made.close)
    made.store.metadata.refuse_old()
    return made


def records() -> Records:
    """The records alone, without the keyword sets that a gateway reads; closed with the command."""
    made = build_records(load_settings(here()[0]))
    click.get_current_context().call_on_close(made.close)
    return made


def moment(time_us: int) -> str:
    """A time in UTC as people read it, to the second."""
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def person() -> str:
    """Who acts, for the record."""
    return f"terminal:{getpass.getuser()}"


def record_action(what: str, note: str = "") -> None:
    """Put into the audit log that the person at this terminal did something.

    Raises ``RecordsUnavailable``.
    """
    # Late: what knows of people brings its libraries along, which few commands need.
    from smsgate.features.operators.storage import ActionAuthor, add_action  # noqa: PLC0415

    add_action(records().database, what, ActionAuthor(person()), note)


def show_json(value: object) -> None:
    """Print a value as JSON, for other programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def end(code: int) -> NoReturn:
    """End the command with an exit code."""
    click.get_current_context().exit(code)
