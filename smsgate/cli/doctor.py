"""``smsgate doctor``: is everything there that smsgate stands on, and is it safe?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.doctor_account import look_at
from smsgate.cli.finding import FAULT, OK, WARNING, Finding
from smsgate.errors import SmsGateError
from smsgate.gateway import Gateway
from smsgate.providers import usable
from smsgate.wiring import build_gateway

_COLOURS = {OK: "green", WARNING: "yellow", FAULT: "bold red"}


@click.command(epilog="Example: smsgate doctor twilio")
@click.argument("account", required=False)
@session.as_json
def doctor(account: str | None, as_json: bool) -> None:
    """Look at every collaborator, or at one ACCOUNT, and say what is wrong.

    Exit code 2 if something of smsgate is, 1 if something of the account is.
    """
    if account is not None:
        found = list(look_at(session.gateway(), account))
        _report(found, as_json, 1)
    configuration = session.configuration()
    made = build_gateway(configuration)
    click.get_current_context().call_on_close(made.close)
    found = [*examine(made)]
    found += [Finding("configuration", WARNING, said) for said in configuration.warnings]
    _report(found, as_json, 2)


def _report(found: list[Finding], as_json: bool, code: int) -> None:
    """Print the findings and end, with ``code`` where one is a fault."""
    if as_json:
        session.show_json([asdict(finding) for finding in found])
    else:
        _show(found)
    session.end(code if any(finding.state == FAULT for finding in found) else 0)


def examine(gateway: Gateway) -> Iterator[Finding]:
    """Ask each collaborator; whatever it says, the others are asked as well."""
    store, settings = gateway.store, gateway.settings
    yield _tried("store", store.health.ping, "Redis answers")
    yield _tried("marker", store.looks.bucket_count, "the store is ready and of our layout")
    yield _tried("eviction", store.health.refuse_eviction, "maxmemory-policy is noeviction")
    yield from _durability(gateway)
    yield _tried("queue", gateway.wakes.ping, "RQ's Redis answers")
    yield _spool(gateway)
    yield _records(gateway)
    yield from _programs(gateway)
    for account in settings.accounts.values():
        if usable(account):
            yield Finding(f"account {account.name}", OK, f"{account.provider}, has its secret")


def _tried(subject: str, ask: Callable[[], object], good: str) -> Finding:
    try:
        ask()
    except SmsGateError as error:
        return Finding(subject, FAULT, str(error))
    return Finding(subject, OK, good)


def _spool(gateway: Gateway) -> Finding:
    try:
        depth = gateway.spool.depth()
    except SmsGateError as error:
        return Finding("spool", FAULT, str(error))
    if depth:
        return Finding("spool", WARNING, f"{depth} messages wait on this host for the store")
    return Finding("spool", OK, "nothing waits on this host's disk")


def _records(gateway: Gateway) -> Finding:
    said = gateway.recording.state()
    if said == "ok":
        return Finding("records", OK, "everything that happened is in the records")
    state = WARNING if said.startswith("ok;") else FAULT
    return Finding("records", state, said.removeprefix("ok; "))


def _durability(gateway: Gateway) -> Iterator[Finding]:
    try:
        weak = gateway.store.health.weaknesses()
    except SmsGateError as error:
        yield Finding("durability", FAULT, str(error))
        return
    for said in weak:
        yield Finding("durability", WARNING, said)
    if not weak:
        yield Finding("durability", OK, "every write is on disk before it is acknowledged")


def _programs(gateway: Gateway) -> Iterator[Finding]:
    try:
        known = gateway.store.marker.programs()
    except SmsGateError as error:
        yield Finding("programs", FAULT, str(error))
        return
    for program in gateway.settings.programs:
        if program.name in known:
            yield Finding(f"program {program.name}", OK, "published to every gate")
        else:
            said = "is not published yet: start the clock, or run `smsgate init`"
            yield Finding(f"program {program.name}", FAULT, said)


def _show(found: list[Finding]) -> None:
    console = Console(highlight=False)
    for one in found:
        mark = f"[{_COLOURS[one.state]}]{one.state:>7}[/]"
        console.print(f"{mark}  {one.subject}: {one.said}", soft_wrap=True)
