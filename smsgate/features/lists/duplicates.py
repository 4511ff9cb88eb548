"""Which numbers came before: a set of millions of numbers in 8 to 12 bytes for each.

Python's own set takes 60 to 90. Numbers are spread over many small open-addressing tables by their
last digits, so that a table that grows is a small one; what is left of a number that the tables
do not say already fits 32 bits.
"""

from __future__ import annotations

from array import array

_TABLES = 1 << 15
_FULL = 5
"""A table grows when 5 of 8 places are taken."""
_START = 8
_LONG = (1 << 47) - (1 << 16)
"""From here on what is left does not fit: numbers of 15 digits, of which there are next to none."""


class Seen:
    """A set of numbers (E.164, up to 15 digits) that only grows."""

    def __init__(self) -> None:
        """Nothing seen."""
        self._tables: list[array[int] | None] = [None] * _TABLES
        self._counts = array("I", bytes(4 * _TABLES))
        self._long: set[int] = set()
        self.count = 0

    def add(self, number: int) -> bool:
        """Whether it is new; it is known from now on."""
        if number >= _LONG:
            return self._add_long(number)
        which = number & (_TABLES - 1)
        table = self._tables[which]
        if table is None:
            table = self._tables[which] = array("I", bytes(4 * _START))
        elif self._counts[which] * 8 >= len(table) * _FULL:
            table = self._tables[which] = _grown(table)
        value = (number >> 15) + 1
        mask = len(table) - 1
        at = (value * 2654435769 >> 7) & mask
        while found := table[at]:
            if found == value:
                return False
            at = (at + 1) & mask
        table[at] = value
        self._counts[which] += 1
        self.count += 1
        return True

    def _add_long(self, number: int) -> bool:
        new = number not in self._long
        self._long.add(number)
        self.count += new
        return new


def _grown(table: array[int]) -> array[int]:
    larger = array("I", bytes(8 * len(table)))
    mask = len(larger) - 1
    for value in table:
        if value:
            at = (value * 2654435769 >> 7) & mask
            while larger[at]:
                at = (at + 1) & mask
            larger[at] = value
    return larger
