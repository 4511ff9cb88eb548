"""Lines as they come in: what is there is handed on at once, however slowly the rest comes."""

from __future__ import annotations

import codecs
import io
import select
from collections import deque
from typing import BinaryIO, NamedTuple, cast

_TOGETHER = 512
"""Lines that are answered, and written, together."""
_AT_ONCE = 1 << 16


class Batch(NamedTuple):
    """Some lines that came one after another."""

    first: int
    """The number of the first, counted from one."""
    lines: list[bytes]


class Incoming:
    """The lines of a file, a pipe or a terminal; a mark of UTF-8 before the first is no part."""

    def __init__(self, source: BinaryIO) -> None:
        """Read nothing yet."""
        self._source = cast("io.BufferedReader", source)
        self._lines: deque[bytes] = deque()
        self._begun: list[bytes] = []
        self._number = 1
        self._ended = False

    def waits(self) -> bool:
        """Whether nothing is there now, so that to read would be to wait."""
        if self._lines or self._ended:
            return False
        try:
            return not select.select([self._source], [], [], 0)[0]
        except (OSError, ValueError):  # what has no file below it has all of its lines at once
            return False

    def next(self) -> Batch | None:
        """What is there, some hundred lines at most, waiting for one at least; None at the end."""
        while not (self._lines or self._ended):
            self._read()
        if not self._lines:
            return None
        count = min(_TOGETHER, len(self._lines))
        found = Batch(self._number, [self._lines.popleft() for _ in range(count)])
        self._number += count
        if found.first == 1:
            found.lines[0] = found.lines[0].removeprefix(codecs.BOM_UTF8)
        return found

    def _read(self) -> None:
        """Take what one look gives: whole lines, and the beginning of another."""
        came = self._source.read1(_AT_ONCE)
        first, *others = came.split(b"\n")
        self._begun.append(first)
        self._ended = not came
        if others:
            self._lines.append(b"".join(self._begun))
            self._lines.extend(others[:-1])
            self._begun = [others[-1]]
        if self._ended and any(self._begun):
            self._lines.append(b"".join(self._begun))
            self._begun.clear()
