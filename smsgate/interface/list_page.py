"""What a page of the console is that an operation makes, and what can be done to its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from smsgate.interface.operation import Operation


@dataclass(frozen=True, kw_only=True)
class Action:
    """What can be done to rows. Fields of its request that rows do not have are asked for."""

    operation: Operation[Any, Any]
    label: str
    """A verb: ``Retry``."""
    done: str
    """What was done, before a count: ``Queued again``."""
    is_danger: bool = False
    asks: Sequence[str] = ()
    """Fields that are asked for although rows have them; those of the row are shown first."""
    many: Callable[..., Sequence[Any]] | None = None
    """Does it to several rows in one step, all or none: takes what the operation takes, but a list
    of requests, and gives those of rows that were still there."""
    state: str = ""
    """The value of the filter ``state`` whose rows it is for; empty for all rows."""

    @property
    def name(self) -> str:
        """In the address of its form."""
        return self.label.lower().replace(" ", "-")

    def keys(self, row_type: type) -> tuple[str, ...]:
        """Fields of its request that a row has."""
        known = {one.name for one in msgspec.structs.fields(row_type)}
        return tuple(name for name in self.operation.fields if name in known - {*self.asks})


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """A page that lists what one operation answers."""

    path: str
    title: str
    operation: Operation[Any, Any]
    help: str = ""
    group: str = ""
    """The heading of the menu that it stands under; empty where another page leads to it."""
    actions: Sequence[Action] = ()
    notices: Callable[..., Sequence[tuple[str, str]]] = lambda _: ()
    """Tones and sentences above the list, of the operation's result and parts."""
    navigation: str = ""
    """A template above the heading, where the page is one of several."""
    create: Action | None = None
    """What makes a new row, by a form of its own."""
