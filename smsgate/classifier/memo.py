"""What was found for words, remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from weakref import WeakMethod

_REMEMBERED = 20_000
_LONGEST = 24
"""Letters of the longest word that is remembered: others are no words and would fill memory."""
_Found = TypeVar("_Found")


class Memo(dict[str, _Found]):
    """By word what a method finds for it, so that it is looked for once: ``memo[word]``."""

    def __init__(self, find: Callable[[str], _Found]) -> None:
        """``find`` is a method of the object that holds this: a strong reference would be a circle.

        It would keep a classifier that is replaced until the garbage is collected.
        """
        super().__init__()
        self._find = WeakMethod(find)

    def __missing__(self, word: str) -> _Found:
        """Look for what nobody asked for before."""
        find = self._find()
        if find is None:
            raise KeyError(word)
        found = find(word)
        if len(word) <= _LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[word] = found
        return found
