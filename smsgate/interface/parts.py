"""The parts of a process, handed to functions by the types of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from functools import cache, cached_property, partial
from inspect import signature
from typing import Any, TypeVar, get_type_hints

from smsgate.domain.errors import RecordsUnavailable
from smsgate.interface.operation import Context, Operation
from smsgate.records import Records
from smsgate.records.database import Database
from smsgate.records.operator_actions import ActionAuthor, add_action

R = TypeVar("R")
Request = TypeVar("Request")
Result = TypeVar("Result")


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
            **{made: partial(getattr, whole, name) for made, name in names.items()},
        }

    def bind(self, function: Callable[..., R], given: int) -> Callable[..., R]:
        """The function of its first ``given`` parameters; each other one is the part of its type.

        Raises ``TypeError`` where no part has that type.
        """
        makers = list[Callable[[], object]]()
        for name, kind in _parameters(function)[given:]:
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

    def runner(self, operation: Operation[Request, Result]) -> Callable[[Context, Request], Result]:
        """What runs an operation, and puts into the audit log who did it."""
        run = self.bind(operation.run, 2)

        def logged(context: Context, request: Request) -> Result:
            result = run(context, request)
            self.log(operation, context, [request])
            return result

        return logged

    def log(
        self, operation: Operation[Request, Any], context: Context, requests: Sequence[Request]
    ) -> None:
        """Put into the audit log, as one action, that somebody did an operation."""
        if not operation.audit or not requests:
            return
        author = ActionAuthor(context.actor(), context.address)
        note = ", ".join(map(operation.note, requests))
        try:
            add_action(self.bind(_database, 0)(), operation.audit, author, note)
        except RecordsUnavailable as error:  # it is done all the same
            context.warn(f"This is not in the audit log: {error}")


@cache
def _parameters(function: Callable[..., object]) -> list[tuple[str, object]]:
    """Names and types, once for all applications and services that are made in a process."""
    hints = get_type_hints(function)
    return [(name, hints.get(name)) for name in signature(function).parameters]


def _database(records: Records) -> Database:
    return records.database
