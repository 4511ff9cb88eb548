"""The parts of a process, handed to functions by the types of their parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cached_property, partial
from inspect import signature
from typing import TypeVar, get_type_hints

R = TypeVar("R")


class Parts:
    """What a composition root made: one part of each type.

    ``whole`` has the parts as annotated fields and as cached properties, which are made when a
    function that takes them is first called. Of a dataclass whose fields are parts, such as the
    service of a feature, one is made for each call.
    """

    def __init__(self, whole: object) -> None:
        kind = type(whole)
        names = {made: name for name, made in get_type_hints(kind).items()}
        made = {name: value for one in kind.__mro__ for name, value in vars(one).items()}
        for name, value in made.items():
            if isinstance(value, cached_property):
                names[get_type_hints(value.func)["return"]] = name
        self._makers: dict[object, Callable[[], object]] = {
            Parts: lambda: self,
            **dict.fromkeys(kind.__mro__[:-1], lambda: whole),
            **{made: partial(getattr, whole, name) for made, name in names.items()},
        }

    def bind(self, function: Callable[..., R], given: int) -> Callable[..., R]:
        """The function of its first ``given`` parameters; each other one is the part of its type.

        Raises ``TypeError`` where no part has that type.
        """
        hints, makers = get_type_hints(function), list[Callable[[], object]]()
        for name in [*signature(function).parameters][given:]:
            kind = hints.get(name)
            if kind in self._makers:
                makers.append(self._makers[kind])
            elif isinstance(kind, type) and is_dataclass(kind):
                makers.append(self.bind(kind, 0))
            else:
                raise TypeError(
                    f"{function.__module__}.{function.__qualname__}: there is no part of the type "
                    f"of {name!r}, which is {kind}."
                )
        return lambda *values: function(*values, *(make() for make in makers))
