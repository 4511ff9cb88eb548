"""``smsgate alerts``: do conditions reach a person?"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.errors import CallFailed
from smsgate.gateway.alerts.channels import Channel, channels
from smsgate.gateway.alerts.wording import TEST

_NONE = "No way to tell anybody is configured: set `webhook`, `email` or `text` under [alerts]."


@dataclass(frozen=True, slots=True)
class _Tried:
    channel: str
    told: bool
    problem: str


@click.group()
def alerts() -> None:
    """What a person is told of: conditions that last, by webhook, e-mail or text."""


@alerts.command(epilog="Example: smsgate alerts test --json")
@session.as_json
def test(as_json: bool) -> None:
    """Send a test message by each way that is configured, and say what came of it.

    Exit code 0 where each took it, 2 where one did not, 1 where none is configured.
    """
    tried = [_tried(one) for one in channels(session.gateway_for_lists())]
    if as_json:
        session.show_json([asdict(one) for one in tried])
    else:
        _show(tried)
    if not tried:
        session.end(1)
    session.end(0 if all(one.told for one in tried) else 2)


def _tried(channel: Channel) -> _Tried:
    try:
        channel.tell([TEST])
    except CallFailed as error:
        return _Tried(channel.name, False, str(error))
    return _Tried(channel.name, True, "")


def _show(tried: list[_Tried]) -> None:
    console = Console(highlight=False)
    for one in tried:
        mark = "[green]     ok[/]" if one.told else "[bold red] failed[/]"
        console.print(f"{mark}  {one.channel}", end="")
        console.print(f": {one.problem}" if one.problem else "", markup=False, soft_wrap=True)
    if not tried:
        console.print(_NONE, markup=False, soft_wrap=True)
