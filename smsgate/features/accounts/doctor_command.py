"""``smsgate doctor``: one page of everything that is not as it should be, and what mends it."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.console import Console
from rich.markup import escape

from smsgate.cli import session
from smsgate.features.accounts.doctor import (
    FAULT,
    OK,
    WARNING,
    Finding,
    examine,
    look_at,
    worst_first,
)
from smsgate.pipeline.console_keyword_sets import MAY_BE_OLD
from smsgate.pipeline.services import build_services

_COLOURS = {OK: "green", WARNING: "yellow", FAULT: "bold red"}


@click.command(epilog="Example: smsgate doctor twilio")
@click.argument("account", required=False)
@click.option("--monitor", is_flag=True, help="Only what is amiss; exit code 1 for warnings too.")
@session.as_json
def doctor(account: str | None, monitor: bool, as_json: bool) -> None:
    """Look at everything, or at one ACCOUNT, and say what is wrong and what mends it.

    Exit code 2 if something of smsgate is, 1 if something of the account is.
    """
    if account is not None:
        found = list(look_at(session.services(), account))
        _report(found, as_json, 1, monitor)
    configuration = session.configuration()
    made = build_services(configuration)
    click.get_current_context().call_on_close(made.close)
    found = [*examine(made)]
    is_told = any(one.subject == "records" and one.state != OK for one in found)
    found += [
        Finding("configuration", WARNING, said, "`smsgate config check`; docs/configuration.md")
        for said in configuration.warnings
        if not (is_told and said.startswith(MAY_BE_OLD))
    ]
    _report(found, as_json, 2, monitor)


def _report(found: list[Finding], as_json: bool, code: int, monitor: bool) -> None:
    """Print the findings and end, with ``code`` where one is a fault.

    The worst come first. For a ``monitor``, a warning is 1, as Nagios and its kin read it.
    """
    found = worst_first(found)
    states = {finding.state for finding in found}
    if monitor:
        found = [finding for finding in found if finding.state != OK]
    if as_json:
        session.show_json([asdict(finding) for finding in found])
    else:
        _show(found)
    if FAULT in states:
        session.end(code)
    session.end(1 if monitor and WARNING in states else 0)


def _show(found: list[Finding]) -> None:
    console = Console(highlight=False)
    for one in found:
        mark = f"[{_COLOURS[one.state]}]{one.state:>7}[/]"
        console.print(f"{mark}  {one.subject}: {escape(one.said)}", soft_wrap=True)
        if one.state != OK and one.mend:
            console.print(f"         [dim]→ {escape(one.mend)}[/]", soft_wrap=True)
    if not found:
        console.print("Everything is as it should be.")
