"""``smsgate keys``: the keys of programs that call ``/v1``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import moment, person
from smsgate.domain.errors import UnknownProgram
from smsgate.pipeline import api_keys
from smsgate.pipeline.configuration import load_settings
from smsgate.records.keys import KeyRow, KeyScope

_HOURS = 3600.0


@click.group()
def keys() -> None:
    """Keys for /v1: who may ask the gate, write, or administer.

    Those in SMSGATE_API_KEYS are not among them: each of these opens everything.
    """


@keys.command(epilog="Example: smsgate keys make crm --scope write --program alerts")
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(api_keys.SCOPES),
    required=True,
    help="check: ask the gate. write: also read and change consent. admin: everything.",
)
@click.option(
    "--program",
    "programs",
    multiple=True,
    help="Limit the key to this program; may be given several times. Without: every program.",
)
def make(name: str, scope: KeyScope, programs: Sequence[str]) -> None:
    """Make a key and show it: this once, for only its hash is kept."""
    limits = _known_programs(programs)
    found = session.records().keys
    _show_key(api_keys.make(found, name, scope, person(), _now_us(), limits))


@keys.command("list", epilog="Example: smsgate keys list --json")
@session.as_json
def list_keys(as_json: bool) -> None:
    """List the keys that open."""
    rows = session.records().keys.all(_now_us())
    if as_json:
        session.show_json([_told(row) for row in rows])
        return
    console = Console(highlight=False)
    for row in rows:
        ends = f", until {moment(row.ends_us)}" if row.ends_us else ""
        made = f"made {moment(row.made_us)} by {row.made_by}"
        limits = f"  limited to {', '.join(row.programs)}" if row.programs else ""
        console.print(f"[bold]{row.name}[/]  {row.scope}{limits}  {made}{ends}", soft_wrap=True)
    if not rows:
        console.print("There are no keys: make one with `smsgate keys make NAME --scope check`.")


@keys.command(epilog="Example: smsgate keys rotate crm --grace 2")
@click.argument("name")
@click.option(
    "--grace",
    type=click.FloatRange(0, 24 * 90),
    default=24.0,
    show_default=True,
    help="Hours for which the key before goes on to open.",
)
def rotate(name: str, grace: float) -> None:
    """Make a new key of that name; the one before opens a while longer."""
    found = session.records().keys
    _show_key(api_keys.rotate(found, name, grace * _HOURS, person(), _now_us()))


@keys.command(epilog="Example: smsgate keys revoke crm")
@click.argument("name")
def revoke(name: str) -> None:
    """Let every key of that name end; within 5 seconds it is refused everywhere."""
    ended = api_keys.revoke(session.records().keys, name, _now_us())
    click.echo(f"{ended} keys of {name} ended; within 5 seconds they open nothing.")


def _known_programs(names: Sequence[str]) -> list[str]:
    """The names, each once. Raises ``UnknownProgram``."""
    if not names:
        return []
    known = load_settings(session.here()[0]).programs
    for name in names:
        if name not in known:
            raise UnknownProgram(
                f"no program is called {name!r}; there are: {', '.join(one.name for one in known)}"
            )
    return [*dict.fromkeys(names)]


def _show_key(key: str) -> None:
    click.echo(key)
    click.echo("Keep it now: it is not shown again.", err=True)


def _told(row: KeyRow) -> dict[str, object]:
    told = asdict(row)
    del told["digest"]
    return told


def _now_us() -> int:
    return int(time.time() * 1_000_000)
