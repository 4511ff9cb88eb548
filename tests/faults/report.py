"""The tables at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from tests.faults.run import Result

SHOWN = 40
"""Of each check."""


def show(result: Result, console: Console) -> None:
    """Print what was injected, what happened, and what is wrong."""
    console.print(_counted("Faults injected", result.faults, total=True))
    console.print(_counted("What happened", result.counts))
    console.print(_counted("The gate, asked of numbers that must be blocked", result.gate))
    for one in result.slow:
        console.print(f"slow: {one}")
    if not result.violations:
        console.print("[bold green]No violations.[/]")
        return
    by_check = Counter(check for check, _ in result.violations)
    title = ", ".join(f"{check}: {count}" for check, count in by_check.items())
    table = Table(title=f"{len(result.violations)} violations ({title})", title_style="bold red")
    table.add_column("check")
    table.add_column("what is wrong", overflow="fold")
    shown: Counter[str] = Counter()
    for check, problem in result.violations:
        shown[check] += 1
        if shown[check] <= SHOWN:
            table.add_row(check, problem)
    console.print(table)


def _counted(title: str, counts: Mapping[str, int], *, total: bool = False) -> Table:
    table = Table(title=title, show_footer=total)
    table.add_column("", footer="all")
    table.add_column("", footer=str(sum(counts.values())), justify="right")
    for what, count in sorted(counts.items()):
        table.add_row(what, str(count))
    return table
