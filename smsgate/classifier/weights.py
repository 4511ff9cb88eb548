"""The weights file of the model, and the tables in it: names and small numbers by hash.

A dictionary of so many names takes some hundred bytes for each. Here no name is kept: it is found
by its CRC-32, of which the remainder says where it stands and the upper half whether it is it. A
name that was never put in is taken for another one once in some ten thousand times.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping
from importlib import resources
from zlib import crc32

import msgspec

_LOAD = 1.5
"""Places for each name at least, so that the search for one soon meets a free place."""


class PackedTable(msgspec.Struct, frozen=True):
    """What lies in a file: 16 bits of each name's hash, and its number; little-endian.

    Views of the file's content, so that a start does not hold everything twice.
    """

    tags: memoryview
    numbers: memoryview


class HashTable:
    """A table in memory."""

    def __init__(self, table: PackedTable) -> None:
        self._tags = _array("H", table.tags)
        self._numbers = _array("h", table.numbers)
        self._size = len(self._tags)
        # the beginning once more, so that no search has to look whether it is at the end
        first_free = self._tags.index(0) + 1
        self._tags.extend(self._tags[:first_free])
        self._numbers.extend(self._numbers[:first_free])

    def get(self, name: str) -> int | None:
        """The number of a name, or nothing where it has none."""
        code = crc32(name.encode())
        wanted, at = code >> 16 or 1, code % self._size
        while (tag := self._tags[at]) != wanted:
            if not tag:
                return None
            at += 1
        return self._numbers[at]

    def total(self, codes: Iterable[int]) -> int:
        """The sum of the numbers of those names that have one, by their hashes."""
        tags, numbers, size = self._tags, self._numbers, self._size
        found = 0
        for code in codes:
            at = code % size
            if tag := tags[at]:
                wanted = code >> 16 or 1
                while tag != wanted:
                    at += 1
                    if not (tag := tags[at]):
                        break
                else:
                    found += numbers[at]
        return found


def hashes(names: Iterable[str]) -> list[int]:
    """The hash of each name: worked out once where several tables are asked."""
    return list(map(crc32, map(str.encode, names)))


def table_of(numbers: Mapping[str, int]) -> PackedTable:
    """A table of names, each at its place or the next free one; numbers are cut to 16 bits."""
    size = int(_LOAD * len(numbers)) + 1
    tags, kept = array("H", bytes(2 * size)), array("h", bytes(2 * size))
    for name, number in sorted(numbers.items()):
        code = crc32(name.encode())
        at = code % size
        while tags[at]:
            at = (at + 1) % size
        tags[at], kept[at] = code >> 16 or 1, max(-32768, min(32767, number))
    return PackedTable(_bytes(tags), _bytes(kept))


def _array(kind: str, content: memoryview) -> array[int]:
    found = array(kind)
    found.frombytes(content)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _bytes(values: array[int]) -> memoryview:
    if sys.byteorder == "big":
        values.byteswap()
    return memoryview(values.tobytes())


_WEIGHTS_FILE = "model.msgpack"


class ConceptTable(msgspec.Struct, frozen=True):
    """What lies in a file: entries by hash, each with the number of what it may mean."""

    entries: PackedTable
    meanings: list[bytes]
    """Languages and concepts in turn, by their places in the lists below."""
    languages: list[str]
    concepts: list[str]


class Model(msgspec.Struct, frozen=True):
    """What was learnt of one label; weights and bias in thousandths of the log odds."""

    bias: int
    weights: PackedTable


class Thresholds(msgspec.Struct, frozen=True):
    """Log odds from which the model acts alone."""

    suppress: float
    hold: float
    help: float
    opt_in: float


class WeightsFile(msgspec.Struct, frozen=True):
    """What lies in the file."""

    models: dict[str, Model]
    meanings: ConceptTable
    thresholds: dict[str, Thresholds]
    """By kind of program."""
    prefilter_limit: float
    """Log odds by single words up to which a text is ordinary."""
    untrained: tuple[str, ...] = ()
    """Languages with words in ``meanings`` that the weights have not learnt from any text of."""


def shipped_weights() -> WeightsFile:
    """The shipped models by label (``opt_out``, ``help``, …), and what words stand for."""
    return msgspec.msgpack.decode(weights_content(), type=WeightsFile)


def weights_content() -> bytes:
    """The shipped weights as they lie in the package."""
    path = resources.files("smsgate.classifier").joinpath(_WEIGHTS_FILE)
    return path.read_bytes()
