"""The figures of a run: as JSON, and as tables for people."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.contender import Contender

RATIOS = (
    ("STOP, times the tutorial app", "smsgate", "tutorial", "at least 2.6"),
    ("ordinary text, times the tutorial app", "ordinary", "tutorial", "at least 2.6"),
    ("look-alike, times the tutorial app", "look_alike", "tutorial", "at least 2.0"),
    ("STOP, times the tutorial app on gthread", "smsgate", "threads", ""),
    ("STOP, times the tutorial app on Granian", "smsgate", "granian", ""),
    ("STOP, times the FastAPI twin", "smsgate", "twin", ""),
    ("STOP, share of read and verify only", "smsgate", "reading", ""),
    ("ordinary text, share of read and verify only", "ordinary", "reading", ""),
    ("STOP, share of an empty handler", "smsgate", "empty", ""),
    ("STOP, share of Redis alone, four scripts a trip", "smsgate", "grouped", ""),
)
"""Of accepted requests a second; each with its goal."""
CPU_RATIOS = (
    ("CPU of a STOP, times the tutorial app", "smsgate", "rounds", "at most 0.40"),
    ("CPU of an ordinary text, times the tutorial app", "ordinary", "rounds", "at most 0.40"),
    ("CPU of a STOP at 50 a second, times the tutorial app", "smsgate", "calm", "at most 1"),
)


def result(
    contenders: Sequence[Contender], rate: float, given: Mapping[str, object]
) -> dict[str, Any]:
    """Everything that was measured, ready for JSON."""
    speeds = {one.name: [figures.per_second for figures in one.rounds] for one in contenders}
    named = {one.name: one for one in contenders}
    ratios = [(what, _ratio(speeds[a], speeds[b]), goal) for what, a, b, goal in RATIOS]
    for what, name, load, goal in CPU_RATIOS:
        costs = [
            [figures.cpu_us for figures in getattr(named[each], load)]
            for each in (name, "tutorial")
        ]
        ratios.append((what, _ratio(*costs), goal))
    return {
        "bench": "webhooks",
        "machine": _machine(),
        "run": {name: given[name] for name in ("rounds", "seconds", "connections")},
        "results": [_row(one) for one in contenders],
        "others": round(_others(contenders), 3),
        "ratios": ratios,
        "paced": {
            "per_second": round(rate),
            "results": [
                {"name": one.name, "title": one.title, **_latency(one.paced)}
                for one in contenders
                if one.paced
            ],
        },
        "stored": [
            {"name": one.name, "accepted": one.accepted, **one.server.stored()}
            for one in contenders
            if one.counted and one.server.stored
        ],
    }


def _others(contenders: Sequence[Contender]) -> float:
    return median(one.others for each in contenders for one in each.rounds if one.cpu_us)


def exact(found: Mapping[str, Any]) -> bool:
    """Whether all that was accepted was stored, once, and nothing was refused."""
    stored = all(
        count == row["accepted"]
        for row in found["stored"]
        for key, count in row.items()
        if key != "name"
    )
    return stored and not any(row["refused"] for row in found["results"])


def show(found: Mapping[str, Any]) -> None:
    """Print tables."""
    console = Console()
    console.print(_speeds(found), _paced(found["paced"]))
    for what, ratio, goal in found["ratios"]:
        console.print(f"  {ratio:6.2f}  {what}" + f" (goal: {goal})" * bool(goal))
    for row in found["stored"]:
        counts = ", ".join(f"{value:,} {key}" for key, value in row.items() if key != "name")
        console.print(f"  {row['name']}: {counts}")
    console.print(f"  {found['others']:.0%} of the machine went to other processes meanwhile")
    for row in found["results"]:
        if row["refused"]:
            console.print(f"  [bold red]{row['title']}: {row['refused']:,} requests refused[/]")
    console.print("  exact" if exact(found) else "  [bold red]NOT EXACT[/]")


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios: what disturbs a round disturbs both."""
    return round(median(a / b if b else 0.0 for a, b in zip(ours, theirs, strict=True)), 3)


def _row(one: Contender) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "per_second": round(one.per_second),
        "rounds": [round(figures.per_second) for figures in one.rounds],
        **_latency(one.rounds),
        "cpu_us": round(median(figures.cpu_us for figures in one.rounds)),
        "refused": one.refused,
    }


def _latency(figures: Sequence[Any]) -> dict[str, float]:
    return {
        "p50_ms": round(median(one.p50_ms for one in figures), 2),
        "p99_ms": round(median(one.p99_ms for one in figures), 2),
    }


def _speeds(found: Mapping[str, Any]) -> Table:
    run, machine = found["run"], found["machine"]
    table = Table(
        title=f"Accepted webhooks a second ({machine['cores']} cores, Python {machine['python']}; "
        f"median of {run['rounds']} × {run['seconds']:g} s, {run['connections']} connections)",
        caption="CPU µs: of server and Redis, for one request",
        min_width=76,
    )
    table.add_column("")
    for heading in ("per second", "lowest", "highest", "p50 ms", "p99 ms", "CPU µs"):
        table.add_column(heading, justify="right")
    for row in found["results"]:
        rounds = row["rounds"]
        speeds = (f"{speed:,}" for speed in (row["per_second"], min(rounds), max(rounds)))
        times = (f"{row[key]:.1f}" for key in ("p50_ms", "p99_ms"))
        table.add_row(row["title"], *speeds, *times, f"{row['cpu_us']:,}")
    return table


def _paced(paced: Mapping[str, Any]) -> Table:
    table = Table(title=f"Both at {paced['per_second']:,} a second", min_width=40)
    table.add_column("")
    for heading in ("p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    for row in paced["results"]:
        table.add_row(row["title"], f"{row['p50_ms']:.1f}", f"{row['p99_ms']:.1f}")
    return table
