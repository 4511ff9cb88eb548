"""The features beside the core, in one list: all that web and the command line know of them.

The list names modules as text, so that it imports none of them: a process that answers webhooks
does not carry the console, and ``smsgate --help`` does not import everything.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    key: str
    """The key that leads there, after ``g``."""
    group: str = "Configure"
    """The heading that it stands under, one of ``GROUPS``."""
    counted: bool = False
    """Whether a count of what waits stands beside it: ``web/console/app.py``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """The modules of a feature's package by which it shows itself; it need not have any."""

    name: str
    """Of the package, too."""
    console: tuple[str, ...] = ()
    """Modules with ``register(console, …)``, which adds pages of the console and names the parts
    that it takes by type: see ``smsgate/interface/parts.py``."""
    menu: MenuEntry | None = None
    operations: tuple[str, ...] = ()
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
    Feature(
        name="dashboard",
        console=("console",),
        menu=MenuEntry("Home", "/console/", "viewer", "h", ""),
    ),
    Feature(
        name="numbers",
        console=("console",),
        menu=MenuEntry("Numbers", "/console/numbers", "viewer", "n", "Subscribers"),
        operations=("operations", "memberships", "changes"),
        commands={
            "consent": ".changes",
            "lock": ".changes",
            "memberships": ".memberships",
            "numbers": ".operations",
            "opt-out": ".changes",
            "restore": ".changes",
            "unlock": ".changes",
        },
    ),
    Feature(
        name="reviews",
        console=("console",),
        menu=MenuEntry("Review", "/console/review", "viewer", "r", "Subscribers", counted=True),
        operations=("operations",),
        commands={"review": ".operations"},
    ),
    Feature(
        name="keyword_editor",
        console=("console",),
        menu=MenuEntry("Keywords", "/console/keywords", "viewer", "k"),
        operations=("operations",),
        commands={"keywords": ".operations"},
    ),
    Feature(
        name="simulator",
        console=("console",),
        menu=MenuEntry("Simulator", "/console/simulator", "agent", "s"),
        routes=("api",),
        operations=("operations",),
        commands={"text": ".operations"},
    ),
    Feature(
        name="lists",
        console=("console",),
        menu=MenuEntry("Lists", "/console/lists", "agent", "l", "Subscribers"),
        operations=("operations",),
        commands=dict.fromkeys(("import", "imports", "export", "scrub"), ".operations"),
    ),
    Feature(
        name="replies",
        operations=("operations",),
        menu=MenuEntry("Replies", "/console/replies", "viewer", "o", "Subscribers", counted=True),
        commands={"replies": ".operations"},
    ),
    Feature(
        name="accounts",
        console=("console",),
        menu=MenuEntry("Setup", "/console/setup", "viewer", "c"),
        operations=("operations",),
        commands=dict.fromkeys(("doctor", "opt-out-lists", "refusals"), ".operations"),
    ),
    Feature(
        name="reply_wording",
        console=("console",),
        operations=("operations",),
        commands={"wording": ".operations"},
    ),
    Feature(
        name="training",
        console=("console",),
        menu=MenuEntry("Guide", "/console/guide", "viewer", "u", "Team"),
    ),
    Feature(
        name="operators",
        console=("console",),
        menu=MenuEntry("People", "/console/people", "admin", "p", "Team"),
        operations=("operations",),
        commands={"operators": ".operations"},
    ),
    Feature(
        name="api_keys",
        operations=("operations",),
        commands={"keys": ".operations"},
    ),
    Feature(
        name="audit",
        operations=("operations",),
        menu=MenuEntry("Audit log", "/console/audit", "viewer", "a", "Team"),
        commands={"audit": ".operations"},
    ),
    Feature(
        name="deliveries",
        operations=("operations",),
        menu=MenuEntry(
            "Deliveries", "/console/deliveries", "viewer", "d", "Subscribers", counted=True
        ),
        commands={"deliveries": ".operations"},
    ),
    Feature(
        name="events",
        operations=("operations",),
        commands={"history": ".operations"},
    ),
    Feature(
        name="links",
        routes=("page",),
        operations=("operations",),
        commands={"link": ".operations"},
    ),
    Feature(
        name="alerts",
        console=("console",),
        operations=("operations",),
        commands={"alerts": ".operations"},
    ),
    Feature(
        name="evidence",
        console=("console",),
        operations=("operations",),
        commands={"evidence": ".operations"},
    ),
    Feature(
        name="records_admin",
        operations=("operations",),
        commands=dict.fromkeys(("records", "rebuild", "forget"), ".operations"),
    ),
)


def modules(kind: Literal["console", "operations", "routes"]) -> list[ModuleType]:
    """Import what all features have of one kind, in the order of the list."""
    return [
        importlib.import_module(f"{one.package}.{name}")
        for one in FEATURES
        for name in getattr(one, kind)
    ]


def template_folders() -> list[Path]:
    """The folders with templates of the console's pages."""
    return sorted(Path(__file__).parent.glob("*/templates"))
