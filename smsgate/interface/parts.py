"""The parts of a process, handed to functions by the types of their parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from inspect import signature
from typing import TypeVar, get_type_hints

R = TypeVar("R")


class Parts:
    """What a composition root made: one part of each type.

    ``whole`` has the parts as annotated fields and as cached properties, which are made when a
    function that takes them is first called.
    """

    def __init__(self, whole: object) -> None:
        kind = type(whole)
        self._whole = whole
        self._names = {made: name for name, made in get_type_hints(kind).items()}
        made = {name: value for one in kind.__mro__ for name, value in vars(one).items()}
        for name, value in made.items():
            if isinstance(value, cached_property):
                self._names[get_type_hints(value.func)["return"]] = name

    def bind(self, function: Callable[..., R], given: int) -> Callable[..., R]:
        """The function of its first ``given`` parameters; each other one is the part of its type.

        Raises ``TypeError`` where no part has that type.
        """
        hints, wanted = get_type_hints(function), [*signature(function).parameters][given:]
        for name in wanted:
            if hints.get(name) not in (Parts, *type(self._whole).__mro__[:-1], *self._names):
                raise TypeError(
                    f"{function.__module__}.{function.__qualname__}: there is no part of the type "
                    f"of {name!r}, which is {hints.get(name)}."
                )
        kinds = [hints[name] for name in wanted]
        return lambda *values: function(*values, *map(self._find, kinds))

    def _find(self, kind: type) -> object:
        if kind is Parts:
            return self
        return getattr(self._whole, self._names[kind]) if kind in self._names else self._whole
