"""``smsgate doctor``: one page of everything that is not as it should be, and what mends it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict

import click
from rich.console import Console
from rich.markup import escape

from smsgate.cli import session
from smsgate.cli.doctor_account import look_at
from smsgate.cli.finding import FAULT, OK, WARNING, Finding
from smsgate.errors import SmsGateError
from smsgate.gateway import Gateway
from smsgate.gateway.conditions import DURABLE, conditions
from smsgate.gateway.measuring import sights
from smsgate.providers import usable
from smsgate.wiring import build_gateway

_COLOURS = {OK: "green", WARNING: "yellow", FAULT: "bold red"}
_ORDER = {FAULT: 0, WARNING: 1, OK: 2}

_MARKER = "`smsgate init` for a store that is new; one that lost its data: `smsgate rebuild`"


@click.command(epilog="Example: smsgate doctor twilio")
@click.argument("account", required=False)
@click.option("--monitor", is_flag=True, help="Only what is amiss; exit code 1 for warnings too.")
@session.as_json
def doctor(account: str | None, monitor: bool, as_json: bool) -> None:
    """Look at everything, or at one ACCOUNT, and say what is wrong and what mends it.

    Exit code 2 if something of smsgate is, 1 if something of the account is.
    """
    if account is not None:
        found = list(look_at(session.gateway(), account))
        _report(found, as_json, 1, monitor)
    configuration = session.configuration()
    made = build_gateway(configuration)
    click.get_current_context().call_on_close(made.close)
    found = [*examine(made)]
    found += [
        Finding("configuration", WARNING, said, "`smsgate config check`; docs/configuration.md")
        for said in configuration.warnings
    ]
    _report(found, as_json, 2, monitor)


def _report(found: list[Finding], as_json: bool, code: int, monitor: bool) -> None:
    """Print the findings and end, with ``code`` where one is a fault.

    The worst come first. For a ``monitor``, a warning is 1, as Nagios and its kin read it.
    """
    found.sort(key=lambda finding: _ORDER[finding.state])
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


def examine(gateway: Gateway) -> Iterator[Finding]:
    """Ask each collaborator; whatever it says, the others are asked as well."""
    store, settings = gateway.store, gateway.settings
    yield _tried("store", store.health.ping, "Redis answers", "start Redis, or set REDIS_URL")
    yield _tried(
        "marker", store.looks.bucket_count, "the store is ready and of our layout", _MARKER
    )
    noeviction = "set `maxmemory-policy noeviction` in redis.conf"
    said = "maxmemory-policy is noeviction"
    yield _tried("eviction", store.health.refuse_eviction, said, noeviction)
    yield from _durability(gateway)
    yield _tried("queue", gateway.wakes.ping, "RQ's Redis answers", "start it, or set QUEUE_URL")
    yield _spool(gateway)
    yield _records(gateway)
    yield from _programs(gateway)
    for account in settings.accounts.values():
        if usable(account):
            yield Finding(f"account {account.name}", OK, f"{account.provider}, has its secret")
    yield from _conditions(gateway)


def _conditions(gateway: Gateway) -> Iterator[Finding]:
    """What the alert rules tell too. What hinders asking has been told before."""
    with suppress(SmsGateError):
        seen = sights(gateway.store, gateway.settings, dict)
        for one in conditions(seen, here=socket.gethostname()):
            yield Finding(one.subject, FAULT if one.fault else WARNING, one.said, one.mend)


def _tried(subject: str, ask: Callable[[], object], good: str, mend: str) -> Finding:
    try:
        ask()
    except SmsGateError as error:
        return Finding(subject, FAULT, str(error), mend)
    return Finding(subject, OK, good)


def _spool(gateway: Gateway) -> Finding:
    try:
        depth = gateway.spool.depth()
    except SmsGateError as error:
        return Finding("spool", FAULT, str(error), "make SMSGATE_DATA_DIR writable, with room")
    if depth:
        said = f"{depth} messages wait on this host for the store"
        return Finding("spool", WARNING, said, "let `web` run here and reach Redis: it hands over")
    return Finding("spool", OK, "nothing waits on this host's disk")


def _records(gateway: Gateway) -> Finding:
    said = gateway.recording.state()
    if said == "ok":
        return Finding("records", OK, "everything that happened is in the records")
    state = WARNING if said.startswith("ok;") else FAULT
    mend = "`smsgate records status`; a number that grows: start the clock, or the database"
    return Finding("records", state, said.removeprefix("ok; "), mend)


def _durability(gateway: Gateway) -> Iterator[Finding]:
    try:
        weak = gateway.store.health.weaknesses()
    except SmsGateError as error:
        yield Finding("durability", FAULT, str(error), "start Redis, or set REDIS_URL")
        return
    for said in weak:
        yield Finding("durability", WARNING, said, DURABLE)
    if not weak:
        yield Finding("durability", OK, "every write is on disk before it is acknowledged")


def _programs(gateway: Gateway) -> Iterator[Finding]:
    try:
        known = gateway.store.marker.programs()
    except SmsGateError as error:
        yield Finding("programs", FAULT, str(error), "start Redis, or set REDIS_URL")
        return
    for program in gateway.settings.programs:
        if program.name in known:
            yield Finding(f"program {program.name}", OK, "published to every gate")
        else:
            said = "is not published yet, so no gate knows it"
            mend = "start the clock, or run `smsgate init`"
            yield Finding(f"program {program.name}", FAULT, said, mend)


def _show(found: list[Finding]) -> None:
    console = Console(highlight=False)
    for one in found:
        mark = f"[{_COLOURS[one.state]}]{one.state:>7}[/]"
        console.print(f"{mark}  {one.subject}: {escape(one.said)}", soft_wrap=True)
        if one.state != OK and one.mend:
            console.print(f"         [dim]→ {escape(one.mend)}[/]", soft_wrap=True)
    if not found:
        console.print("Everything is as it should be.")
