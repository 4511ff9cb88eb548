"""``smsgate imports``: the lists that were imported, and undoing one of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import moment, person
from smsgate.features.lists.import_records import imports as on_record
from smsgate.features.lists.import_results import undo_results
from smsgate.features.lists.import_undo import SAID, UndoSummary, undo_text
from smsgate.features.lists.progress import numbers_bar
from smsgate.features.lists.service import build_import_undo
from smsgate.pipeline.manual_input import reason_of

_NOT_DONE = 1


@click.group()
def imports() -> None:
    """Lists that were imported, and undoing one of them as a whole."""


@imports.command("list", epilog="Example: smsgate imports list --limit 10")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@session.as_json
def list_imports(limit: int, as_json: bool) -> None:
    """List the newest imports: when, by whom, which file, and what it changed, by name."""
    gateway = session.gateway_for_lists()
    found = on_record(gateway.store, gateway.records, limit)
    if as_json:
        session.show_json([asdict(one) for one in found])
        return
    console = Console(highlight=False)
    for one in found:
        head = f"{moment(one.at_us)}  {one.id}  by {one.by}"
        console.print(head, markup=False, soft_wrap=True)
        console.print(f"    {one.note}", markup=False, soft_wrap=True)
        if one.undone_us:
            undone = f"undone {moment(one.undone_us)} by {one.undone_by}: {one.undone_reason}"
            console.print(f"    {undone}", markup=False, soft_wrap=True)
            console.print(f"    {one.undone_note}", markup=False, soft_wrap=True)
    if not found:
        console.print("No import is on record.")


@imports.command(epilog="Example: smsgate imports undo import-3f… --reason 'wrong file' --apply")
@click.argument("list_id", metavar="ID")
@click.option("--apply", is_flag=True, help="Do it; without it nothing is changed.")
@click.option("--reason", default="", help="Goes on record, with your name; needed with --apply.")
@click.option(
    "--result",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write what became of each number to this CSV file.",
)
@session.as_json
def undo(list_id: str, apply: bool, reason: str, result: Path | None, as_json: bool) -> None:
    """Undo an import as a whole: each number goes back to how it stood before the list.

    A number of which something newer was said or done since keeps what it has: its own STOP or
    START, a lock, a consent, an opt-out by hand, a later list that names it. A command that was
    killed is simply run again; nothing is done twice.

    Exit code 0: nothing is left to undo. 1: other lists were applied all the time, undo it again.
    2: nothing could be done.
    """
    if apply and not reason.strip():
        raise click.UsageError("Give a reason for the record: --reason TEXT.")
    work = build_import_undo(session.gateway_for_lists())
    with ExitStack() as stack:
        write = stack.enter_context(undo_results(result)) if result else None
        progress = stack.enter_context(numbers_bar(quiet=as_json))
        if apply:
            summary = work.apply(list_id, person(), reason_of(reason), progress, write)
        else:
            summary = work.rehearse(list_id, progress, write)
    _show(summary, applied=apply, as_json=as_json)
    session.end(_NOT_DONE if summary.outcomes["busy"] else 0)


def _show(summary: UndoSummary, *, applied: bool, as_json: bool) -> None:
    outcomes = dict(summary.outcomes)
    if as_json:
        session.show_json(
            {"import": asdict(summary.record), "outcomes": outcomes, "applied": applied}
        )
        return
    console = Console(highlight=False)
    console.print(undo_text(summary.record, summary.outcomes), markup=False, soft_wrap=True)
    for one, count in sorted(outcomes.items(), key=lambda item: -item[1]):
        console.print(f"{count:>12,}  {one}: {SAID[one]}", markup=False, soft_wrap=True)
    if not applied:
        console.print("Nothing was changed. To do it, run it again with --apply and --reason.")
