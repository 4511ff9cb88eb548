"""``smsgate forward``: messages for applications that are pending or failed."""

from __future__ import annotations

from typing import Any

import click

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.domain.forwards import Forward, UndeliveredForward
from smsgate.domain.messages import ms_of
from smsgate.domain.signed_times import iso_time
from smsgate.pipeline import forwards
from smsgate.store.keys import PARTITIONS


@click.group()
def forward() -> None:
    """Messages for applications ([programs.NAME.forward]) that are pending or failed."""


@forward.command("list", epilog="Example: smsgate forward list --dead")
@click.option("--dead", is_flag=True, help="Only failed messages.")
@session.as_json
def list_forwards(dead: bool, as_json: bool) -> None:
    """List the messages that their application has not accepted, oldest first."""
    forwards = session.services_for_lists().store.forwards
    if dead:
        found = [one for partition in range(PARTITIONS) for one in forwards.dead(partition)]
    else:
        found = [
            UndeliveredForward(one, one.note, 0)
            for partition in range(PARTITIONS)
            for one in forwards.waiting(partition)
        ]
    found.sort(key=lambda one: ms_of(one.forward.inbox_id))
    if as_json:
        session.show_json([_as_json(one.forward, one.note, one.at_us) for one in found])
        return
    for one in found:
        message, entry = one.forward, one.forward.entry
        received = moment(ms_of(message.inbox_id) * 1000)
        head = f"[bold]{message.id}[/]  {entry.program}  from {entry.number}  {received}"
        out.print(head)
        note = f"failed {moment(one.at_us)}: {one.note}" if one.at_us else one.note
        tries = f"{message.tries} tries" if message.tries else "not tried yet"
        out.print(f"    {entry.text!r}  {tries}  {note}", markup=False)
    if not found:
        out.print("No failed messages." if dead else "No pending messages.")


@forward.command(epilog="Example: smsgate forward retry 3-1795534079000-000000")
@click.argument("id_", metavar="ID")
def retry(id_: str) -> None:
    """Retry a failed message for another day."""
    forwards.retry(session.services_for_lists().store, id_, person())
    click.echo(f"Message {id_} queued again.")


@forward.command(epilog="Example: smsgate forward dismiss 3-1795534079000-000000")
@click.argument("id_", metavar="ID")
def dismiss(id_: str) -> None:
    """Dismiss a failed message."""
    forwards.dismiss(session.services_for_lists().store, id_, person())
    click.echo(f"Message {id_} dismissed.")


def _as_json(message: Forward, note: str, given_up_us: int) -> dict[str, Any]:
    """For other programs: without the provider's own request."""
    entry = message.entry
    return {
        "id": message.id,
        "event": message.event,
        "program": entry.program,
        "number": entry.number,
        "text": entry.text,
        "intent": entry.decision.intent.value,
        "outcome": message.outcome,
        "received_at": iso_time(ms_of(message.inbox_id) * 1000),
        "given_up_at": iso_time(given_up_us) if given_up_us else None,
        "tries": message.tries,
        "note": note,
    }
