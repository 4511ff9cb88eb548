"""``smsgate alerts``: test whether alerts reach the operator."""

from __future__ import annotations

import threading
import time

import click

from smsgate.cli import session
from smsgate.domain.errors import StoreNotReady
from smsgate.store.alerts import TEST_TTL_S

_POLL_S = 0.2


@click.group()
def alerts() -> None:
    """Alerts for conditions that last."""


@alerts.command(epilog="Example: smsgate alerts test --json")
@session.as_json
def test(as_json: bool) -> None:
    """Let the clock send a test message to each address of alerts, and show the results.

    The clock that sends alerts sends it, with its own environment and network. The exit code is 0
    if every address took it, 1 if none is configured, 2 if one failed or no clock answered.
    """
    store = session.services_for_lists().store
    until, pause, test = time.monotonic() + TEST_TTL_S, threading.Event(), None
    id_ = store.alerts.request_test()
    while test is None or test.id != id_ or test.results is None:
        if not any(one.name == "clock" for one in store.heartbeats.running()):
            raise StoreNotReady("No clock is running, so no alert is sent: start the clock.")
        if time.monotonic() >= until:
            raise StoreNotReady(f"The clock did not answer within {TEST_TTL_S} s: see its log.")
        pause.wait(_POLL_S)
        test = store.alerts.test()
    rows = [
        {"address": address, "sent": not problem, "problem": problem, "clock": test.clock}
        for address, problem in test.results.items()
    ]
    if as_json:
        session.show_json(rows)
    for row in () if as_json else rows:
        mark = "    ok" if row["sent"] else "failed"
        click.echo(f"{mark}  {row['address']}, by the clock at {row['clock']} {row['problem']}")
    if not rows and not as_json:
        click.echo("No address is configured: set `to` under [alerts].")
    session.end(0 if rows and all(row["sent"] for row in rows) else 2 if rows else 1)
