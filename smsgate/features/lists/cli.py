"""``smsgate import``, ``imports``, ``export`` and ``scrub``."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from smsgate.cli import session
from smsgate.cli.session import moment, person
from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import ALL
from smsgate.features.lists.export import FORMS, STATES, ExportQuery, export_lines, exported_numbers
from smsgate.features.lists.file_import import FileImport
from smsgate.features.lists.import_record import State, change_text, imports, titles_of
from smsgate.features.lists.import_summary import (
    ROW_OUTCOMES,
    ImportSummary,
    program_outcomes,
    row_results,
    unknown_programs_text,
)
from smsgate.features.lists.import_undo import UNDO_OUTCOMES, ImportUndo, undo_results, undo_text
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.number_import import ImportRequest
from smsgate.features.lists.progress_bars import bytes_bar, numbers_bar
from smsgate.features.lists.rows import region_of
from smsgate.features.lists.scrub import BLOCK_REASONS, Scrub, unreachable
from smsgate.features.lists.shapes import FORMATS, ColumnChoice, printable
from smsgate.files import whole
from smsgate.pipeline.manual import check_program
from smsgate.pipeline.manual_input import MEDIA, reason_of

SOME_UNUSED = NOT_DONE = 1
_file = click.Path(path_type=Path, dir_okay=False, writable=True)


_REGION = click.option("--region", default="", help="Country of numbers without one, such as US.")
_COLUMN = click.option(
    "--column", default="", help="Column of the numbers: its name, or its position from 1."
)
_FORM = click.option(
    "--format", "form", type=click.Choice(FORMATS), default="auto", show_default=True
)


@click.command("import", epilog="Example: smsgate import stopped.csv --program alerts --apply")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--program",
    default="",
    help="Program that the numbers opted out of, or `all`; not needed with --program-column.",
)
@click.option("--apply", is_flag=True, help="Apply the changes; without it, only preview them.")
@click.option(
    "--state",
    type=click.Choice(["opted_out", "subscribed"]),
    help="State of every number; default: as a recognised export says, else opted out. "
    "`subscribed` records consents and lifts no opt-out.",
)
@_REGION
@_COLUMN
@click.option("--date-column", default="", help="Column that says since when a state holds.")
@click.option("--state-column", default="", help="Column that says opted_out or subscribed.")
@click.option(
    "--program-column",
    default="",
    help="Column that names the program of each row. With --program, only rows of that are used.",
)
@click.option(
    "--source-column",
    default="",
    help="Column that says from where each row comes, such as Klaviyo.",
)
@_FORM
@click.option("--result", type=_file, help="Write the outcome of each row to this CSV file.")
@click.option("--words", default="", help="What subscribers agreed to; required with `subscribed`.")
@click.option(
    "--medium", type=click.Choice(MEDIA), default="other", help="Where they agreed to it."
)
@session.as_json
def import_list(
    file: BinaryIO,
    program: str,
    apply: bool,
    state: State | None,
    region: str,
    column: str,
    date_column: str,
    state_column: str,
    program_column: str,
    source_column: str,
    form: str,
    result: Path | None,
    words: str,
    medium: str,
    as_json: bool,
) -> None:
    """Import a list: CSV, TSV, one JSON object a line, or one number a line.

    Without --apply, the command reads the whole file and changes nothing. With --apply, every
    number of the list is suppressed when it ends. The same file has one effect, however often you
    import it. If the command was killed, run it again.

    Exit code 0: every row could be used. 1: some could not. 2: nothing was done.
    """
    started = time.monotonic()
    if not program and not program_column:
        raise click.UsageError(
            "Say for which program the list is: --program NAME, or --program-column COLUMN where "
            "each row says it."
        )
    services = session.services_for_lists()
    name = Path(file.name).name
    request = ImportRequest(
        program=program,
        state=state or "opted_out",
        actor=person(),
        note=name,
        consent=Consent(words=words, medium=medium, source=name) if words else None,
    )
    work = FileImport(
        services,
        request,
        file,
        region=region_of(region),
        form=form,
        column=column,
        columns=ColumnChoice(date_column, state_column, program_column, source_column),
        forced=state is not None,
    )
    with ExitStack() as stack:
        write = stack.enter_context(row_results(result)) if result else None
        bar = stack.enter_context(bytes_bar(file, quiet=as_json))
        summary = work.rehearse(bar("Reading the list"), None if apply else write)
        if apply:
            if work.needs_words(summary):
                raise click.UsageError("Say what the subscribers agreed to: --words 'I agree …'")
            summary = work.apply(summary, bar("Importing"), write)
    if as_json:
        session.show_json(_import_json(summary, applied=apply))
    else:
        _show_read(name, summary.shape, summary.encoding, summary.rows, started)
        _show_import(summary, titles_of(services.settings), applied=apply)
    session.end(SOME_UNUSED if summary.unused else 0)


def _import_json(summary: ImportSummary, *, applied: bool) -> dict[str, object]:
    value: dict[str, object] = msgspec.to_builtins(summary)
    first = [{**msgspec.to_builtins(row), "cell": printable(row.cell)} for row in summary.first]
    return {**value, "first": first, "applied": applied}


def _show_import(summary: ImportSummary, titles: Mapping[str, str], *, applied: bool) -> None:
    for name, count in summary.by_program.most_common():
        click.echo(f"{count:>9,}  rows for the program {name or '(empty)'!r} of the file")
    for one in program_outcomes(summary.programs) if summary.by_program else ():
        done = "changed" if applied else "new"
        reasons = ", ".join(f"{count:,} {name}" for name, count in one.reasons.items())
        click.echo(
            f"{one.program}: {one.new:,} {done}, {one.known:,} known, {one.refused:,} refused"
            + (f" ({reasons})" if reasons else "")
        )
    if summary.unknown_programs:
        click.echo(unknown_programs_text(summary.unknown_programs, titles))
    if summary.undated:
        click.echo(
            f"{summary.undated:,} dates cannot be read, so when these states began is unknown: "
            "write dates as 2026-01-31."
        )
    for change in summary.changes:
        click.echo(change_text(change, titles, done=applied))
    _show_counts(summary.outcomes, ROW_OUTCOMES)
    _show_counts(summary.problems, ROW_OUTCOMES)
    for row in summary.first:
        click.echo(f"line {row.line}: {printable(row.cell)!r}: {ROW_OUTCOMES[row.outcome]}")
    if not applied:
        click.echo("Nothing was changed. To apply it, run the command again with --apply.")
    elif summary.outcomes["applied"]:
        click.echo(f"To undo it: smsgate imports undo {summary.list_id}")


@click.group("imports")
def imports_group() -> None:
    """Show imported lists, and undo one as a whole."""


@imports_group.command("list", epilog="Example: smsgate imports list --limit 10")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@session.as_json
def list_imports(limit: int, as_json: bool) -> None:
    """List the newest imports: time, operator, file, and its changes."""
    services = session.services_for_lists()
    found = imports(services.store, services.records, limit)
    if as_json:
        session.show_json([asdict(one) for one in found])
        return
    for one in found:
        click.echo(f"{moment(one.at_us)}  {one.id}  by {one.by}\n    {one.note}")
        if one.undone_us:
            undone = f"undone {moment(one.undone_us)} by {one.undone_by}: {one.undone_reason}"
            click.echo(f"    {undone}\n    {one.undone_note}")
    if not found:
        click.echo("No imports on record.")


@imports_group.command(
    epilog="Example: smsgate imports undo import-3f… --reason 'wrong file' --apply"
)
@click.argument("list_id", metavar="ID")
@click.option("--apply", is_flag=True, help="Apply the changes; without it, only preview them.")
@click.option("--reason", default="", help="Recorded with your name; required with --apply.")
@click.option("--result", type=_file, help="Write the outcome of each number to this CSV file.")
@session.as_json
def undo(list_id: str, apply: bool, reason: str, result: Path | None, as_json: bool) -> None:
    """Undo an import as a whole: each number returns to its state before the list.

    A number with something newer stays as it is: its own STOP or START, a lock, a consent, a
    manual opt-out, or a later list. If the command was killed, run it again; nothing is done
    twice.

    Exit code 0: nothing is left to undo. 1: other lists were being applied, run it again.
    2: nothing was done.
    """
    if apply and not reason.strip():
        raise click.UsageError("Give a reason for the record: --reason TEXT.")
    work = ImportUndo(session.services_for_lists())
    with ExitStack() as stack:
        write = stack.enter_context(undo_results(result)) if result else None
        progress = stack.enter_context(numbers_bar(quiet=as_json))
        if apply:
            summary = work.apply(list_id, person(), reason_of(reason), progress, write)
        else:
            summary = work.rehearse(list_id, progress, write)
    if as_json:
        record, outcomes = asdict(summary.record), dict(summary.outcomes)
        session.show_json({"import": record, "outcomes": outcomes, "applied": apply})
    else:
        click.echo(undo_text(summary.record, summary.outcomes))
        _show_counts(summary.outcomes, UNDO_OUTCOMES)
        if not apply:
            click.echo(
                "Nothing was changed. To undo it, run the command again with --apply and --reason."
            )
    session.end(NOT_DONE if summary.outcomes["busy"] else 0)


@click.command(epilog="Example: smsgate export --program alerts --state opted_out -o stopped.csv")
@click.option("--program", default="", help="Export the states for this program.")
@click.option("--scope", type=click.Choice([ALL]), help="Export the states for every program.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES))
@click.option(
    "--source", "sources", multiple=True, help="Only this source, such as text, provider or import."
)
@click.option("--since", type=click.DateTime(), help="Only states that began then or later (UTC).")
@click.option("--format", "form", type=click.Choice(FORMS), default="csv", show_default=True)
@click.option("-o", "--output", type=_file)
def export(
    program: str,
    scope: str | None,
    states: tuple[str, ...],
    sources: tuple[str, ...],
    since: datetime | None,
    form: str,
    output: Path | None,
) -> None:
    """Export consent states from the records, to a file or to standard output.

    `smsgate import` reads such a file again. It contains personal data: protect it.
    """
    if bool(program) == bool(scope):
        raise click.UsageError("Say for whom: --program NAME, or --scope all")
    services = session.services_for_lists()
    if program:
        check_program(services.settings, program)
    query = ExportQuery(
        scope=program or ALL,
        states=frozenset(states),
        sources=frozenset(sources),
        since_us=int(since.replace(tzinfo=UTC).timestamp() * 1_000_000) if since else 0,
    )
    session.record_action(
        "exported numbers", f"{query.scope}, {', '.join(states) or 'every state'}"
    )
    count = 0
    with ExitStack() as stack:
        out = stack.enter_context(whole(output)) if output else sys.stdout.buffer
        for some, lines in export_lines(exported_numbers(services, query), form):
            out.write(lines)
            count += some
        out.flush()
    if output is not None:
        click.echo(f"Wrote {count:,} numbers to {output}.")


@click.command(
    epilog="Example: smsgate scrub contacts.csv --program alerts -o clean.csv --blocked blocked.csv"
)
@click.argument("file", type=click.File("rb"))
@click.option("--program", required=True, help="Sending program.")
@click.option(
    "-o", "--output", type=_file, required=True, help="File for the numbers that may be texted."
)
@click.option("--blocked", type=_file, required=True, help="File for the others, with the reasons.")
@_REGION
@_COLUMN
@_FORM
@click.option(
    "--types", is_flag=True, help="Block numbers that are not mobile in their country's plan."
)
@session.as_json
def scrub(
    file: BinaryIO,
    program: str,
    output: Path,
    blocked: Path,
    region: str,
    column: str,
    form: str,
    types: bool,
    as_json: bool,
) -> None:
    """Split a list into numbers that may be texted and numbers that may not.

    Both files keep columns, order and encoding; the blocked one has two more columns. The result
    is valid for this moment: ask the gate again at the send. If the gate cannot tell, no file is
    written.
    """
    started = time.monotonic()
    if len({path.resolve() for path in (Path(file.name), output, blocked)}) < 3:
        raise click.UsageError("The list, -o and --blocked must be three different files")
    services = session.services_for_lists()
    work = Scrub(
        services.gate,
        program,
        ListFile(file, form, column),
        unreachable(services.store, services.records),
        region=region_of(region),
        mobile_only=types,
    )
    with whole(output) as clean, whole(blocked) as rest, bytes_bar(file, quiet=as_json) as bar:
        done = work.run(file, clean, rest, bar("Scrubbing"))
    if as_json:
        session.show_json(msgspec.to_builtins(done))
        return
    _show_read("", done.shape, done.encoding, done.rows, started)
    click.echo(f"{done.clean:>12,}  can be texted")
    _show_counts(done.blocked, BLOCK_REASONS)
    if types and done.unknown_kind:
        click.echo(f"For {done.unknown_kind:,} it is unknown whether they are mobile numbers.")


def _show_read(name: str, shape: str, encoding: str, rows: int, started: float) -> None:
    pace = rows / max(time.monotonic() - started, 1e-9)
    read = f"{shape}, {encoding}; {rows:,} rows, {pace:,.0f} a second."
    click.echo(f"{name}: {read}" if name else read)


def _show_counts(counts: Counter[str], meanings: Mapping[str, str]) -> None:
    for name, count in counts.most_common():
        click.echo(f"{count:>12,}  {name}: {meanings.get(name, '')}")
