"""``smsgate forward``: messages for the operator's own applications that were not taken yet."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import moment, person
from smsgate.domain.messages import Forward, ms_of
from smsgate.domain.signing import iso_time
from smsgate.pipeline import undelivered_forwards
from smsgate.store.keys import PARTITIONS


@click.group()
def forward() -> None:
    """Messages for programs' applications ([programs.NAME.forward]) that wait, or were given up."""


@forward.command("list", epilog="Example: smsgate forward list --dead")
@click.option("--dead", is_flag=True, help="Those that were given up and wait for a person.")
@session.as_json
def list_forwards(dead: bool, as_json: bool) -> None:
    """List the messages that were not taken yet, as they came."""
    forwards = session.gateway_for_lists().store.forwards
    if dead:
        letters = [letter for partition in range(PARTITIONS) for letter in forwards.dead(partition)]
        found = [(one.forward, one.note, one.at_us) for one in letters]
    else:
        waiting = [one for partition in range(PARTITIONS) for one in forwards.waiting(partition)]
        found = [(one, one.note, 0) for one in waiting]
    found.sort(key=lambda row: ms_of(row[0].inbox_id))
    if as_json:
        session.show_json([_told(*row) for row in found])
    else:
        _show(found, "No message was given up." if dead else "No message waits.")


@forward.command(epilog="Example: smsgate forward retry 3-1795534079000-000000")
@click.argument("id_", metavar="ID")
def retry(id_: str) -> None:
    """Hand a message over again that was given up, for another day."""
    undelivered_forwards.retry(session.gateway_for_lists().store, id_, person())
    click.echo(f"Message {id_} is due again.")


@forward.command(epilog="Example: smsgate forward dismiss 3-1795534079000-000000")
@click.argument("id_", metavar="ID")
def dismiss(id_: str) -> None:
    """Forget a message that was given up."""
    undelivered_forwards.dismiss(session.gateway_for_lists().store, id_, person())
    click.echo(f"Message {id_} is dismissed.")


def _show(found: list[tuple[Forward, str, int]], nothing: str) -> None:
    console = Console(highlight=False)
    for one, note, given_up_us in found:
        entry = one.entry
        came = f"from {entry.number}  {moment(ms_of(one.inbox_id) * 1000)}"
        console.print(f"[bold]{one.id}[/]  {entry.program}  {came}", soft_wrap=True)
        said = f"given up {moment(given_up_us)}: {note}" if given_up_us else note
        tries = f"{one.tries} tries" if one.tries else "not tried yet"
        console.print(f"    {entry.text!r}  {tries}  {said}", markup=False, soft_wrap=True)
    if not found:
        console.print(nothing)


def _told(one: Forward, note: str, given_up_us: int) -> dict[str, Any]:
    """For other programs: without the provider's own request."""
    entry = one.entry
    return {
        "id": one.id,
        "event": one.event,
        "program": entry.program,
        "number": entry.number,
        "text": entry.text,
        "intent": entry.decision.intent.value,
        "outcome": one.outcome,
        "received_at": iso_time(ms_of(one.inbox_id) * 1000),
        "given_up_at": iso_time(given_up_us) if given_up_us else None,
        "tries": one.tries,
        "note": note,
    }
