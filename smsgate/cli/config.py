"""``smsgate config``: is what operators write in order, and may the running processes have it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import NoReturn

import click
import msgspec
from rich.markup import escape

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.domain.errors import ConfigurationError
from smsgate.features.accounts.doctor import restart_reasons
from smsgate.metrics.snapshot import Process
from smsgate.pipeline.configuration import Configuration
from smsgate.pipeline.configuration_rollout import Rollout, hand_over, wait_for_rollout
from smsgate.pipeline.services import build_store

NOT_EVERYWHERE = 1


@click.group()
def config() -> None:
    """The configuration: environment and config/."""


@config.command("check", epilog="Example: smsgate config check")
@session.as_json
def check_config(as_json: bool) -> None:
    """Read the whole configuration and report every fault at once. Exit code 2 if there is one."""
    found = _read(as_json)
    settings = found.settings
    programs = [program.name for program in settings.programs]
    if as_json:
        said = {"version": found.version, "faults": [], "warnings": list(found.warnings)}
        session.show_json({**said, "accounts": list(settings.accounts), "programs": programs})
        return
    for warning in found.warnings:
        out.print(f"[yellow]warning[/] {warning}")
    accounts = ", ".join(settings.accounts) or "none"
    out.print(
        f"The configuration is in order. Accounts: {accounts}. "
        f"Programs: {', '.join(programs) or 'none'}. Version: {found.version}."
    )


@config.command("apply", epilog="Example: smsgate config apply")
@session.as_json
def apply_config(as_json: bool) -> None:
    """Apply the configuration to every running process, without a restart.

    This covers programs, keyword sets, accounts, and secrets in files. With a fault in it nothing
    changes. Exit code 2: refused. 1: applied, but not every process has taken it over.
    """
    found = _read(as_json)
    store = build_store(found.settings)
    try:
        applied = hand_over(found, store, person())
    except ConfigurationError as error:
        _refuse(error, as_json)
    rollout = wait_for_rollout(applied, store)
    if as_json:
        session.show_json(_as_json(rollout))
    else:
        _show(rollout)
    session.end(NOT_EVERYWHERE if rollout.missing else 0)


def _read(as_json: bool) -> Configuration:
    try:
        return session.configuration()
    except ConfigurationError as error:
        _refuse(error, as_json)


def _refuse(error: ConfigurationError, as_json: bool) -> NoReturn:
    """End with every fault."""
    if not as_json:
        raise error
    session.show_json({"faults": [asdict(fault) for fault in error.faults]})
    session.end(error.exit_code)


def _as_json(rollout: Rollout) -> Mapping[str, object]:
    processes = [
        {**msgspec.structs.asdict(one), "taken_over": one not in rollout.missing}
        for one in rollout.processes
    ]
    return {
        **msgspec.structs.asdict(rollout.applied),
        "faults": [],
        "everywhere": not rollout.missing,
        "took_ms": round(rollout.took_s * 1000),
        "processes": processes,
    }


def _show(rollout: Rollout) -> None:
    for one in rollout.processes:
        mark = "[red]not yet[/]" if one in rollout.missing else "[green]    has[/]"
        out.print(f"{mark}  {escape(line_of(one))}")
        for more in [*one.problem.splitlines(), *restart_reasons(one)]:
            out.print(f"         [yellow]→ {escape(more)}[/]")
    count, version = len(rollout.processes), rollout.applied.version
    out.print(f"Version {version} is applied. {_summary(count, rollout)}")


def _summary(count: int, rollout: Rollout) -> str:
    if not count:
        return "No process runs on this store; those that start read it then."
    if rollout.missing:
        return f"{count - len(rollout.missing)} of {count} processes have it."
    return f"Every process has it ({count}), after {rollout.took_s:.2f} s."


def line_of(process: Process) -> str:
    """What a process runs, on one line."""
    where = f"{process.name:<6}  {process.host}:{process.pid}"
    return f"{where}  {process.version}/{process.outside} since {moment(process.since_us)}"
