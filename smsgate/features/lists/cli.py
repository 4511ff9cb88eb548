"""``smsgate import``, ``imports``, ``export`` and ``scrub``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from smsgate.cli import session
from smsgate.cli.session import moment, person
from smsgate.domain.messages import ALL, Consent
from smsgate.domain.phone import is_region
from smsgate.features.lists.export import FORMS, STATES, Exporting, Wanted, written
from smsgate.features.lists.file_import import ROW_OUTCOMES, FileImport, Summary, results
from smsgate.features.lists.import_record import change_text, titles_of
from smsgate.features.lists.import_record import imports as on_record
from smsgate.features.lists.import_undo import (
    UNDO_OUTCOMES,
    UndoSummary,
    build_import_undo,
    undo_results,
    undo_text,
)
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.number_import import Listing, build_importing
from smsgate.features.lists.scrub import BLOCKED, Scrubbed, Scrubbing, unreachable
from smsgate.features.lists.shapes import FORMATS, shown
from smsgate.files import whole
from smsgate.pipeline.entries import check_program
from smsgate.pipeline.manual_input import reason_of


@contextmanager
def bytes_bar(file: BinaryIO, *, quiet: bool) -> Iterator[Callable[[str], Callable[[int], None]]]:
    """Gives a function: what is being done, to what is told how many bytes more were read."""
    total = os.fstat(file.fileno()).st_size
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=quiet) as bar:

        def begin(what: str) -> Callable[[int], None]:
            task = bar.add_task(what, total=total or None)
            return lambda count: bar.advance(task, count)

        yield begin


@contextmanager
def numbers_bar(*, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Gives what is told how many numbers more were looked at; how many there are is not known."""
    columns = (TextColumn("{task.completed:,.0f} numbers"), TimeElapsedColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, disable=quiet) as bar:
        task = bar.add_task("", total=None)
        yield lambda count: bar.advance(task, count)


SOME_UNUSED = 1


@click.command("import", epilog="Example: smsgate import stopped.csv --program alerts --apply")
@click.argument("file", type=click.File("rb"))
@click.option("--program", required=True, help="Program that the people opted out of, or `all`.")
@click.option("--apply", is_flag=True, help="Do it; without it nothing is changed.")
@click.option(
    "--state",
    type=click.Choice(["opted_out", "subscribed"]),
    help="How every number stands; as the file says where it is an export that says so, else "
    "opted out. A list of subscribers records their consent and lifts no opt-out.",
)
@click.option("--region", default="", help="Country of numbers without one, such as US.")
@click.option("--column", default="", help="Column of the numbers: its name, or its place from 1.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="auto", show_default=True)
@click.option(
    "--result",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write what became of each row to this CSV file.",
)
@click.option("--words", default="", help="What subscribers agreed to; needed for their consent.")
@click.option(
    "--medium",
    type=click.Choice(["web", "paper", "voice", "text", "other"]),
    default="other",
    help="Where they agreed to it.",
)
@session.as_json
def import_list(file: BinaryIO, as_json: bool, result: Path | None, **given: Any) -> None:  # noqa: ANN401 - click's options
    """Import a list: CSV, TSV, one JSON object a line, or one number a line.

    The whole file is read first; without --apply that is all. With --apply, every number of the
    list is suppressed when the command ends. The same file has one effect, however often it is
    imported, and a command that was killed is simply run again.

    Exit code 0: every row could be used. 1: some could not. 2: nothing could be done.
    """
    started = time.monotonic()
    services = session.services_for_lists()
    name = Path(file.name).name
    work = FileImport(
        build_importing(services),
        services.records,
        _listing(name, given),
        file,
        region=region_of(given["region"]),
        form=given["form"],
        column=given["column"],
        forced=given["state"] is not None,
    )
    with ExitStack() as stack:
        applying = given["apply"]
        write = stack.enter_context(results(result)) if result else None
        bar = stack.enter_context(bytes_bar(file, quiet=as_json))
        summary = work.rehearse(bar("Reading the list"), None if applying else write)
        if applying:
            if work.needs_words(summary):
                raise click.UsageError("Say what the subscribers agreed to: --words 'I agree …'")
            summary = work.apply(summary, bar("Importing"), write)
    took_s = time.monotonic() - started
    titles = titles_of(services.settings)
    _show_import(summary, name, titles, applied=applying, as_json=as_json, seconds=took_s)
    session.end(SOME_UNUSED if summary.unused else 0)


def _listing(name: str, given: dict[str, Any]) -> Listing:
    consent = None
    if given["words"]:
        consent = Consent(words=given["words"], medium=given["medium"], source=name)
    return Listing(
        program=given["program"],
        state=given["state"] or "opted_out",
        actor=person(),
        note=name,
        consent=consent,
    )


def region_of(text: str) -> str:
    """A country that was given, in capitals; empty for none."""
    region = text.upper()
    if region and not is_region(region):
        raise click.BadParameter(f"{text!r} is no country: two letters, such as US or GB")
    return region


def _show_import(
    summary: Summary,
    name: str,
    titles: Mapping[str, str],
    *,
    applied: bool,
    as_json: bool,
    seconds: float,
) -> None:
    outcomes = dict(summary.outcomes)
    if as_json:
        first = [{**msgspec.to_builtins(row), "cell": shown(row.cell)} for row in summary.first]
        summary.first = []
        value = msgspec.to_builtins(summary)
        del value["by_state"]
        session.show_json({**value, "first": first, "applied": applied})
        return
    console = Console(highlight=False)
    pace = f"{summary.rows / seconds:,.0f} a second" if seconds else ""
    console.print(
        f"{name}: {summary.shape}, {summary.encoding}; {summary.rows:,} rows, {pace}.",
        markup=False,
        soft_wrap=True,
    )
    for change in summary.changes:
        console.print(change_text(change, titles, done=applied), markup=False, soft_wrap=True)
    for counts in (outcomes, summary.problems):
        for one, count in sorted(counts.items(), key=lambda item: -item[1]):
            console.print(f"{count:>12,}  {one}: {ROW_OUTCOMES[one]}", markup=False, soft_wrap=True)
    for row in summary.first:
        said = f"line {row.line}: {shown(row.cell)!r}: {ROW_OUTCOMES[row.outcome]}"
        console.print(said, markup=False, soft_wrap=True)
    if not applied:
        console.print("Nothing was changed. To do it, run it again with --apply.")
    elif summary.outcomes["applied"]:
        console.print(f"To take it back: smsgate imports undo {summary.list_id}", soft_wrap=True)


NOT_DONE = 1


@click.group("imports")
def imports_group() -> None:
    """Lists that were imported, and undoing one of them as a whole."""


@imports_group.command("list", epilog="Example: smsgate imports list --limit 10")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@session.as_json
def list_imports(limit: int, as_json: bool) -> None:
    """List the newest imports: when, by whom, which file, and what it changed, by name."""
    services = session.services_for_lists()
    found = on_record(services.store, services.records, limit)
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


@imports_group.command(
    epilog="Example: smsgate imports undo import-3f… --reason 'wrong file' --apply"
)
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
    work = build_import_undo(session.services_for_lists())
    with ExitStack() as stack:
        write = stack.enter_context(undo_results(result)) if result else None
        progress = stack.enter_context(numbers_bar(quiet=as_json))
        if apply:
            summary = work.apply(list_id, person(), reason_of(reason), progress, write)
        else:
            summary = work.rehearse(list_id, progress, write)
    _show_undo(summary, applied=apply, as_json=as_json)
    session.end(NOT_DONE if summary.outcomes["busy"] else 0)


def _show_undo(summary: UndoSummary, *, applied: bool, as_json: bool) -> None:
    outcomes = dict(summary.outcomes)
    if as_json:
        session.show_json(
            {"import": asdict(summary.record), "outcomes": outcomes, "applied": applied}
        )
        return
    console = Console(highlight=False)
    console.print(undo_text(summary.record, summary.outcomes), markup=False, soft_wrap=True)
    for one, count in sorted(outcomes.items(), key=lambda item: -item[1]):
        console.print(f"{count:>12,}  {one}: {UNDO_OUTCOMES[one]}", markup=False, soft_wrap=True)
    if not applied:
        console.print("Nothing was changed. To do it, run it again with --apply and --reason.")


@click.command(epilog="Example: smsgate export --program alerts --state opted_out -o stopped.csv")
@click.option("--program", default="", help="How numbers stand with this program.")
@click.option("--scope", type=click.Choice([ALL]), help="What holds for every program.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES))
@click.option("--source", "sources", multiple=True, help="Such as text, provider or import.")
@click.option("--since", type=click.DateTime(), help="Standing so from then on (UTC).")
@click.option("--format", "form", type=click.Choice(FORMS), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False, writable=True))
def export(
    program: str,
    scope: str | None,
    states: tuple[str, ...],
    sources: tuple[str, ...],
    since: datetime | None,
    form: str,
    output: Path | None,
) -> None:
    """Write out how numbers stand, from the records, to a file or to standard output.

    `smsgate import` reads such a file again. It is a list of people: keep it as one.
    """
    if bool(program) == bool(scope):
        raise click.UsageError("Say for whom: --program NAME, or --scope all")
    services = session.services_for_lists()
    if program:
        check_program(services.settings, program)
    wanted = Wanted(
        scope=program or ALL,
        states=frozenset(states),
        sources=frozenset(sources),
        since_us=int(since.replace(tzinfo=UTC).timestamp() * 1_000_000) if since else 0,
    )
    found = Exporting(services.records, services.archiver).numbers(wanted)
    with _out(output) as out:
        count = 0
        for some, lines in written(found, form):
            out.write(lines)
            count += some
    if output is not None:
        Console(highlight=False).print(f"{count:,} numbers are in {output}.", soft_wrap=True)


@contextmanager
def _out(path: Path | None) -> Iterator[BinaryIO]:
    if path is not None:
        with whole(path) as out:
            yield out
        return
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


_path = click.Path(path_type=Path, dir_okay=False, writable=True)


@click.command(
    epilog="Example: smsgate scrub contacts.csv --program alerts -o clean.csv --blocked blocked.csv"
)
@click.argument("file", type=click.File("rb"))
@click.option("--program", required=True, help="Program that wants to text.")
@click.option("-o", "--output", type=_path, required=True, help="Who may be texted.")
@click.option("--blocked", type=_path, required=True, help="Who may not, and why.")
@click.option("--region", default="", help="Country of numbers without one, such as US.")
@click.option("--column", default="", help="Column of the numbers: its name, or its place from 1.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="auto", show_default=True)
@click.option("--types", is_flag=True, help="Block what is no mobile number by its country's plan.")
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
    """Part a list into who may be texted and who may not.

    Both files keep columns, order and encoding; the blocked ones have two columns more. It is true
    of this moment: ask the gate again at the send. Where the gate cannot tell, nothing is written.
    """
    started = time.monotonic()
    _refuse_same(Path(file.name), output, blocked)
    services = session.services_for_lists()
    listed = ListFile(file, form, column)
    work = Scrubbing(
        services.gate,
        program,
        listed,
        unreachable(services.store, services.records),
        region=region_of(region),
        kinds=types,
    )
    with ExitStack() as stack:
        outs = [stack.enter_context(whole(path)) for path in (output, blocked)]
        bar = stack.enter_context(bytes_bar(file, quiet=as_json))
        done = work.part(file, outs[0], outs[1], bar("Scrubbing"))
    _show_scrub(done, time.monotonic() - started, types=types, as_json=as_json)


def _refuse_same(source: Path, output: Path, blocked: Path) -> None:
    if len({path.resolve() for path in (source, output, blocked)}) < 3:
        raise click.UsageError("The list, -o and --blocked must be three different files")


def _show_scrub(done: Scrubbed, seconds: float, *, types: bool, as_json: bool) -> None:
    if as_json:
        session.show_json(msgspec.to_builtins(done))
        return
    console = Console(highlight=False)
    pace = f"{done.rows / seconds:,.0f} a second"
    console.print(
        f"{done.shape}, {done.encoding}; {done.rows:,} rows, {pace}.", markup=False, soft_wrap=True
    )
    console.print(f"{done.clean:>12,}  may be texted")
    for reason, count in done.blocked.most_common():
        said = f"{count:>12,}  {reason}: {BLOCKED.get(reason, '')}"
        console.print(said, markup=False, soft_wrap=True)
    if types and done.unknown_kind:
        said = f"Of {done.unknown_kind:,} it cannot be said whether they are mobile numbers."
        console.print(said, soft_wrap=True)
