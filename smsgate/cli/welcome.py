"""What ``smsgate dev`` says once everything runs: where things are, and what to try next."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.features.operators.service import Operators
from smsgate.pipeline.configuration import Configuration
from smsgate.pipeline.services import build_records

NUMBER = "+14155550123"
USUAL = Path("var")
"""The data directory where nobody names one."""


def welcome(console: Console, url: str, configuration: Configuration) -> None:
    """Show it, with commands that can be copied."""
    program = _as_typed(sys.argv[0])
    for warning in configuration.warnings:
        console.print(Text(f"WARNING {warning}", style="bold yellow"), soft_wrap=True)
    names = [one.name for one in configuration.settings.programs]
    data_dir = configuration.settings.data_dir
    # Only in the usual place is it found by what is typed in another terminal.
    tries = [] if data_dir.resolve() == USUAL.resolve() else [_told(data_dir)]
    tries += [f'{program} text "Stop." --from {NUMBER}']
    tries += [f"{program} check {NUMBER} --program {name}" for name in names[:1]]
    tries += [f"{program} history {NUMBER}"]
    body = Text.assemble(
        ("Be a subscriber, in a second terminal:\n\n", ""),
        *[(f"  {line}\n", "bold") for line in tries],
        f"\nConsole     {url}/console\n",
        f"Web doors   {url}   (/readyz, /webhooks/<account>, /v1)\n",
        f"Accounts    {', '.join(configuration.settings.accounts)}\n",
        f"Data        {data_dir}\n",
        "\nCtrl-C ends everything; what was acknowledged is kept.",
    )
    console.print(Panel(body, title="smsgate is ready", expand=False, border_style="green"))
    first = _first_link(configuration)
    if first:  # outside the frame, which would break it into lines
        console.print("Become the console's first admin, within an hour:")
        console.print(Text(url + first, style="bold"), soft_wrap=True)


def _told(data_dir: Path) -> str:
    """The command that leads the others to the data directory."""
    return f"export SMSGATE_DATA_DIR={shlex.quote(str(data_dir.resolve()))}"


def _first_link(configuration: Configuration) -> str | None:
    """The path by which the first admin is made, where there is nobody yet."""
    records = build_records(configuration.settings)
    try:
        return Operators(records).first_link()
    except (RecordsUnavailable, RecordsNotReady):
        return None  # said already, among what is not ready
    finally:
        records.close()


def _as_typed(started: str) -> str:
    """How one types the program that is running: by its name where PATH leads to it."""
    name = Path(started).name
    if name == "__main__.py":
        return "smsgate"
    found = shutil.which(name)
    return name if found and Path(found).resolve() == Path(started).resolve() else started
