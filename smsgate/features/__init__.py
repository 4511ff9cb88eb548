"""The features beside the core, in one list: all that web and the command line know of them.

The list names modules as text, so that it imports none of them: a process that answers webhooks
does not carry the console, and ``smsgate --help`` does not import everything.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
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
    """The modules of a feature's package by which it shows itself, as far as it has them."""

    name: str
    """Of the package, too."""
    _: KW_ONLY
    console: tuple[str, ...] = ("console",)
    """Modules with ``register(console, …)``, which adds pages of the console and names the parts
    that it takes by type: see ``smsgate/interface/parts.py``."""
    menu: MenuEntry | None = None
    operations: tuple[str, ...] = ("operations",)
    """Modules with ``OPERATIONS`` and ``PAGES``, if there are any: see ``smsgate/interface``."""
    routes: tuple[str, ...] = ()
    """Modules with ``register(app, …)``, which adds routes outside ``/console`` and ``/v1``;
    every web process imports them."""
    commands: Mapping[str, str] = field(default_factory=dict)
    """Commands of the command line: by name the module with the operations that make it."""

    @property
    def package(self) -> str:
        """The package's full name."""
        return f"{__name__}.{self.name}"


FEATURES = (
    Feature("dashboard", menu=MenuEntry("Home", "/console/", "viewer", "h", "")),
    Feature(
        "numbers",
        menu=MenuEntry("Numbers", "/console/numbers", "viewer", "n", "Subscribers"),
        operations=("operations", "memberships", "changes"),
        commands={
            "forget": ".operations",
            "memberships": ".memberships",
            "numbers": ".operations",
            **dict.fromkeys(("consent", "lock", "opt-out", "restore", "unlock"), ".changes"),
        },
    ),
    Feature(
        "reviews",
        menu=MenuEntry("Review", "/console/review", "viewer", "r", "Subscribers", counted=True),
        commands={"review": ".operations"},
    ),
    Feature(
        "keyword_editor",
        menu=MenuEntry("Keywords", "/console/keywords", "viewer", "k"),
        commands={"keywords": ".operations"},
    ),
    Feature(
        "simulator",
        menu=MenuEntry("Simulator", "/console/simulator", "agent", "s"),
        routes=("api",),
        commands={"text": ".operations"},
    ),
    Feature(
        "lists",
        menu=MenuEntry("Lists", "/console/lists", "agent", "l", "Subscribers"),
        commands=dict.fromkeys(("import", "imports", "export", "scrub"), ".operations"),
    ),
    Feature(
        "replies",
        menu=MenuEntry("Replies", "/console/replies", "viewer", "o", "Subscribers", counted=True),
        commands={"replies": ".operations"},
    ),
    Feature(
        "accounts",
        menu=MenuEntry("Setup", "/console/setup", "viewer", "c"),
        commands=dict.fromkeys(("doctor", "refusals"), ".operations"),
    ),
    Feature("reply_wording", commands={"wording": ".operations"}),
    Feature("training", menu=MenuEntry("Guide", "/console/guide", "viewer", "u", "Team")),
    Feature(
        "operators",
        menu=MenuEntry("People", "/console/people", "admin", "p", "Team"),
        commands={"operators": ".operations"},
    ),
    Feature("api_keys", commands={"keys": ".operations"}),
    Feature(
        "audit",
        menu=MenuEntry("Audit log", "/console/audit", "viewer", "a", "Team"),
        commands={"audit": ".operations"},
    ),
    Feature(
        "deliveries",
        menu=MenuEntry(
            "Deliveries", "/console/deliveries", "viewer", "d", "Subscribers", counted=True
        ),
        commands={"deliveries": ".operations"},
    ),
    Feature("events", commands={"history": ".operations"}),
    Feature("links", routes=("page",), commands={"link": ".operations"}),
    Feature("alerts", commands={"alerts": ".operations"}),
    Feature("evidence", commands={"evidence": ".operations"}),
    Feature("records_admin", commands=dict.fromkeys(("records", "rebuild"), ".operations")),
)


def modules(kind: Literal["console", "operations", "routes"]) -> list[ModuleType]:
    """Import what all features have of one kind, in the order of the list."""
    names = [f"{one.package}.{name}" for one in FEATURES for name in getattr(one, kind)]
    return [importlib.import_module(name) for name in names if find_spec(name)]


def template_folders() -> list[Path]:
    """The folders with templates of the console's pages."""
    return sorted(Path(__file__).parent.glob("*/templates"))
