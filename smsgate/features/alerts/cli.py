"""``smsgate alerts``: do conditions reach a person?"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import click
import msgspec
from rich.console import Console

from smsgate.cli import session
from smsgate.errors import SmsGateError
from smsgate.features.alerts.service import name_of
from smsgate.features.alerts.storage import ASKED_S, AlertTests, ChannelOutcome
from smsgate.store import Store

_NONE = "No way to tell anybody is configured: set `webhook`, `email` or `text` under [alerts]."
_LOOK_S = 0.2
Outcomes = Mapping[str, list[ChannelOutcome] | None]
"""By clock what came of the test; None where the clock did not answer."""


class NoClock(SmsGateError):
    """No process is there that would tell anybody."""


@click.group()
def alerts() -> None:
    """What a person is told of: conditions that last, by webhook, e-mail or text."""


@alerts.command(epilog="Example: smsgate alerts test --json")
@session.as_json
def test(as_json: bool) -> None:
    """Let each clock send a test message by each way that it has, and say what came of it.

    The clock sends because the clock tells: it has its own environment and its own network. Exit
    code 0 where each way took it, 2 where one did not, or a clock did not answer; 1 where none is
    configured.
    """
    found = _tested(session.gateway_for_lists().store)
    if as_json:
        session.show_json([*_rows(found)])
    else:
        _show(found)
    if not all(_told(one) for one in found.values()):
        session.end(2)
    session.end(0 if any(found.values()) else 1)


def _tested(store: Store) -> Outcomes:
    """Ask for a test, and wait until every clock that runs has answered. Raises ``NoClock``."""
    tests = AlertTests(store.client)
    until, pause, id_ = time.monotonic() + ASKED_S, threading.Event(), ""
    while clocks := _clocks(store):
        id_ = id_ or tests.ask()
        answers = tests.answers(id_)
        if clocks <= answers.keys() or time.monotonic() >= until:
            return {clock: answers.get(clock) for clock in sorted(clocks | answers.keys())}
        pause.wait(_LOOK_S)
    raise NoClock("No clock is at work, so nobody is told of anything: start the clock.")


def _clocks(store: Store) -> set[str]:
    return {name_of(one.host, one.pid) for one in store.heartbeats.running() if one.name == "clock"}


def _told(outcomes: list[ChannelOutcome] | None) -> bool:
    return outcomes is not None and all(one.told for one in outcomes)


def _rows(found: Outcomes) -> list[dict[str, object]]:
    silent = ChannelOutcome("", told=False, problem="the clock did not answer")
    return [
        {**msgspec.structs.asdict(one), "clock": clock}
        for clock, outcomes in found.items()
        for one in ([silent] if outcomes is None else outcomes)
    ]


def _show(found: Outcomes) -> None:
    console = Console(highlight=False)
    for clock, outcomes in found.items():
        for one in outcomes or ():
            mark = "[green]     ok[/]" if one.told else "[bold red] failed[/]"
            console.print(f"{mark}  {one.channel}, from the clock at {clock}", end="")
            console.print(f": {one.problem}" if one.problem else "", markup=False, soft_wrap=True)
        if outcomes is None:
            said = f"the clock at {clock} did not answer within {ASKED_S} s: its log says why"
            console.print(f"[bold red] failed[/]  {said}", soft_wrap=True)
        elif not outcomes:
            console.print(f"Clock at {clock}: {_NONE}", markup=False, soft_wrap=True)
