"""``smsgate records``: the proof: set up, checked, exported."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from smsgate.cli import session
from smsgate.cli.session import person
from smsgate.features.records_admin import adopting
from smsgate.features.records_admin.diff_command import diff
from smsgate.features.records_admin.exporting import FORMATS, export
from smsgate.files import whole
from smsgate.records import Link, Records

_DAY = "%Y-%m-%d"


@click.group()
def records() -> None:
    """The records: what happened, for as long as it has to be proved."""


@records.command(epilog="Example: smsgate records migrate")
def migrate() -> None:
    """Make the tables, or bring them to the version that this smsgate needs.

    `smsgate dev` does it by itself; elsewhere run it before the new version starts.
    """
    before, after = session.gateway().records.migrate()
    said = f"The records have version {after}."
    if before == after:
        said = f"The records have version {after} already."
    Console(highlight=False).print(said)


@records.command(epilog="Example: smsgate records status")
@session.as_json
def status(as_json: bool) -> None:
    """Show how much is kept, what waits, and where each partition's chain stands.

    Write the digest down elsewhere: as long as it can be found again in `smsgate records verify
    --digest`, nobody has written the chains anew.
    """
    gateway = session.gateway()
    gateway.records.check()
    reading, heads = gateway.records.reading, gateway.records.reading.heads()
    found: dict[str, Any] = {
        "state": gateway.recording.state(),
        "records": reading.count_events(),
        "numbers": reading.count_numbers(),
        "stores": [one.id for one in reading.stores()],
        "lanes": {
            partition: {"seq": one.seq, "hash": one.hash.hex()} for partition, one in heads.items()
        },
        "digest": digest_of(heads),
    }
    if as_json:
        session.show_json(found)
        return
    console = Console(highlight=False)
    console.print(f"{found['records']:,} records of {found['numbers']:,} numbers that stand.")
    console.print(f"From the ledgers: {found['state']}", markup=False, soft_wrap=True)
    console.print(f"Digest of the chains: {found['digest']}", soft_wrap=True)


@records.command(epilog="Example: smsgate records verify")
@click.option("--digest", metavar="DIGEST", help="A digest that `records status` once gave.")
@session.as_json
def verify(digest: str | None, as_json: bool) -> None:
    """Check every record and each partition's chain. Exit code 1 where something is wrong.

    Finds what was changed, removed, added or reordered, and says which. Somebody who may write to
    the database could still write all of it anew: a digest that was kept elsewhere shows that.
    """
    kept = session.gateway().records
    kept.check()
    total = kept.reading.count_events()
    found = []
    with _bar() as bar:
        task = bar.add_task("Checking the records", total=total)
        for one in kept.verifying.verify(lambda count: bar.advance(task, count)):
            found.append(str(one))
            if not as_json:
                bar.console.print("[bold red]wrong[/]", end=" ")
                bar.console.print(str(one), markup=False, soft_wrap=True)
    if digest and not _once_had(kept, digest):
        found.append(f"the chains never had the digest {digest}")
    if as_json:
        session.show_json({"records": total, "wrong": found})
    else:
        Console(highlight=False).print(_verdict(total, found), soft_wrap=True)
    session.end(1 if found else 0)


@records.command("export", epilog="Example: smsgate records export --since 2026-01-01 -o 2026.csv")
@click.option("--since", metavar="DATE", help="Received from then on, such as 2026-01-31 (UTC).")
@click.option("--until", metavar="DATE", help="Received before then.")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False, writable=True))
def export_records(since: str | None, until: str | None, kind: str, output: Path | None) -> None:
    """Write the records out, oldest first, to a file or to standard output.

    NDJSON has every event whole; in CSV a text that a spreadsheet would take for a formula begins
    with an apostrophe.
    """
    kept = session.gateway().records
    kept.check()
    found = kept.reading.between(_moment(since) if since else 0, _moment(until) if until else None)
    if output is None:
        export(found, kind, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        with whole(output) as out:
            count = export(found, kind, out)
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error
    Console(highlight=False).print(f"{count:,} records are in {output}.", soft_wrap=True)


@records.command(epilog="Example: smsgate records adopt --reason 'restored from the backup of May'")
@click.option("--reason", required=True, help="Why it is older: goes on record.")
def adopt(reason: str) -> None:
    """Go on with a database that has less than the store was told it has.

    After a restore from a backup nothing is moved into the records until somebody says that it
    is to go on with them. What is missing is recorded in each partition, and how numbers stand in
    the store now, so that no opt-out is in the store alone.
    """
    it = session.gateway()
    partitions, noted = adopting.adopt(it.store, it.records, it.recording, person(), reason)
    said = "Nothing is missing; nothing was changed."
    if partitions:
        said = (
            f"{len(partitions)} partitions go on; how {noted:,} numbers stand was taken from "
            "the store."
        )
    Console(highlight=False).print(said)


def digest_of(heads: dict[int, Link]) -> str:
    """A digest of all partitions' chains. It contains each ``PARTITION:SEQ``, for a later check."""
    places = "-".join(f"{partition}:{heads[partition].seq}" for partition in sorted(heads))
    hashes = b"".join(heads[partition].hash for partition in sorted(heads))
    return f"{places}-{sha256(hashes).hexdigest()[:32]}" if heads else "none"


def _once_had(kept: Records, digest: str) -> bool:
    """Whether the chains passed through the links that the digest was made of."""
    *places, _ = digest.split("-")
    heads: dict[int, Link] = {}
    for place in places:
        partition, _, seq = place.partition(":")
        if not (partition.isdigit() and seq.isdigit()):
            return False
        heads.update(
            (one.partition, one)
            for one in kept.reading.links(int(partition), int(seq) - 1, int(seq))
        )
    return digest_of(heads) == digest


def _verdict(total: int, found: list[str]) -> str:
    if found:
        return f"[bold red]{len(found)} things are wrong[/] in {total:,} records."
    return f"[green]All {total:,} records are as they were written.[/]"


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True, highlight=False)
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True)


def _moment(text: str) -> int:
    """A date, or a date and time, as microseconds; UTC where it says nothing else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r}: write it as 2026-01-31 or 2026-01-31T08:30") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000)


records.add_command(diff)
