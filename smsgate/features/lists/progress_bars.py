"""Bars on standard error that show how far a command has come with a list."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def bytes_bar(file: BinaryIO, *, quiet: bool) -> Iterator[Callable[[str], Callable[[int], None]]]:
    """A bar on standard error; gives what begins a phase and takes how many bytes were read."""
    total = os.fstat(file.fileno()).st_size
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=quiet) as bar:

        def begin(what: str) -> Callable[[int], None]:
            task = bar.add_task(what, total=total or None)
            return lambda count: bar.advance(task, count)

        yield begin


@contextmanager
def numbers_bar(*, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A count on standard error, for a list of unknown length; takes how many more."""
    columns = (TextColumn("{task.completed:,.0f} numbers"), TimeElapsedColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, disable=quiet) as bar:
        task = bar.add_task("", total=None)
        yield lambda count: bar.advance(task, count)
