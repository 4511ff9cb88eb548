"""``smsgate doctor``: check everything."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.markup import escape

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.features.accounts.account_doctor import check_account, find_account
from smsgate.features.accounts.doctor import check_everything
from smsgate.features.accounts.doctor_result import FAULT, OK, WARNING, DoctorResult, worst_first
from smsgate.features.accounts.reply_preview import preview_reply
from smsgate.pipeline.content_watch import MAY_BE_OLD
from smsgate.pipeline.services import build_services

_COLOURS = {OK: "green", WARNING: "yellow", FAULT: "bold red"}


@click.command(epilog="Example: smsgate doctor twilio")
@click.argument("account", required=False)
@click.option("--monitor", is_flag=True, help="Print problems only; exit code 1 for warnings too.")
@click.option(
    "--show-reply",
    is_flag=True,
    help="Print the request that confirms an opt-out by ACCOUNT, secrets masked. Nothing is sent.",
)
@session.as_json
def doctor(account: str | None, monitor: bool, show_reply: bool, as_json: bool) -> None:
    """Check everything, or one ACCOUNT, and name each problem with its remedy.

    Exit code 2 if something of smsgate is wrong, 1 if something of the account is.
    """
    if show_reply:
        if account is None:
            raise click.UsageError("Name the account whose reply to show.")
        _show_reply(account, as_json)
        return
    if account is not None:
        _report([*check_account(session.services(), account)], as_json, 1, monitor)
    configuration = session.configuration()
    services = build_services(configuration)
    click.get_current_context().call_on_close(services.close)
    results = [*check_everything(services)]
    records_fail = any(one.subject == "records" and one.state != OK for one in results)
    results += [
        DoctorResult(
            "configuration", WARNING, text, "`smsgate config check`; docs/configuration.md"
        )
        for text in configuration.warnings
        if not (records_fail and text.startswith(MAY_BE_OLD))
    ]
    _report(results, as_json, 2, monitor)


def _show_reply(name: str, as_json: bool) -> None:
    settings = session.configuration().settings
    account = find_account(settings, name)
    program = next((one for one in settings.programs if one.account == name), None)
    requests = preview_reply(account, program)
    if as_json:
        session.show_json([asdict(one) for one in requests])
        return
    for one in requests:
        click.echo(f"{one.text()}\n")
    click.echo("Nothing was sent.")


def _report(results: list[DoctorResult], as_json: bool, code: int, monitor: bool) -> None:
    """Print the results, the worst first, and end, with ``code`` if one is a fault.

    For a ``monitor``, a warning is 1, as Nagios and similar tools read it.
    """
    results = worst_first(results)
    states = {one.state for one in results}
    if monitor:
        results = [one for one in results if one.state != OK]
    if as_json:
        session.show_json([one.as_json() for one in results])
    else:
        for one in results:
            mark = f"[{_COLOURS[one.state]}]{one.state:>7}[/]"
            out.print(f"{mark}  {one.subject}: {escape(one.text)}")
            if one.state != OK and one.remedy:
                out.print(f"         [dim]→ {escape(one.remedy)}[/]")
        if not results:
            out.print("All clear.")
    if FAULT in states:
        session.end(code)
    session.end(1 if monitor and WARNING in states else 0)
