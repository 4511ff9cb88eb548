"""``smsgate replies``: our texts that wait to be sent, and those that were given up."""

from __future__ import annotations

from collections.abc import Iterable

import click
import msgspec

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.domain.errors import RecordsUnavailable
from smsgate.features.replies.service import dismiss_reply, retry_reply
from smsgate.store.keys import PARTITIONS


@click.group()
def replies() -> None:
    """Replies that are pending or failed."""


@replies.command("list", epilog="Example: smsgate replies list --dead")
@click.option("--dead", is_flag=True, help="Only failed replies.")
@session.as_json
def list_replies(dead: bool, as_json: bool) -> None:
    """List the pending replies."""
    unsent = session.services().store.unsent_replies
    if dead:
        letters = [letter for partition in range(PARTITIONS) for letter in unsent.dead(partition)]
        found = [(letter.reply, f"{letter.outcome}: {letter.note}") for letter in letters]
        values: Iterable[object] = letters
    else:
        waiting = [reply for partition in range(PARTITIONS) for reply in unsent.waiting(partition)]
        found = [
            (reply, f"not after {moment(reply.deadline_us)}  {reply.problem}".rstrip())
            for reply in waiting
        ]
        values = waiting
    if as_json:
        session.show_json([msgspec.to_builtins(value) for value in values])
        return
    for reply, note in found:
        head = f"[bold]{reply.id}[/]  {reply.kind}  {reply.program}  to {reply.number}"
        out.print(head)
        out.print(f"    {reply.text!r}  {note}", markup=False)
    if not found:
        out.print("No failed replies." if dead else "No pending replies.")


@replies.command(epilog="Example: smsgate replies retry 1795534079000-0")
@click.argument("id_", metavar="ID")
def retry(id_: str) -> None:
    """Send a given-up reply again."""
    retry_reply(session.services(), id_, person())
    _add_to_audit_log("retried a reply", id_)
    click.echo(f"Reply {id_} queued again.")


@replies.command(epilog="Example: smsgate replies dismiss 1795534079000-0")
@click.argument("id_", metavar="ID")
def dismiss(id_: str) -> None:
    """Remove a given-up reply."""
    dismiss_reply(session.services(), id_, person())
    _add_to_audit_log("dismissed a reply", id_)
    click.echo(f"Reply {id_} dismissed.")


def _add_to_audit_log(what: str, id_: str) -> None:
    """Log the action; where that fails, the reply's own event still names who acted."""
    try:
        session.record_action(what, id_)
    except RecordsUnavailable as error:
        click.echo(f"This is not in the audit log: {error}", err=True)
