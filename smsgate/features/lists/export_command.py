"""``smsgate export``: who opted out or subscribed, since when, and by whose word."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.domain.messages import ALL
from smsgate.features.lists.exporting import FORMS, STATES, Exporting, Wanted, written
from smsgate.files import whole
from smsgate.pipeline.entries import check_program


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
    gateway = session.gateway_for_lists()
    if program:
        check_program(gateway.settings, program)
    wanted = Wanted(
        scope=program or ALL,
        states=frozenset(states),
        sources=frozenset(sources),
        since_us=int(since.replace(tzinfo=UTC).timestamp() * 1_000_000) if since else 0,
    )
    found = Exporting(gateway.records, gateway.recording).numbers(wanted)
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
