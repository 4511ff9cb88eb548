"""``smsgate doctor``: is everything there that smsgate stands on, and is it safe?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.errors import SmsGateError
from smsgate.gateway import Gateway
from smsgate.providers import usable
from smsgate.wiring import build_gateway

OK, WARNING, FAULT = "ok", "warning", "fault"
_COLOURS = {OK: "green", WARNING: "yellow", FAULT: "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what was seen."""

    subject: str
    state: str
    """``ok``, ``warning`` or ``fault``."""
    said: str


@click.command(epilog="Example: smsgate doctor")
@session.as_json
def doctor(as_json: bool) -> None:
    """Look at every collaborator and say what is wrong. Exit code 2 if something is."""
    configuration = session.configuration()
    made = build_gateway(configuration)
    click.get_current_context().call_on_close(made.close)
    found = [*examine(made)]
    found += [Finding("configuration", WARNING, said) for said in configuration.warnings]
    if as_json:
        session.show_json([asdict(finding) for finding in found])
    else:
        _show(found)
    session.end(2 if any(finding.state == FAULT for finding in found) else 0)


def examine(gateway: Gateway) -> Iterator[Finding]:
    """Ask each collaborator; whatever it says, the others are asked as well."""
    store, settings = gateway.store, gateway.settings
    yield _tried("store", store.health.ping, "Redis answers")
    yield _tried("marker", store.looks.bucket_count, "the store is ready and of our layout")
    yield _tried("eviction", store.health.refuse_eviction, "maxmemory-policy is noeviction")
    yield from _durability(gateway)
    yield _tried("queue", gateway.wakes.ping, "RQ's Redis answers")
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
