"""Import lists, undo imports, scrub a list before a send, and export consent states."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgspec
from sqlalchemy import select

from smsgate.domain.errors import Unfit
from smsgate.domain.messages import ALL
from smsgate.domain.signed_times import iso_time
from smsgate.features.lists.import_record import Import, NoSuchList, imports
from smsgate.features.lists.import_undo import ImportUndo
from smsgate.features.lists.imports import check_words, run_import
from smsgate.features.lists.jobs import ListJob, ListJobs, Step
from smsgate.features.lists.list_file import ColumnName, ListOptions, Region
from smsgate.features.lists.results import ListResult, result_text
from smsgate.features.lists.scrub import scrub_list
from smsgate.files import csv_line
from smsgate.interface.operation import (
    Actor,
    Column,
    Context,
    Download,
    Limit,
    Listing,
    Upload,
    operation,
)
from smsgate.interface.schemas import Medium, micros
from smsgate.pipeline.manual import check_program, reason_of
from smsgate.pipeline.services import Services
from smsgate.records.projections import CONSENT, EXCEPTION, LOCKED, OPTED_OUT
from smsgate.records.reader import Row, stream_of
from smsgate.records.tables import memberships

ImportId = Annotated[str, msgspec.Meta(max_length=200, description="As the list of imports says.")]
JobId = Annotated[str, msgspec.Meta(max_length=200, description="As the upload answered.")]
UnusedFile = Annotated[
    str, msgspec.Meta(description="CSV file for the rows that cannot be used, and why.")
]
Preview = Annotated[bool, msgspec.Meta(description="Say what would change, and change nothing.")]
_EXPORTED = ("number", "state", "since", "source", "external_source")
_NO_JOB = {404: "This key asked for no such job, or it is gone."}


class ImportsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many."""

    limit: Limit = 50


class Imports(msgspec.Struct, frozen=True):
    """The newest imports, newest first."""

    items: list[Import]


@operation(
    "GET /imports",
    command="imports list",
    role="agent",
    example={"limit": 10},
    listing=Listing(
        (
            Column("imported", "When", "time"),
            Column("id", "Id"),
            Column("actor", "By"),
            Column("changed", "Result"),
            Column("undone", "Undone", "time"),
            Column("undone_by", "Undone by"),
            Column("undone_reason", "Reason"),
            Column("undone_note", "Put back"),
        ),
        empty="No imports on record.",
    ),
)
def list_imports(context: Context, request: ImportsQuery) -> Imports:
    """List the newest imports: time, operator, file, and what they changed."""
    context.services.archiver.move_all()
    return Imports(imports(context.services.records, request.limit))


class ImportCommand(ListOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list, how to read it, and what its rows have in common."""

    file: Upload
    preview: Preview = False
    result: UnusedFile = ""


@operation(
    command="import <file>",
    role="agent",
    example={"file": "stopped.csv", "program": "alerts", "preview": True},
    exit_code=lambda result: 1 if result.unused else 0,
    text=lambda result, _: result_text(result),
)
def import_file(context: Context, request: ImportCommand) -> ListResult:
    """Import a list: CSV, an Excel workbook, or one number a line.

    The whole file is read before anything changes. Every number of the list is suppressed when the
    command ends. The same file has one effect, however often you import it. If the command was
    killed, run it again.

    Exit code 0: every row could be used. 1: some could not. 2: nothing was done.
    """
    options, name = _options(request), request.file.name or "list"
    result = Path(request.result) if request.result else None
    with _on_disk(request.file) as file:
        work = partial(run_import, context.services, options, file, context.progress)
        found = work(result if request.preview else None, actor=context.actor(), name=name)
        if request.preview:
            return found
        check_words(options, found)
        return work(result, actor=context.actor(), name=name, applies=True)


def _options(request: ListOptions) -> ListOptions:
    return ListOptions(**{one: getattr(request, one) for one in ListOptions.__struct_fields__})


@contextmanager
def _on_disk(upload: Upload) -> Iterator[BinaryIO]:
    """The file, or what comes through a pipe, as a file that can be read twice."""
    if upload.stream.seekable():
        yield upload.stream  # type: ignore[misc]
        return
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(upload.stream, file)
        file.flush()
        yield file


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
    text=lambda result, _: result_text(result),
)
def scrub(context: Context, request: ScrubCommand) -> ListResult:
    """Split a list into numbers that may be texted and numbers that may not.

    Both files keep columns, order and encoding; the blocked one has two more columns. The result
    is valid for this moment: ask the gate again at the send. If the gate cannot tell, no file is
    written.
    """
    output, blocked = Path(request.output), Path(request.blocked)
    options = ListOptions(program=request.program, region=request.region, column=request.column)
    with _on_disk(request.file) as file:
        written = {output.resolve(), blocked.resolve()}
        if len(written) < 2 or Path(str(request.file.stream.name)).resolve() in written:
            raise Unfit("The list, --output and --blocked must be three different files.")
        return scrub_list(context.services, options, file, output, blocked, context.progress)


class ExportRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which numbers; those that are left empty do not count."""

    program: Annotated[
        str,
        msgspec.Meta(
            max_length=100, description="States for this program; `all`: what holds everywhere."
        ),
    ]
    state: Annotated[
        Literal["", "opted_out", "locked", "subscribed"],
        msgspec.Meta(description="Only this state."),
    ] = ""
    since: Annotated[
        datetime | None, msgspec.Meta(description="Only states that began then or later.")
    ] = None
    format: Annotated[Literal["csv", "txt"], msgspec.Meta(description="`txt`: numbers only.")] = (
        "csv"
    )


@operation(
    command="export",
    role="agent",
    example={"program": "alerts", "state": "opted_out"},
    media_type="text/csv",
    audit="exported numbers",
)
def export(context: Context, request: ExportRequest) -> Download:
    """Export consent states from the records, in the order of the numbers.

    `smsgate import` reads such a file again. It contains personal data: protect it.
    """
    if request.program != ALL:
        check_program(context.services.settings, request.program)
    context.services.records.check()
    context.services.archiver.move_all()
    kind = {"csv": "text/csv", "txt": "text/plain"}[request.format]
    lines = (line.encode() for line in _lines(context.services, request))
    return Download(f"export.{request.format}", kind, lines)


def _lines(services: Services, request: ExportRequest) -> Iterator[str]:
    is_csv = request.format == "csv"
    if is_csv:
        yield csv_line(_EXPORTED)
    asked = (
        select(memberships)
        .where(memberships.c.scope.in_({request.program, ALL}))
        .order_by(memberships.c.number)
    )
    rows = stream_of(services.records.database, asked)
    for number, group in groupby(rows, lambda row: row.number):
        row = _decisive({(one.state, one.scope): one for one in group}, request.program)
        if row is None:
            continue
        state = "subscribed" if row.state == CONSENT else row.state
        if request.state in ("", state) and row.since_us >= micros(request.since):
            since = iso_time(row.since_us, "seconds") if row.since_us else ""
            cells = (number, state, since, row.source, row.external_source)
            yield csv_line(cells) if is_csv else f"{number}\n"


def _decisive(held: dict[tuple[str, str], Row], program: str) -> Row | None:
    """Of the memberships of a number the one that decides how it stands; None: none does."""
    everywhere = None if (EXCEPTION, program) in held else held.get((OPTED_OUT, ALL))
    return (
        held.get((LOCKED, ALL))
        or held.get((OPTED_OUT, program))
        or everywhere
        or held.get((CONSENT, program))
    )


class ImportUpload(ListOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list, how to read it, and what its rows have in common."""

    file: Upload
    name: Annotated[str, msgspec.Meta(max_length=200, description="Of the file.")] = "list"
    actor: Actor = ""


class JobQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which job."""

    job: JobId


class ImportApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which upload, and what a list with consents needs."""

    job: JobId
    words: Annotated[
        str, msgspec.Meta(max_length=2_000, description="What the subscribers agreed to.")
    ] = ""
    medium: Medium = "other"


class UndoRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which import, and why it is undone."""

    id: ImportId
    reason: Annotated[
        str, msgspec.Meta(max_length=500, description="For the record; not for a preview.")
    ] = ""
    preview: Preview = False
    actor: Actor = ""


@operation(
    "POST /imports", role="agent", status=202, example={"program": "alerts", "name": "list.csv"}
)
def import_list(context: Context, request: ImportUpload) -> ListJob:
    """Upload a list and preview what importing it would do. Nothing is changed.

    The body is the file itself, up to 1 GiB. The preview goes on after the answer: ask for the job.
    """
    jobs, file = ListJobs(context.services), request.file
    with jobs.uploading(file.size or 0) as out:
        shutil.copyfileobj(file.stream, out)
        job = jobs.add(out, "import", context.actor(request.actor), request.name)
        return jobs.ask(job, "preview", msgspec.to_builtins(_options(request)))


@operation("GET /import-jobs/<job>", role="agent", example={"job": "5f0c9a"}, problems=_NO_JOB)
def read_import_job(context: Context, request: JobQuery) -> ListJob:
    """Say how far an uploaded list or an undo is: its preview, or what it changed."""
    return _job_of(context, request.job)


@operation(
    "POST /import-jobs/<job>/apply",
    role="agent",
    status=202,
    example={"job": "5f0c9a"},
    problems=_NO_JOB,
)
def apply_import_job(context: Context, request: ImportApproval) -> ListJob:
    """Import an uploaded list, as its preview says.

    It goes on after the answer: ask for the job. Asked for twice it does nothing twice.
    """
    job, given = _job_of(context, request.job), {"words": request.words, "medium": request.medium}
    return ListJobs(context.services).ask(job, "apply", given if request.words else {})


@operation(
    "POST /imports/<id>/undo",
    command="imports undo <id>",
    role="agent",
    status=202,
    example={"id": "import-3f9c", "reason": "wrong file"},
    problems={404: "No import of that id is on record."},
    exit_code=lambda job: 1 if job.result.outcomes.get("busy") else 0,
    text=lambda job, _: result_text(job.result),
)
def undo_import(context: Context, request: UndoRequest) -> ListJob:
    """Undo an import as a whole: each number returns to its state before the list.

    A number with something newer stays as it is: its own STOP or START, a lock, a consent, a
    manual opt-out, or a later list. Asked for again, or after a kill, nothing is done twice. In
    /v1 it goes on after the answer: ask for the job.

    Exit code 0: nothing is left to undo. 1: other lists were being applied, run it again.
    2: nothing was done.
    """
    services, actor, jobs = (
        context.services,
        context.actor(request.actor),
        ListJobs(context.services),
    )
    step: Step = "preview" if request.preview else "apply"
    if not context.is_person:
        job = jobs.undo(request.id, actor, sees_all=True)
        return jobs.ask(job, step, {"reason": request.reason})
    reason = "" if request.preview else reason_of(request.reason)
    actor = "" if request.preview else actor
    found = ImportUndo(services).run(request.id, context.progress, actor=actor, reason=reason)
    return ListJob(request.id, "undo", actor, "", 0, step=step, result=found)


def _job_of(context: Context, id_: str) -> ListJob:
    """The job of the path, which this key asked for. Raises ``NoSuchList``."""
    job = ListJobs(context.services).find(id_)
    if job.actor.partition("/")[0] != context.actor():
        raise NoSuchList(_NO_JOB[404])
    return job


OPERATIONS = (
    list_imports,
    import_file,
    scrub,
    export,
    import_list,
    read_import_job,
    apply_import_job,
    undo_import,
)
