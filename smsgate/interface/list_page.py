"""What a page of the console is that an operation makes: its tabs, and what can be done to rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import msgspec

from smsgate.interface.operation import Column, Operation


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
    condition: str = ""
    """A field of the row; where it is false, ``otherwise`` stands in place of the button."""
    otherwise: str = ""

    @property
    def name(self) -> str:
        """In the address of its form."""
        return self.label.lower().replace(" ", "-")

    def keys(self, row_type: type) -> tuple[str, ...]:
        """Fields of its request that a row has."""
        known = {one.name for one in msgspec.structs.fields(row_type)}
        return tuple(name for name in self.operation.fields if name in known - {*self.asks})


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One of the lists of a page: values of the request, and what can be done to its rows."""

    key: str
    """In the address; the first tab is the page's own path."""
    title: str
    empty: str
    help: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    actions: Sequence[Action] = ()
    hidden: frozenset[str] = frozenset()
    """Columns that are not shown."""


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """A page that lists what one operation answers."""

    path: str
    title: str
    operation: Operation[Any, Any]
    tabs: Sequence[Tab]
    notices: Callable[..., Sequence[tuple[str, str]]] = lambda _: ()
    """Tones and sentences above the list, of the operation's result and parts."""
    navigation: str = ""
    """A template above the heading, where the page is one of several."""
    create: Action | None = None
    """What makes a new row, by a form of its own."""

    @property
    def columns(self) -> Sequence[Column]:
        """Of the operation's listing."""
        listing = self.operation.listing
        return listing.columns if listing else ()

    @property
    def row_type(self) -> type:
        """The type of the rows."""
        listing = self.operation.listing
        name = listing.rows if listing else "items"
        kind = next(
            one.type for one in msgspec.structs.fields(self.operation.result) if one.name == name
        )
        found: type = get_args(kind)[0]
        return found

    @property
    def actions(self) -> Sequence[Action]:
        """All of them, each once."""
        found = [one for tab in self.tabs for one in tab.actions]
        named = {one.name: one for one in [*found, *([self.create] if self.create else [])]}
        return [*named.values()]

    def href(self, tab: Tab) -> str:
        """The address of a tab."""
        return self.path if tab is self.tabs[0] else f"{self.path}/{tab.key}"
