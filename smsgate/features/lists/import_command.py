"""``smsgate import``: a list of numbers that opted out or subscribed elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import person
from smsgate.domain.messages import Consent
from smsgate.domain.phone import is_region
from smsgate.features.lists.encodings import shown
from smsgate.features.lists.import_changes import change_text, titles_of
from smsgate.features.lists.import_results import SAID, results, unused
from smsgate.features.lists.importing import Listing
from smsgate.features.lists.importing_files import FileImport, Summary
from smsgate.features.lists.progress import bytes_bar
from smsgate.features.lists.service import build_importing
from smsgate.features.lists.shapes import FORMATS

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
    gateway = session.gateway_for_lists()
    name = Path(file.name).name
    work = FileImport(
        build_importing(gateway),
        gateway.records,
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
    titles = titles_of(gateway.settings)
    _show(summary, name, titles, applied=applying, as_json=as_json, seconds=took_s)
    session.end(SOME_UNUSED if unused(summary) else 0)


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


def _show(
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
            console.print(f"{count:>12,}  {one}: {SAID[one]}", markup=False, soft_wrap=True)
    for row in summary.first:
        said = f"line {row.line}: {shown(row.cell)!r}: {SAID[row.outcome]}"
        console.print(said, markup=False, soft_wrap=True)
    if not applied:
        console.print("Nothing was changed. To do it, run it again with --apply.")
    elif summary.outcomes["applied"]:
        console.print(f"To take it back: smsgate imports undo {summary.list_id}", soft_wrap=True)
