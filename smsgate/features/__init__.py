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
    """Whether a count of what waits stands beside it: ``web/console/badges.py``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """The modules by which a feature shows itself; of each kind it may have none, or several."""

    name: str
    console: tuple[str, ...] = ()
    """Modules with ``register(console, services)``, which adds pages of the console."""
    menu: MenuEntry | None = None
    api: tuple[str, ...] = ()
    """Modules with ``OPERATIONS``, a tuple of operations of ``/v1``."""
    routes: tuple[str, ...] = ()
    """Modules with ``register(app, services)``, which adds routes outside ``/console`` and ``/v1``;
    every web process imports them."""
    commands: Mapping[str, str] = field(default_factory=dict)
    """Commands of the command line: by name ``module:attribute``."""


FEATURES = (
    Feature(
        name="dashboard",
        console=("smsgate.features.dashboard.console",),
        menu=MenuEntry("Home", "/console/", "viewer", "h", ""),
        commands={"report": "smsgate.features.dashboard.cli:report"},
    ),
    Feature(
        name="trends",
        console=("smsgate.features.trends.console",),
        menu=MenuEntry("Trends", "/console/trends", "viewer", "t", ""),
    ),
    Feature(
        name="numbers",
        console=(
            "smsgate.features.numbers.console",
            "smsgate.features.numbers.list_console",
            "smsgate.features.numbers.text_console",
        ),
        menu=MenuEntry("Numbers", "/console/numbers", "viewer", "n", "Subscribers"),
        api=("smsgate.features.numbers.api",),
        commands={
            "consent": "smsgate.features.numbers.cli:consent",
            "history": "smsgate.features.numbers.cli:history",
            "lock": "smsgate.features.numbers.cli:lock",
            "restore": "smsgate.features.numbers.cli:restore",
            "unlock": "smsgate.features.numbers.cli:unlock",
        },
    ),
    Feature(
        name="reviews",
        console=("smsgate.features.reviews.console",),
        menu=MenuEntry("Review", "/console/review", "viewer", "r", "Subscribers", counted=True),
        api=("smsgate.features.reviews.api",),
        commands={"review": "smsgate.features.reviews.cli:review"},
    ),
    Feature(
        name="keyword_editor",
        console=(
            "smsgate.features.keyword_editor.console",
            "smsgate.features.keyword_editor.change_console",
        ),
        menu=MenuEntry("Keywords", "/console/keywords", "viewer", "k"),
        commands={"keywords": "smsgate.features.keyword_editor.cli:keywords"},
    ),
    Feature(
        name="simulator",
        console=("smsgate.features.simulator.console",),
        menu=MenuEntry("Simulator", "/console/simulator", "agent", "s"),
        routes=("smsgate.features.simulator.api",),
        commands={"text": "smsgate.features.simulator.cli:text"},
    ),
    Feature(
        name="lists",
        console=("smsgate.features.lists.console",),
        menu=MenuEntry("Lists", "/console/lists", "agent", "l", "Subscribers"),
        api=("smsgate.features.lists.api",),
        commands={
            "import": "smsgate.features.lists.cli:import_list",
            "imports": "smsgate.features.lists.cli:imports_group",
            "export": "smsgate.features.lists.cli:export",
            "scrub": "smsgate.features.lists.cli:scrub",
        },
    ),
    Feature(
        name="replies",
        console=("smsgate.features.replies.console",),
        menu=MenuEntry("Replies", "/console/replies", "viewer", "o", "Subscribers", counted=True),
        commands={"replies": "smsgate.features.replies.cli:replies"},
    ),
    Feature(
        name="accounts",
        console=("smsgate.features.accounts.console",),
        menu=MenuEntry("Setup", "/console/setup", "viewer", "c"),
        api=("smsgate.features.accounts.api",),
        commands={
            "doctor": "smsgate.features.accounts.cli:doctor",
            "refusals": "smsgate.features.accounts.cli:refusals",
        },
    ),
    Feature(
        name="configuration_editor",
        console=(
            "smsgate.features.configuration_editor.console",
            "smsgate.features.configuration_editor.account_console",
            "smsgate.features.configuration_editor.destination_console",
        ),
    ),
    Feature(
        name="training",
        console=("smsgate.features.training.console",),
        menu=MenuEntry("Guide", "/console/guide", "viewer", "u", "Team"),
    ),
    Feature(
        name="operators",
        console=(
            "smsgate.features.operators.sign_in_console",
            "smsgate.features.operators.account_console",
            "smsgate.features.operators.people_console",
            "smsgate.features.operators.keys_console",
        ),
        menu=MenuEntry("People", "/console/people", "admin", "p", "Team"),
        commands={
            "operators": "smsgate.features.operators.cli:operators",
            "keys": "smsgate.features.operators.cli:keys",
        },
    ),
    Feature(
        name="audit",
        console=("smsgate.features.audit.console",),
        menu=MenuEntry("Audit log", "/console/audit", "admin", "a", "Team"),
    ),
    Feature(
        name="forwarding",
        commands={"forward": "smsgate.features.forwarding.cli:forward"},
    ),
    Feature(
        name="feeds",
        api=("smsgate.features.feeds.api",),
        commands={"feed": "smsgate.features.feeds.cli:feed"},
    ),
    Feature(
        name="links",
        routes=("smsgate.features.links.page",),
        commands={"link": "smsgate.features.links.cli:link"},
    ),
    Feature(
        name="alerts",
        console=("smsgate.features.alerts.console",),
        commands={"alerts": "smsgate.features.alerts.cli:alerts"},
    ),
    Feature(
        name="evidence",
        console=("smsgate.features.evidence.console",),
        api=("smsgate.features.evidence.api",),
        commands={"evidence": "smsgate.features.evidence.cli:evidence"},
    ),
    Feature(
        name="records_admin",
        commands={
            "records": "smsgate.features.records_admin.cli:records",
            "rebuild": "smsgate.features.records_admin.cli:rebuild",
            "forget": "smsgate.features.records_admin.cli:forget",
        },
    ),
)


def modules(kind: Literal["console", "api", "routes"]) -> list[ModuleType]:
    """Import what all features have of one kind, in the order of the list."""
    return [importlib.import_module(name) for one in FEATURES for name in getattr(one, kind)]


def template_folders() -> list[Path]:
    """The folders with templates of the console's pages."""
    return sorted(Path(__file__).parent.glob("*/templates"))
