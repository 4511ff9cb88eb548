"""The features beside the core, in one list: all that web and the command line know of them.

Modules are known by name and by their source, and imported where they are used: a process that
answers webhooks does not carry the console, and ``smsgate --help`` does not import everything.

A module of a feature with ``OPERATIONS`` adds those to ``/v1`` and the command line, and its
``PAGES``, if it has any, to the console: see ``smsgate/interface``. The module ``console`` has
``register(console, …)``, which adds pages written by hand and names the parts that it takes by
type: see ``smsgate/interface/parts.py``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Literal

GROUPS = ("", "Subscribers", "Configure", "Team")
"""Headings of the menu, in their order."""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A page's place in the console's menu."""

    name: str
    path: str
    role: str
    """The least role that sees it."""
    key: str = ""
    """The key that leads there, after ``g``; empty for none."""
    group: str = "Configure"
    """The heading that it stands under, one of ``GROUPS``."""
    counted: bool = False
    """Whether a count of what waits stands beside it: ``web/console/app.py``."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature's package, and how it shows itself beside its operations."""

    name: str
    """Of the package, too."""
    _: KW_ONLY
    menu: MenuEntry | None = None
    routes: tuple[str, ...] = ()
    """Modules with ``register(app, …)``, which adds routes outside ``/console`` and ``/v1``;
    every web process imports them."""

    @property
    def package(self) -> str:
        """The package's full name."""
        return f"{__name__}.{self.name}"


FEATURES = (
    Feature("dashboard", menu=MenuEntry("Home", "/console/", "viewer", "h", "")),
    Feature("numbers", menu=MenuEntry("Numbers", "/console/numbers", "viewer", "n", "Subscribers")),
    Feature(
        "reviews",
        menu=MenuEntry("Review", "/console/review", "viewer", "r", "Subscribers", counted=True),
    ),
    Feature("keyword_editor", menu=MenuEntry("Keywords", "/console/keywords", "viewer", "k")),
    Feature(
        "simulator",
        menu=MenuEntry("Simulator", "/console/simulator", "agent", "s"),
        routes=("api",),
    ),
    Feature("lists", menu=MenuEntry("Lists", "/console/lists", "agent", "l", "Subscribers")),
    Feature(
        "replies",
        menu=MenuEntry("Replies", "/console/replies", "viewer", "o", "Subscribers", counted=True),
    ),
    Feature("accounts", menu=MenuEntry("Setup", "/console/setup", "viewer", "c")),
    Feature("reply_wording"),
    Feature("training", menu=MenuEntry("Guide", "/console/guide", "viewer", "u", "Team")),
    Feature("operators", menu=MenuEntry("People", "/console/people", "admin", "p", "Team")),
    Feature("api_keys"),
    Feature("audit", menu=MenuEntry("Audit log", "/console/audit", "viewer", "a", "Team")),
    Feature(
        "deliveries",
        menu=MenuEntry(
            "Deliveries", "/console/deliveries", "viewer", "d", "Subscribers", counted=True
        ),
    ),
    Feature("events"),
    Feature("links", routes=("page",)),
    Feature("alerts"),
    Feature("evidence"),
    Feature("records_admin"),
)


def modules(kind: Literal["console", "operations", "routes"]) -> list[ModuleType]:
    """Import what all features have of one kind, in the order of the list."""
    if kind == "operations":
        return [importlib.import_module(name) for name, _ in _operation_sources()]
    names = [
        f"{one.package}.{name}"
        for one in FEATURES
        for name in (one.routes if kind == "routes" else ("console",))
    ]
    return [importlib.import_module(name) for name in names if find_spec(name)]


def commands() -> Mapping[str, str]:
    """By name of a command the module whose operations make it; imports none."""
    return {
        name: module
        for module, source in _operation_sources()
        for name in re.findall(r'^    command="([\w-]+)', source, re.MULTILINE)
    }


def _operation_sources() -> Iterator[tuple[str, str]]:
    """Names and sources of the modules with operations."""
    for one in FEATURES:
        for path in sorted(Path(__file__).with_name(one.name).glob("*.py")):
            source = path.read_text("utf-8")
            if "\nOPERATIONS = " in source:
                yield f"{one.package}.{path.stem}", source


def template_folders() -> list[Path]:
    """The folders with templates of the console's pages."""
    return sorted(Path(__file__).parent.glob("*/templates"))
