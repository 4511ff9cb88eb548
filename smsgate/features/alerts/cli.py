"""``smsgate alerts``: test whether alerts reach the operator."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import click
import msgspec

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.domain.errors import SmsGateError
from smsgate.features.alerts.service import running_clocks
from smsgate.features.alerts.storage import TEST_TTL_S, AlertStorage, ChannelTestResult
from smsgate.store import Store

_NO_CHANNEL = "No channel is configured: set `webhook`, `email` or `text` under [alerts]."
_POLL_S = 0.2
Results = Mapping[str, list[ChannelTestResult] | None]
"""By clock, the results of the test; None where the clock did not answer."""


class NoClock(SmsGateError):
    """No process runs that would send alerts."""


@click.group()
def alerts() -> None:
    """Alerts for conditions that last, by webhook, e-mail or text."""


@alerts.command(epilog="Example: smsgate alerts test --json")
@session.as_json
def test(as_json: bool) -> None:
    """Let each clock send a test message by each of its channels, and show the results.

    The clock sends it, with its own environment and network, as it sends alerts. The exit code is
    0 if every channel accepted it, 1 if none is configured, 2 if one failed or a clock did not
    answer.
    """
    results = _run_test(session.services_for_lists().store)
    if as_json:
        session.show_json(_rows(results))
    else:
        _show(results)
    if any(found is None or not all(one.sent for one in found) for found in results.values()):
        session.end(2)
    session.end(0 if any(results.values()) else 1)


def _run_test(store: Store) -> Results:
    """Request a test and wait until every running clock has answered. Raises ``NoClock``."""
    storage = AlertStorage(store.client)
    until, pause, id_ = time.monotonic() + TEST_TTL_S, threading.Event(), ""
    while clocks := running_clocks(store):
        id_ = id_ or storage.request_test()
        results = storage.results(id_)
        if clocks <= results.keys() or time.monotonic() >= until:
            return {clock: results.get(clock) for clock in sorted(clocks | results.keys())}
        pause.wait(_POLL_S)
    raise NoClock("No clock is running, so no alert is sent: start the clock.")


def _rows(results: Results) -> list[dict[str, object]]:
    silent = ChannelTestResult("", sent=False, problem="the clock did not answer")
    return [
        {**msgspec.structs.asdict(one), "clock": clock}
        for clock, found in results.items()
        for one in ([silent] if found is None else found)
    ]


def _show(results: Results) -> None:
    for clock, found in results.items():
        for one in found or ():
            mark = "[green]     ok[/]" if one.sent else "[bold red] failed[/]"
            out.print(f"{mark}  {one.channel}, from the clock at {clock}", end="")
            out.print(f": {one.problem}" if one.problem else "", markup=False)
        if found is None:
            problem = f"the clock at {clock} did not answer within {TEST_TTL_S} s: see its log"
            out.print(f"[bold red] failed[/]  {problem}")
        elif not found:
            out.print(f"Clock at {clock}: {_NO_CHANNEL}", markup=False)
