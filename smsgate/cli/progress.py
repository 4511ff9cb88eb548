"""A bar for work whose length is known from the size of a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


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
