"""``smsgate records``, ``rebuild`` and ``forget``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import out, person
from smsgate.consent.events import ConsentState
from smsgate.domain.phone import as_recorded
from smsgate.features.records_admin import comparison
from smsgate.features.records_admin.comparison import ConsentStateDifference, differences
from smsgate.features.records_admin.export import FORMATS, export
from smsgate.features.records_admin.import_0_2 import UpgradeImport
from smsgate.features.records_admin.rebuild import RebuildResult, build_rebuild_service
from smsgate.files import whole
from smsgate.pipeline.archive_report import archive_report
from smsgate.pipeline.forgetting import forget_number
from smsgate.pipeline.services import Services
from smsgate.records import ChainLink, Records, chain_digest


@click.group()
def records() -> None:
    """The records: the permanent history of consent."""


@records.command(epilog="Example: smsgate records migrate")
def migrate() -> None:
    """Create the tables, or bring them to the version that this smsgate needs.

    `smsgate dev` does this by itself. Elsewhere, run it before the new version starts.
    """
    before, after = session.services().records.migrate()
    out.print(f"The records have version {after}{' already' if before == after else ''}.")


@records.command(epilog="Example: smsgate records status")
@session.as_json
def status(as_json: bool) -> None:
    """Show the number of records, what waits, and the head of each partition's chain.

    Keep the digest elsewhere: while `smsgate records verify --digest` still finds it, nobody has
    rewritten the chains.
    """
    services = session.services()
    services.records.check()
    reading, heads = services.records.reader, services.records.reader.heads()
    found: dict[str, Any] = {
        "state": archive_report(services.archiver).text,
        "records": reading.count_events(),
        "numbers": reading.count_numbers(),
        "stores": [one.id for one in reading.stores()],
        "partitions": {
            partition: {"seq": one.seq, "hash": one.hash.hex()} for partition, one in heads.items()
        },
        "digest": chain_digest(heads),
    }
    if as_json:
        session.show_json(found)
        return
    out.print(f"{found['records']:,} records of {found['numbers']:,} numbers with a status.")
    out.print(f"From the ledgers: {found['state']}", markup=False)
    out.print(f"Digest of the chains: {found['digest']}")


@records.command(epilog="Example: smsgate records verify")
@click.option(
    "--digest",
    metavar="DIGEST",
    help="A digest from the clock's log, an alert, or `records status`.",
)
@session.as_json
def verify(digest: str | None, as_json: bool) -> None:
    """Check every record and each partition's chain. Exit code 1 if there is a fault.

    It names every record that was changed, removed, added or reordered. Someone with write access
    to the database could still rewrite all of it, cut off its end or empty it; a digest that you
    kept elsewhere shows that. It says what it does not check.
    """
    kept = session.services().records
    kept.check()
    total = kept.reader.count_events()
    found, checked = [], 0
    console = Console(stderr=True, highlight=False)
    with session.progress() as tell:

        def advance(count: int) -> None:
            nonlocal checked
            checked += count
            tell("Checking the records", checked, total)

        for one in kept.verifier.verify(advance):
            found.append(str(one))
            if not as_json:
                console.print("[bold red]wrong[/]", end=" ")
                console.print(str(one), markup=False, soft_wrap=True)
    if digest and not _once_had(kept, digest):
        found.append(f"the chains never had the digest {digest}")
    not_covered = _NOT_COVERED if digest else f"{_NO_DIGEST} {_NOT_COVERED}"
    if as_json:
        session.show_json({"records": total, "wrong": found, "not_covered": not_covered})
    elif found:
        out.print(f"[bold red]{len(found)} problems[/] in {total:,} records.")
    else:
        out.print(f"[green]All {total:,} records are unchanged.[/]")
    if not as_json:
        out.print(not_covered, soft_wrap=True)
    session.end(1 if found else 0)


@records.command("export", epilog="Example: smsgate records export --since 2026-01-01 -o 2026.csv")
@click.option("--since", metavar="DATE", help="Received then or later, such as 2026-01-31 (UTC).")
@click.option("--until", metavar="DATE", help="Received before then.")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False, writable=True))
def export_records(since: str | None, until: str | None, kind: str, output: Path | None) -> None:
    """Export the records, oldest first, to a file or to standard output.

    NDJSON has every event whole; in CSV a text that a spreadsheet would take for a formula begins
    with an apostrophe.
    """
    kept = session.services().records
    kept.check()
    found = kept.reader.between(
        _moment_us(since) if since else 0, _moment_us(until) if until else None
    )
    period = " ".join(filter(None, [since and f"since {since}", until and f"until {until}"]))
    session.record_action("exported the records", period or "all of them")
    if output is None:
        export(found, kind, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        with whole(output) as file:
            count = export(found, kind, file)
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error
    out.print(f"Wrote {count:,} records to {output}.")


@records.command(
    "import-0.2",
    epilog="Example: smsgate records import-0.2 sqlite:////srv/0.2/records.sqlite3 "
    "redis://127.0.0.1:6379/0",
)
@click.argument("database_url", envvar="OLD_DATABASE_URL")
@click.argument("redis_url", envvar="OLD_REDIS_URL")
def import_0_2(database_url: str, redis_url: str) -> None:
    """Import the data of smsgate 0.2 from its database and its Redis, which stay as they are.

    DATABASE_URL and REDIS_URL of this version must name a new database and an empty Redis. From the
    first run on, `smsgate init` opens the gate only once everything is imported. Run it while 0.2
    still works, and again after its processes have ended. docs/upgrading.md has all the steps.
    """
    with session.progress() as tell:
        done = UpgradeImport(session.services_for_lists()).run(database_url, redis_url, tell)
    out.print(
        f"{done.events:,} events, the state of {done.numbers:,} numbers and {done.keys:,} API keys "
        "are imported. Compare them with 0.2, then open the gate: `smsgate init`."
    )
    if done.restated:
        out.print(f"Of {done.restated:,} numbers only the state was left, without its history.")


@records.command(epilog="Example: smsgate records adopt --reason 'restored from the backup of May'")
@click.option("--reason", required=True, help="Why the database is older. Recorded.")
def adopt(reason: str) -> None:
    """Continue with a records database that is older than the store expects.

    After you restored the records from a backup, nothing is moved into them until you run this.
    It records what is missing in each partition, and the consent state of every number in the
    store, so that no opt-out is left in the store alone.
    """
    it = session.services()
    with session.progress() as tell:
        partitions, noted = comparison.adopt(
            it.store,
            it.records,
            it.archiver,
            person(),
            reason,
            lambda count: tell("Recording the numbers of the store", count, 0),
        )
    said = "Nothing is missing; nothing was changed."
    if partitions:
        said = (
            f"{len(partitions)} partitions go on; how {noted:,} numbers stand was taken from "
            "the store."
        )
    out.print(said)


_NO_DIGEST = (
    "Records that are cut off at the end, or all, go missing unseen: name a digest that you kept "
    "elsewhere (`--digest`); the clock logs one a day."
)
_NOT_COVERED = (
    "Not checked, since they are in no chain: ordinary texts, operators and the audit log, API "
    "keys, keyword sets and configuration of the console, and counts."
)


def _once_had(kept: Records, digest: str) -> bool:
    """Whether the chains passed through the links that the digest was made of."""
    *places, _ = digest.split("-")
    heads: dict[int, ChainLink] = {}
    for place in places:
        partition, _, seq = place.partition(":")
        if not (partition.isdigit() and seq.isdigit()):
            return False
        heads.update(
            (one.partition, one)
            for one in kept.reader.links(int(partition), int(seq) - 1, int(seq))
        )
    return chain_digest(heads) == digest


def _moment_us(text: str) -> int:
    """A date, or a date and time, as microseconds; UTC where it says nothing else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r}: write it as 2026-01-31 or 2026-01-31T08:30") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000)


_SHOWN = 100


@records.command("diff", epilog="Example: smsgate records diff")
@session.as_json
def diff(as_json: bool) -> None:
    """Compare the store's sets with the records, number by number. Exit code 1 if they differ.

    It first moves waiting events into the records. `smsgate rebuild` corrects differences.
    """
    services = session.services()
    found = list(differences(services.store, services.records, services.archiver))
    if as_json:
        session.show_json(
            [
                {
                    "number": one.number,
                    "store": _text_of(one.store),
                    "records": _text_of(one.records),
                }
                for one in found
            ]
        )
    else:
        _show_differences(found)
    if found:
        session.end(1)


def _show_differences(found: list[ConsentStateDifference]) -> None:
    for one in found[:_SHOWN]:
        here, there = _text_of(one.store), _text_of(one.records)
        out.print(f"{one.number}: the store says {here}, the records {there}")
    if not found:
        out.print("equal")
    elif len(found) > _SHOWN:
        out.print(f"… and {len(found) - _SHOWN:,} more; `smsgate rebuild` fixes them")


def _text_of(consent_state: ConsentState) -> str:
    parts = ["locked"] if consent_state.locked else []
    parts += ["out of all"] if consent_state.everywhere else []
    parts += [f"out of {name}" for name in sorted(consent_state.opted_out)]
    parts += [f"back in {name}" for name in sorted(consent_state.exceptions)]
    parts += [f"agreed to {name}" for name in sorted(consent_state.consents)]
    return ", ".join(parts) or "nothing"


MOST_BUCKETS = 1 << 20


@click.command(epilog="Example: smsgate rebuild --buckets 16384")
@click.option(
    "--buckets",
    type=click.IntRange(0, MOST_BUCKETS),
    default=0,
    help="Buckets per partition from now on (docs/operating.md says how many you need); "
    "default: unchanged.",
)
@click.option("--adopt", is_flag=True, help="Overwrite a store that belongs to other records.")
@click.option(
    "--allow-empty",
    is_flag=True,
    help="Rebuild although the records are empty: the store then allows everyone.",
)
@session.as_json
def rebuild(buckets: int, adopt: bool, allow_empty: bool, as_json: bool) -> None:
    """Rebuild suppression sets, consents and review holds from the records.

    The gate answers "not ready" until it has finished. Texts that arrive meanwhile are kept and
    applied afterwards.
    """
    services = session.services()
    rebuilt = _rebuilt(
        services, quiet=as_json, buckets=buckets, adopt=adopt, allow_empty=allow_empty
    )
    if as_json:
        found = asdict(rebuilt)
        found |= {"store": found.pop("store_id"), "newest": _iso(found.pop("newest_us"))}
        session.show_json(found)
    else:
        _show_rebuilt(rebuilt)


def restore_if_needed(services: Services) -> bool:
    """Rebuild a store that lost what the records have; whether it was.

    Raises as ``RebuildService.needed``.
    """
    why = build_rebuild_service(services).needed()
    if not why:
        return False
    out.print(f"Rebuilding the store from the records: {why}.")
    _show_rebuilt(_rebuilt(services, quiet=False, why=why))
    return True


def _rebuilt(
    services: Services,
    *,
    quiet: bool,
    buckets: int = 0,
    adopt: bool = False,
    allow_empty: bool = False,
    why: str = "",
) -> RebuildResult:
    """Rebuild the store, and say how far that is."""
    with session.progress(quiet=quiet) as tell:
        return build_rebuild_service(services).rebuild(
            tell, buckets=buckets, adopt=adopt, allow_empty=allow_empty, why=why
        )


def _show_rebuilt(rebuilt: RebuildResult) -> None:
    out.print(
        f"Store {rebuilt.store_id} is ready: {rebuilt.numbers:,} numbers, {rebuilt.messages:,} "
        f"messages of the last 48 hours, {rebuilt.reviews:,} texts in review."
    )
    if rebuilt.newest_us:
        out.print(
            f"The records end at {_iso(rebuilt.newest_us)}. What was acknowledged after that, "
            "before the store was lost, is gone unless its provider sends it again."
        )
    if rebuilt.merged:
        out.print(
            f"{rebuilt.merged:,} numbers had events that the store had lost and newer ones that it "
            "had settled without them: both were applied again, in order."
        )


def _iso(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds")


@click.command(epilog="Example: smsgate forget +14155550123 --reason 'asked by e-mail, 3 May'")
@click.argument("number")
@click.option("--reason", default="", help="Recorded.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@session.as_json
def forget(number: str, reason: str, yes: bool, as_json: bool) -> None:
    """Erase the texts of a number from records and store, for good.

    The number, the decisions and their times stay: they are needed to go on suppressing the number
    and to prove it. Backups and the databases' own logs are yours to let expire.
    """
    known = as_recorded(number)
    if not yes:
        click.confirm(f"Erase every text of {known}? Nobody can undo it.", abort=True, err=True)
    done = forget_number(session.services(), known, person(), reason)
    if as_json:
        session.show_json(asdict(done))
        return
    text = f"The texts of {done.records} records of {known} are erased"
    text += f", and {done.ordinary_texts} ordinary texts" if done.ordinary_texts else ""
    for count, what in (
        (done.forwards, "that awaited an application do not go there any more"),
        (done.replies, "failed replies are removed"),
        (done.cases, "test cases of keyword sets that came from them are gone"),
    ):
        text += f"; {count} {what}" if count else ""
    out.print(f"{text}. It is suppressed where it was.")
