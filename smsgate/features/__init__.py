"""The features beside the core, in one list: all that web and the command line know of them.

The list names modules as text, so that it imports none of them: a process that answers webhooks
does not carry the console, and ``smsgate --help`` does not import the whole gateway.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A page's place in the console's menu."""

    name: str
    path: str
    role: str
    """The least role that sees it."""
    key: str
    """The key that leads there, after ``g``."""


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command of the command line."""

    target: str
    """``module:attribute``."""
    help: str
    """The first sentence of the command's own help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """The modules by which a feature shows itself; of each kind it may have none, or several."""

    name: str
    console: tuple[str, ...] = ()
    """Modules with ``register(console, gateway)``, which adds pages of the console."""
    menu: MenuEntry | None = None
    api: tuple[str, ...] = ()
    """Modules with ``OPERATIONS``, a tuple of operations of ``/v1``."""
    routes: tuple[str, ...] = ()
    """Modules with ``register(app, gateway)``, which adds routes outside ``/console`` and ``/v1``;
    every web process imports them."""
    commands: Mapping[str, CommandEntry] = field(default_factory=dict)
    """By name."""


FEATURES = (
    Feature(
        name="dashboard",
        console=("smsgate.features.dashboard.console",),
        menu=MenuEntry("Home", "/console/", "viewer", "h"),
        commands={
            "report": CommandEntry(
                "smsgate.features.dashboard.cli:report",
                "Sum up a day: opt-outs, opt-ins, times, reviews, refused sends, texts worth a "
                "second look.",
            ),
        },
    ),
    Feature(
        name="numbers",
        console=("smsgate.features.numbers.console",),
        menu=MenuEntry("Numbers", "/console/numbers", "viewer", "n"),
        api=("smsgate.features.numbers.api",),
        commands={
            "consent": CommandEntry(
                "smsgate.features.numbers.cli:consent",
                "Record a consent.",
            ),
            "history": CommandEntry(
                "smsgate.features.numbers.cli:history",
                "Show everything that happened to a number's consent, oldest first.",
            ),
            "lock": CommandEntry(
                "smsgate.features.numbers.cli:lock",
                "Never text a number again, whatever it texts us: a litigant, a minor, an order "
                "of a court.",
            ),
            "restore": CommandEntry(
                "smsgate.features.numbers.cli:restore",
                "Lift an opt-out.",
            ),
            "unlock": CommandEntry(
                "smsgate.features.numbers.cli:unlock",
                "Hear START of a locked number again; until then it stays opted out.",
            ),
        },
    ),
    Feature(
        name="reviews",
        console=("smsgate.features.reviews.console",),
        menu=MenuEntry("Review", "/console/review", "viewer", "r"),
        api=("smsgate.features.reviews.api",),
        commands={
            "review": CommandEntry(
                "smsgate.features.reviews.cli:review",
                "Texts that a careful person has to look at.",
            ),
        },
    ),
    Feature(
        name="keyword_editor",
        console=(
            "smsgate.features.keyword_editor.console",
            "smsgate.features.keyword_editor.change_console",
        ),
        menu=MenuEntry("Keywords", "/console/keywords", "viewer", "k"),
        commands={
            "keywords": CommandEntry(
                "smsgate.features.keyword_editor.cli:keywords",
                "Show, test and compare the words that programs understand.",
            ),
        },
    ),
    Feature(
        name="simulator",
        console=("smsgate.features.simulator.console",),
        menu=MenuEntry("Simulator", "/console/simulator", "agent", "s"),
        routes=("smsgate.features.simulator.api",),
        commands={
            "text": CommandEntry(
                "smsgate.features.simulator.cli:text",
                "Text us, as a subscriber: post a webhook, signed as the account's provider "
                "signs it.",
            ),
        },
    ),
    Feature(
        name="lists",
        console=("smsgate.features.lists.console",),
        menu=MenuEntry("Lists", "/console/lists", "agent", "l"),
        api=("smsgate.features.lists.api",),
        commands={
            "import": CommandEntry(
                "smsgate.features.lists.cli:import_list",
                "Import a list: CSV, TSV, one JSON object a line, or one number a line.",
            ),
            "imports": CommandEntry(
                "smsgate.features.lists.cli:imports_group",
                "Lists that were imported, and undoing one of them as a whole.",
            ),
            "export": CommandEntry(
                "smsgate.features.lists.cli:export",
                "Write out how numbers stand, from the records, to a file or to standard output.",
            ),
            "scrub": CommandEntry(
                "smsgate.features.lists.cli:scrub",
                "Part a list into who may be texted and who may not.",
            ),
        },
    ),
    Feature(
        name="replies",
        console=("smsgate.features.replies.console",),
        menu=MenuEntry("Replies", "/console/replies", "viewer", "o"),
        commands={
            "replies": CommandEntry(
                "smsgate.features.replies.cli:replies",
                "Texts of ours that wait to be sent, or were given up.",
            )
        },
    ),
    Feature(
        name="accounts",
        console=("smsgate.features.accounts.console",),
        menu=MenuEntry("Setup", "/console/setup", "viewer", "c"),
        api=("smsgate.features.accounts.api",),
        commands={
            "doctor": CommandEntry(
                "smsgate.features.accounts.cli:doctor",
                "Check everything, or one ACCOUNT, and say what is wrong and what mends it.",
            )
        },
    ),
    Feature(
        name="training",
        console=("smsgate.features.training.console",),
        menu=MenuEntry("Guide", "/console/guide", "viewer", "u"),
    ),
    Feature(
        name="operators",
        console=(
            "smsgate.features.operators.console",
            "smsgate.features.operators.keys_console",
        ),
        menu=MenuEntry("People", "/console/people", "admin", "p"),
        commands={
            "operators": CommandEntry(
                "smsgate.features.operators.cli:operators",
                "People who may sign in to the console: who they are, and what they may do.",
            ),
            "keys": CommandEntry(
                "smsgate.features.operators.cli:keys",
                "Keys for /v1: who may ask the gate, write, or administer.",
            ),
        },
    ),
    Feature(
        name="forwarding",
        commands={
            "forward": CommandEntry(
                "smsgate.features.forwarding.cli:forward",
                "Messages for applications ([programs.NAME.forward]) that are pending or were "
                "given up.",
            )
        },
    ),
    Feature(
        name="feeds",
        api=("smsgate.features.feeds.api",),
        commands={
            "feed": CommandEntry(
                "smsgate.features.feeds.cli:feed",
                "Calls of the feeds ([programs.NAME.feed]) that are pending or were given up.",
            )
        },
    ),
    Feature(
        name="links",
        routes=("smsgate.features.links.page",),
        commands={
            "link": CommandEntry(
                "smsgate.features.links.cli:link",
                "Make the opt-out link for a number.",
            )
        },
    ),
    Feature(
        name="alerts",
        commands={
            "alerts": CommandEntry(
                "smsgate.features.alerts.cli:alerts",
                "Alerts for conditions that last, by webhook, e-mail or text.",
            )
        },
    ),
    Feature(
        name="evidence",
        console=("smsgate.features.evidence.console",),
        api=("smsgate.features.evidence.api",),
        commands={
            "evidence": CommandEntry(
                "smsgate.features.evidence.cli:evidence",
                "Write all that is recorded of a number into two files, HTML and JSON.",
            )
        },
    ),
    Feature(
        name="records_admin",
        commands={
            "records": CommandEntry(
                "smsgate.features.records_admin.cli:records",
                "The records: what happened, for as long as it has to be proved.",
            ),
            "rebuild": CommandEntry(
                "smsgate.features.records_admin.cli:rebuild",
                "Make suppression sets, consents and review holds anew, from the records.",
            ),
            "forget": CommandEntry(
                "smsgate.features.records_admin.cli:forget",
                "Erase the texts of a number from records and store, for good.",
            ),
        },
    ),
)


def modules(kind: Literal["console", "api", "routes"]) -> list[ModuleType]:
    """Import what all features have of one kind, in the order of the list."""
    return [importlib.import_module(name) for one in FEATURES for name in getattr(one, kind)]


def template_folders() -> list[Path]:
    """The folders with templates of the console's pages."""
    return sorted(Path(__file__).parent.glob("*/templates"))
