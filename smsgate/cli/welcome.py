"""What ``smsgate dev`` says once everything runs: where things are, and what to try next."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from smsgate.wiring import Configuration

NUMBER = "+14155550123"


def welcome(console: Console, url: str, configuration: Configuration) -> None:
    """Show it, with commands that can be copied."""
    program = _as_typed(sys.argv[0])
    for warning in configuration.warnings:
        console.print(Text(f"WARNING {warning}", style="bold yellow"), soft_wrap=True)
    names = [one.name for one in configuration.settings.programs]
    tries = [f'{program} text "Stop." --from {NUMBER}']
    tries += [f"{program} check {NUMBER} --program {name}" for name in names[:1]]
    tries += [f"{program} history {NUMBER}"]
    body = Text.assemble(
        ("Be a subscriber, in a second terminal:\n\n", ""),
        *[(f"  {line}\n", "bold") for line in tries],
        f"\nWeb doors   {url}   (/readyz, /webhooks/<account>, /v1)\n",
        f"Accounts    {', '.join(configuration.settings.accounts)}\n",
        f"Data        {configuration.settings.data_dir}\n",
        "\nCtrl-C ends everything; what was acknowledged is kept.",
    )
    console.print(Panel(body, title="smsgate is ready", expand=False, border_style="green"))


def _as_typed(started: str) -> str:
    """How one types the program that is running: by its name where PATH leads to it."""
    name = Path(started).name
    if name == "__main__.py":
        return "smsgate"
    found = shutil.which(name)
    return name if found and Path(found).resolve() == Path(started).resolve() else started
