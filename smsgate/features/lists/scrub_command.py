"""``smsgate scrub``: a team's list before a send."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click
import msgspec
from rich.console import Console

from smsgate.cli import session
from smsgate.features.lists.hygiene import unreachable
from smsgate.features.lists.import_command import region_of
from smsgate.features.lists.progress import bytes_bar
from smsgate.features.lists.reading import ListFile
from smsgate.features.lists.scrubbing import BLOCKED, Scrubbed, Scrubbing
from smsgate.features.lists.shapes import FORMATS
from smsgate.files import whole

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
    gateway = session.gateway_for_lists()
    listed = ListFile(file, form, column)
    work = Scrubbing(
        gateway.gate,
        program,
        listed,
        unreachable(gateway.store, gateway.records),
        region=region_of(region),
        kinds=types,
    )
    with ExitStack() as stack:
        outs = [stack.enter_context(whole(path)) for path in (output, blocked)]
        bar = stack.enter_context(bytes_bar(file, quiet=as_json))
        done = work.part(file, outs[0], outs[1], bar("Scrubbing"))
    _show(done, time.monotonic() - started, types=types, as_json=as_json)


def _refuse_same(source: Path, output: Path, blocked: Path) -> None:
    if len({path.resolve() for path in (source, output, blocked)}) < 3:
        raise click.UsageError("The list, -o and --blocked must be three different files")


def _show(done: Scrubbed, seconds: float, *, types: bool, as_json: bool) -> None:
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
