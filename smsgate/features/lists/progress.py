"""Progress on standard error: a bar where the length is known, else a count."""

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
    """Gives a function: what is being done, to what is told how many bytes more were read."""
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
    """Gives what is told how many numbers more were looked at; how many there are is not known."""
    columns = (TextColumn("{task.completed:,.0f} numbers"), TimeElapsedColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, disable=quiet) as bar:
        task = bar.add_task("", total=None)
        yield lambda count: bar.advance(task, count)
