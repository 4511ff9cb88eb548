"""The records: the permanent history of consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from smsgate.features.records_admin import comparison
from smsgate.features.records_admin.export import to_csv, to_ndjson
from smsgate.features.records_admin.rebuild import (
    MOST_BUCKETS,
    RebuildResult,
    RebuildService,
    rebuild_text,
)
from smsgate.interface.operation import Context, Download, RowPage, operation
from smsgate.interface.schemas import NoFields, SinceTime, UntilTime, micros
from smsgate.monitoring.monitor import report_archive
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.records import ChainLink, Records, chain_digest
from smsgate.settings import Settings

Why = Annotated[str, msgspec.Meta(max_length=500, description="Why, for the record.")]


class RecordsVersion(msgspec.Struct, frozen=True):
    """The version of the tables, before and now."""

    before: str
    after: str


@operation(
    command="records migrate",
    role="admin",
    text=lambda now: (
        f"The records have version {now.after}{' already' if now.before == now.after else ''}."
    ),
)
def migrate_records(_: Context, __: NoFields, records: Records) -> RecordsVersion:
    """Create the tables, or bring them to the version that this smsgate needs.

    `smsgate dev` does this by itself. Elsewhere, run it before the new version starts.
    """
    return RecordsVersion(*records.migrate())


class RecordsStatus(msgspec.Struct, frozen=True):
    """How many records there are, and the chains' heads."""

    state: str
    records: int
    numbers: int
    stores: list[str]
    partitions: Mapping[int, Mapping[str, int | str]]
    digest: str


@operation(
    command="records status",
    role="viewer",
    text=lambda found: (
        f"{found.records:,} records of {found.numbers:,} numbers with a status.\n"
        f"From the ledgers: {found.state}\nDigest of the chains: {found.digest}"
    ),
)
def read_records_status(_: Context, __: NoFields, archiver: LedgerArchiver) -> RecordsStatus:
    """Show the number of records, what waits, and the head of each partition's chain.

    Keep the digest elsewhere: while `smsgate records verify --digest` still finds it, nobody has
    rewritten the chains.
    """
    records = archiver.records
    records.check()
    reader, heads = records.reader, records.reader.heads()
    return RecordsStatus(
        report_archive(archiver).text,
        reader.count_events(),
        reader.count_numbers(),
        [one.id for one in reader.stores()],
        {at: {"seq": one.seq, "hash": one.hash.hex()} for at, one in heads.items()},
        chain_digest(heads),
    )


class Verification(msgspec.Struct, forbid_unknown_fields=True):
    """Against what the chains are checked."""

    digest: Annotated[
        str,
        msgspec.Meta(description="A digest from the clock's log, an alert, or `records status`."),
    ] = ""


class VerificationResult(msgspec.Struct, frozen=True):
    """What is wrong with the records."""

    records: int
    wrong: list[str]
    not_covered: str


def _verification_text(found: VerificationResult) -> str:
    said = f"All {found.records:,} records are unchanged."
    if found.wrong:
        said = f"{len(found.wrong)} problems in {found.records:,} records."
    return "\n".join([*(f"wrong {one}" for one in found.wrong), said, found.not_covered])


@operation(
    command="records verify",
    role="viewer",
    text=_verification_text,
    exit_code=lambda found: int(bool(found.wrong)),
)
def verify_records(context: Context, request: Verification, records: Records) -> VerificationResult:
    """Check every record and each partition's chain. Exit code 1 if there is a fault.

    It names every record that was changed, removed, added or reordered. Someone with write access
    to the database could still rewrite all of it, cut off its end or empty it; a digest that you
    kept elsewhere shows that. It says what it does not check.
    """
    records.check()
    total, checked = records.reader.count_events(), 0

    def advance(count: int) -> None:
        nonlocal checked
        checked += count
        context.progress("Checking the records", checked, total)

    wrong = [str(one) for one in records.verifier.verify(advance)]
    not_covered = (
        "Not checked, since they are in no chain: operators and the audit log, API "
        "keys, keyword sets and configuration of the console, and counts."
    )
    if not request.digest:
        not_covered = (
            "Records that are cut off at the end, or all, go missing unseen: name a digest that "
            f"you kept elsewhere (`--digest`); the clock logs one a day. {not_covered}"
        )
    elif not _once_had(records, request.digest):
        wrong.append(f"the chains never had the digest {request.digest}")
    return VerificationResult(total, wrong, not_covered)


def _once_had(records: Records, digest: str) -> bool:
    """Whether the chains passed through the links that the digest was made of."""
    *places, _ = digest.split("-")
    heads: dict[int, ChainLink] = {}
    for place in places:
        partition, _, seq = place.partition(":")
        if not (partition.isdigit() and seq.isdigit()):
            return False
        links = records.reader.links(int(partition), int(seq) - 1, int(seq))
        heads |= {one.partition: one for one in links}
    return chain_digest(heads) == digest


class RecordsExport(msgspec.Struct, forbid_unknown_fields=True):
    """Which records, and how they are written."""

    since: SinceTime = None
    until: UntilTime = None
    format: Annotated[Literal["csv", "ndjson"], msgspec.Meta(description="Of the file.")] = "csv"


@operation(
    command="records export",
    role="agent",
    example={"since": "2026-01-01"},
    audit="exported the records",
    media_type="text/csv",
)
def export_records(_: Context, request: RecordsExport, records: Records) -> Download:
    """Export the records, oldest first, to a file or to standard output.

    NDJSON has every event whole; in CSV a text that a spreadsheet would take for a formula begins
    with an apostrophe.
    """
    records.check()
    until_us = micros(request.until) or None
    found = records.reader.between(micros(request.since), until_us)
    if request.format == "csv":
        return Download("records.csv", "text/csv", to_csv(found))
    return Download("records.ndjson", "application/x-ndjson", to_ndjson(found))


class Adoption(msgspec.Struct, forbid_unknown_fields=True):
    """Why the database is older."""

    reason: Why


@operation(
    command="records adopt",
    role="admin",
    example={"reason": "restored from the backup of May"},
    text=lambda done: (
        f"{done.partitions} partitions go on; how {done.numbers:,} numbers stand was taken from "
        "the store."
        if done.partitions
        else "Nothing is missing; nothing was changed."
    ),
)
def adopt_records(
    context: Context, request: Adoption, archiver: LedgerArchiver
) -> comparison.AdoptionResult:
    """Continue with a records database that is older than the store expects.

    After you restored the records from a backup, nothing is moved into them until you run this.
    It records what is missing in each partition, and the consent state of every number in the
    store, so that no opt-out is left in the store alone.
    """
    return comparison.adopt(archiver, context.actor(), request.reason, context.progress)


class NumberDifference(msgspec.Struct, frozen=True):
    """What store and records say of one number."""

    number: str
    store: str
    records: str


@operation(
    command="records diff",
    role="viewer",
    empty="Store and records are equal.",
    exit_code=lambda found: int(bool(found.items)),
)
def compare_records(
    _: Context, __: NoFields, archiver: LedgerArchiver
) -> RowPage[NumberDifference]:
    """Compare the store's sets with the records, number by number. Exit code 1 if they differ.

    It first moves waiting events into the records. `smsgate rebuild` corrects differences.
    """
    return RowPage(
        [
            NumberDifference(number, comparison.text_of(store), comparison.text_of(records))
            for number, store, records in comparison.differences(archiver)
        ]
    )


class Rebuild(msgspec.Struct, forbid_unknown_fields=True):
    """How the store is rebuilt."""

    buckets: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=MOST_BUCKETS,
            description="Buckets per partition from now on (docs/operating.md says how many you "
            "need); 0: unchanged.",
        ),
    ] = 0
    adopt: Annotated[
        bool, msgspec.Meta(description="Overwrite a store that belongs to other records.")
    ] = False
    allow_empty: Annotated[
        bool,
        msgspec.Meta(
            description="Rebuild although the records are empty: the store then allows everyone."
        ),
    ] = False


@operation(
    command="rebuild",
    role="admin",
    example={"buckets": 16384},
    text=rebuild_text,
)
def rebuild_store(
    context: Context, request: Rebuild, settings: Settings, archiver: LedgerArchiver
) -> RebuildResult:
    """Rebuild suppression sets, consents and review holds from the records.

    The gate answers "not ready" until it has finished. Texts that arrive meanwhile are kept and
    applied afterwards.
    """
    return RebuildService(settings, archiver).rebuild(
        context.progress,
        buckets=request.buckets,
        adopt=request.adopt,
        allow_empty=request.allow_empty,
    )


OPERATIONS = (
    migrate_records,
    read_records_status,
    verify_records,
    export_records,
    adopt_records,
    compare_records,
    rebuild_store,
)
