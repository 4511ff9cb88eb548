"""``smsgate config``: is what operators write in order, and may the running processes have it?

What the console changes of programs and accounts is part of it: shown, exported, reverted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import NoReturn

import click
import msgspec
from rich.markup import escape

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.cli.starter import new_config
from smsgate.domain.errors import ConfigurationError
from smsgate.domain.line_diff import compare_texts
from smsgate.features.accounts.doctor import restart_reasons
from smsgate.metrics.snapshot import Process
from smsgate.pipeline.configuration import Configuration, load_configuration
from smsgate.pipeline.configuration_rollout import (
    Rollout,
    hand_over,
    refuse_dropped,
    wait_for_rollout,
)
from smsgate.pipeline.console_configuration import tables_of
from smsgate.pipeline.services import build_store
from smsgate.records import Records
from smsgate.settings.read import records_place

NOT_EVERYWHERE = 1
_MAX_VERSIONS = 1_000


@click.group()
def config() -> None:
    """The configuration: environment and config/."""


config.add_command(new_config)


@config.command("check", epilog="Example: smsgate config check")
@session.as_json
def check_config(as_json: bool) -> None:
    """Read the whole configuration and report every fault at once. Exit code 2 if there is one."""
    found = _read(as_json)
    settings = found.settings
    programs = [program.name for program in settings.programs]
    if as_json:
        said = {"version": found.version, "faults": [], "warnings": list(found.warnings)}
        changed = [asdict(one) for one in settings.overrides]
        session.show_json(
            {
                **said,
                "accounts": list(settings.accounts),
                "programs": programs,
                "console": changed,
            }
        )
        return
    for warning in found.warnings:
        out.print(f"[yellow]warning[/] {warning}")
    for one in settings.overrides:
        text = f"the console says {one.console}, the file {one.file or 'nothing'}"
        out.print(f"[cyan]console[/] {escape(one.key)}: ", end="")
        out.print(text if one.console else "only the console has it", markup=False)
    if settings.overrides:
        out.print("The console's values apply. `smsgate config export` prints the file with them.")
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


@config.command("export", epilog="Example: smsgate config export > smsgate.toml.new")
def export_config() -> None:
    """Print smsgate.toml with everything in it that the console changes.

    Comments stay. To keep programs and accounts in the file again: put the output in its place on
    every host, revert the console's changes, and run `smsgate config apply`.
    """
    from smsgate.pipeline.configuration_changes import exported  # noqa: PLC0415 - slow to import

    file = session.configuration().settings.config_dir / "smsgate.toml"
    newest = session.records().configuration_versions.newest()
    tables = tables_of(newest.content if newest else "")
    click.echo(exported(file.read_text("utf-8"), tables), nl=False)


@config.command("history", epilog="Example: smsgate config history programs.alerts")
@click.argument("table", required=False, default="")
@session.as_json
def show_history(table: str, as_json: bool) -> None:
    """Show what the console changed, the newest first.

    With TABLE, such as programs.alerts, or alerts.email, only what changed that table.
    """
    versions = _records().configuration_versions
    shown = versions.page(_MAX_VERSIONS, table=table)
    if as_json:
        session.show_json([asdict(one) for one in shown])
        return
    for one in shown:
        tables = ", ".join(one.changed)
        click.echo(f"version {one.version}  {moment(one.saved_us)}  {one.author}  {tables}")
        if one.note:
            click.echo(f"  {one.note}")
        before = versions.find(one.version - 1)
        for line in compare_texts(before.content if before else "", one.content):
            click.echo(f"    {line.sign} {line.text}".rstrip())
    if not shown:
        click.echo("The console has changed nothing.")


@config.command("revert", epilog="Example: smsgate config revert programs.alerts")
@click.argument("tables", metavar="TABLE...", nargs=-1, required=True)
@click.option("--note", default="", help="Why, for those who read the history.")
def revert_config(tables: tuple[str, ...], note: str) -> None:
    """Revert TABLE, such as programs.alerts, to what smsgate.toml says.

    What only the console has, such as a whole program, is removed. A program with opted-out numbers
    cannot be removed. Every process applies the change. Exit code 2: refused, nothing is changed.
    """
    from smsgate.pipeline.configuration_changes import next_version  # noqa: PLC0415 - likewise

    versions = _records().configuration_versions
    newest = versions.newest()
    before = tables_of(newest.content if newest else "")
    for unknown in [one for one in tables if one not in before]:
        known = ", ".join(before) or "nothing"
        raise click.UsageError(f"The console does not change {unknown!r}; it changes {known}.")
    kept = {name: values for name, values in before.items() if name not in tables}
    found = load_configuration(session.here()[0], kept)
    store = build_store(found.settings)
    refuse_dropped(found.settings, store)
    versions.save(next_version(newest, kept, person(), note))
    applied = hand_over(found, store, person())
    out.print(f"Reverted: {', '.join(tables)}. Version {applied.version} is applied.")


def _records() -> Records:
    """The records, also where programs and accounts have faults, which a revert may mend."""
    try:
        return session.records()
    except ConfigurationError as error:
        if any(fault.place == "environment" for fault in error.faults):
            raise
    records = Records(records_place(session.here()[0])[0])
    click.get_current_context().call_on_close(records.close)
    return records


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
