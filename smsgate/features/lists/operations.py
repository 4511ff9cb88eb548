"""List imports of lists, and undo one."""

# The help of ``smsgate imports``. The operations of ``import``, ``scrub`` and ``export`` stand here
# too.

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgspec
from sqlalchemy import select

from smsgate.consent.events import CONSENT, EXCEPTION, LOCKED, OPTED_OUT
from smsgate.domain.errors import NotFound, Unfit
from smsgate.domain.messages import ALL
from smsgate.domain.signed_times import iso_time
from smsgate.features.lists.import_undo import undo_list
from smsgate.features.lists.imports import Import, Importer, import_of, imports
from smsgate.features.lists.jobs import ListJob, ListJobs, Step
from smsgate.features.lists.list_file import ColumnName, ListOptions, Region
from smsgate.features.lists.results import ListResult, result_text
from smsgate.features.lists.rows import REASONS
from smsgate.features.lists.scrub import scrub_list
from smsgate.files import csv_line
from smsgate.interface.operation import Actor, Context, Download, Limit, RowPage, Upload, operation
from smsgate.interface.parts import Parts
from smsgate.interface.schemas import RowChoice, reason_of
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.gate import Gate
from smsgate.process.published_programs import check_program
from smsgate.records import Records
from smsgate.records.reader import stream_of
from smsgate.records.tables import memberships
from smsgate.settings import Settings

ImportId = Annotated[str, msgspec.Meta(max_length=200, description="As the list of imports says.")]
Preview = Annotated[bool, msgspec.Meta(description="Say what would change, and change nothing.")]
_NO_JOB = {404: "This key asked for no such job, or it is gone."}


class ImportsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many."""

    limit: Limit = 50


@operation(
    "GET /imports",
    command="imports list",
    role="agent",
    example={"limit": 10},
    empty="No imports on record.",
)
def list_imports(
    _: Context, request: ImportsQuery, archiver: LedgerArchiver, records: Records
) -> RowPage[Import]:
    """List the newest imports and undos: time, operator, file, and what they changed."""
    archiver.move_all()
    return RowPage(imports(records, request.limit))


class ImportListRequest(ListOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list, how to read it, and what its rows have in common."""

    file: Upload
    preview: Preview = False
    name: Annotated[
        str, msgspec.Meta(max_length=200, description="Name of the file, for the record.")
    ] = ""
    actor: Actor = ""
    result: Annotated[
        str,
        msgspec.Meta(description="At a terminal: CSV file for rows that cannot be used, and why."),
    ] = ""


@operation(
    "POST /imports",
    command="import <file>",
    role="agent",
    status=202,
    example={"file": "stopped.csv", "program": "alerts", "preview": True},
    exit_code=lambda job: 1 if REASONS.keys() & job.result.outcomes.keys() else 0,
    text=lambda job: result_text(job.result),
)
def import_list(context: Context, request: ImportListRequest, parts: Parts) -> ListJob:
    """Import a list: CSV, an Excel workbook, or one number a line.

    The whole file is read before anything changes. The same file has one effect, however often you
    import it; if an import was killed, run it again. A terminal waits until every number is
    suppressed; in /v1 the body is the file, up to 1 GiB, and it goes on after the answer: ask for
    the job.

    Exit code 0: every row could be read; consents of numbers with an opt-out or a lock are refused
    all the same. 1: some rows could not be read, the others were entered. 2: nothing was done.
    """
    importer = parts.bind(Importer, 0)()
    options = msgspec.convert(request, ListOptions, from_attributes=True)
    options.check(importer.settings)
    actor, file = context.actor(request.actor), request.file
    name = request.name or file.name or "list"
    step: Step = "preview" if request.preview else "apply"
    if not context.is_person:

        def write(out: BinaryIO) -> str:
            shutil.copyfileobj(file.stream, out)
            return name

        jobs = ListJobs(importer.settings)
        job = jobs.receive("import", actor, file.size or 0, write)
        return jobs.ask(job, step, actor, options)
    found = importer.run(
        options, file.stream, context.progress, Path(request.result) if request.result else None,
        actor=actor, name=name, applies=not request.preview,
    )  # fmt: skip
    return ListJob(found.import_id, "import", actor, name, step=step, result=found)


class ScrubCommand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list, who wants to text it, and where its parts go."""

    file: Upload
    program: Annotated[str, msgspec.Meta(max_length=100, description="Sending program.")]
    output: Annotated[str, msgspec.Meta(description="File for the numbers that may be texted.")]
    blocked: Annotated[str, msgspec.Meta(description="File for the others, with the reasons.")]
    region: Region = ""
    column: ColumnName = ""


@operation(
    command="scrub <file>",
    role="agent",
    example={
        "file": "contacts.csv",
        "program": "alerts",
        "output": "clean.csv",
        "blocked": "blocked.csv",
    },
    text=result_text,
)
def scrub(context: Context, request: ScrubCommand, settings: Settings, gate: Gate) -> ListResult:
    """Split a list into numbers that may be texted and numbers that may not.

    Both files keep columns, order and encoding; the blocked one has two more columns. The result
    is valid for this moment: ask the gate again at the send. If the gate cannot tell, no file is
    written.
    """
    output, blocked = Path(request.output), Path(request.blocked)
    options = ListOptions(program=request.program, region=request.region, column=request.column)
    stream, written = request.file.stream, {output.resolve(), blocked.resolve()}
    if len(written) < 2 or Path(str(stream.name)).resolve() in written:
        raise Unfit("The list, --output and --blocked must be three different files.")
    if any(one.suffix.casefold().startswith(".xls") for one in written):
        raise Unfit("Both files are written as CSV: give --output and --blocked names in .csv.")
    return scrub_list(settings, gate, options, stream, output, blocked, context.progress)


class ExportRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which numbers."""

    program: Annotated[
        str,
        msgspec.Meta(
            max_length=100, description="States for this program; `all`: what holds everywhere."
        ),
    ]
    state: Annotated[
        Literal["", "opted_out", "locked", "subscribed"],
        msgspec.Meta(description="Only this state; locked numbers are opted out too."),
    ] = ""


@operation(
    command="export",
    role="agent",
    example={"program": "alerts", "state": "opted_out"},
    media_type="text/csv",
    audit="exported numbers",
)
def export(
    _: Context,
    request: ExportRequest,
    settings: Settings,
    archiver: LedgerArchiver,
    records: Records,
) -> Download:
    """Export consent states as CSV from the records, in the order of the numbers.

    `smsgate import` reads such a file again. It contains personal data: protect it.
    """
    if request.program != ALL:
        check_program(settings, request.program)
    records.check()
    archiver.move_all()
    lines = (csv_line(cells).encode() for cells in _exported(records, request))
    return Download("export.csv", "text/csv", lines)


def _exported(records: Records, request: ExportRequest) -> Iterator[Sequence[str]]:
    """Header and rows: of each number what decides how it stands."""
    yield "number", "state", "since", "source", "external_source"
    program = request.program
    asked = select(memberships).where(memberships.c.scope.in_({program, ALL}))
    rows = stream_of(records.database, asked.order_by(memberships.c.number))
    wanted = {OPTED_OUT, LOCKED} if request.state == OPTED_OUT else {request.state}
    for number, group in groupby(rows, lambda row: row.number):
        held = {(one.state, one.scope): one for one in group}
        everywhere = [] if (EXCEPTION, program) in held else [(OPTED_OUT, ALL)]
        keys = [(LOCKED, ALL), (OPTED_OUT, program), *everywhere, (CONSENT, program)]
        row = next((held[key] for key in keys if key in held), None)
        state = "subscribed" if row and row.state == CONSENT else row.state if row else ""
        if row and (not request.state or state in wanted):
            since = iso_time(row.since_us, "seconds") if row.since_us else ""
            yield number, state, since, row.source, row.external_source


class UndoRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which import, and why it is undone."""

    id: ImportId
    reason: Annotated[
        str, msgspec.Meta(max_length=500, description="For the record; not for a preview.")
    ] = ""
    preview: Preview = False
    actor: Actor = ""


@operation("GET /import-jobs/<id>", role="agent", example={"id": "5f0c9a"}, problems=_NO_JOB)
def read_import_job(context: Context, request: RowChoice, settings: Settings) -> ListJob:
    """Say how far an uploaded list or an undo is: its preview, or what it changed."""
    job = ListJobs(settings).find(request.id)
    if job.actor.partition("/")[0] != context.actor():
        raise NotFound(_NO_JOB[404])
    return job


@operation(
    "POST /imports/<id>/undo",
    command="imports undo <id>",
    role="agent",
    status=202,
    example={"id": "import-3f9c", "reason": "wrong file"},
    problems={404: "No import of that id is on record."},
    text=lambda job: result_text(job.result),
)
def undo_import(context: Context, request: UndoRequest, parts: Parts) -> ListJob:
    """Undo an import as a whole: each number returns to its state before the list.

    A number with something newer stays as it is: its own STOP or START, a lock, a consent, a
    manual opt-out, or a later list: undo that one first. Asked for again, or after a kill, nothing
    is done twice. In /v1 it goes on after the answer: ask for the job.
    """
    importer, actor = parts.bind(Importer, 0)(), context.actor(request.actor)
    step: Step = "preview" if request.preview else "apply"
    if not context.is_person:
        importer.archiver.move_all()
        jobs = ListJobs(importer.settings)
        job = jobs.undo(import_of(importer.records, request.id), actor)
        return jobs.ask(job, step, actor, None, request.reason)
    by, reason = ("", "") if request.preview else (actor, reason_of(request.reason))
    found = undo_list(importer, request.id, context.progress, actor=by, reason=reason)
    return ListJob(request.id, "undo", actor, "", step=step, result=found)


OPERATIONS = (list_imports, import_list, scrub, export, read_import_job, undo_import)
