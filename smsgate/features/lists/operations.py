"""Import lists, undo imports, scrub a list before a send, and export consent states."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgspec

from smsgate.domain.errors import Unfit
from smsgate.domain.messages import ALL
from smsgate.features.lists.export import ExportQuery, export_lines, exported_numbers
from smsgate.features.lists.import_record import ImportRecord, import_of, imports
from smsgate.features.lists.import_result import ImportOptions, ImportResult, import_text
from smsgate.features.lists.import_undo import ImportUndo, UndoResult, undo_text
from smsgate.features.lists.imports import FileImport
from smsgate.features.lists.jobs import ListJobs
from smsgate.features.lists.list_job import ListJob, ListUser
from smsgate.features.lists.scrub import ScrubOptions, ScrubResult, scrub_list, scrub_text
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
from smsgate.interface.schemas import Reason, moment
from smsgate.pipeline.manual import check_program, reason_of

_NO_IMPORT = {404: "No import of that id is on record."}
ImportId = Annotated[str, msgspec.Meta(max_length=200, description="As the list of imports says.")]
ResultFile = Annotated[
    str, msgspec.Meta(description="CSV file to write the outcome of each row or number to.")
]
Preview = Annotated[bool, msgspec.Meta(description="Say what would change, and change nothing.")]


class ImportsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many."""

    limit: Limit = 50


class Import(msgspec.Struct, frozen=True):
    """One import."""

    id: str
    imported: str | None
    actor: str
    file: str
    program: str
    """That it was for, or ``all``."""
    changed: str
    """What it changed, in words; empty where it did not come to its end."""
    undone: str | None
    """When it was undone, and by whom, why, and how many numbers were put back."""
    undone_by: str
    undone_reason: str
    undone_note: str
    undo_state: Literal["", "waiting", "working", "done", "failed"] = ""
    """Of an undo that was asked for on this host. ``failed``: ask for it again."""
    undo_done: int = 0
    """Numbers of the list that were looked at so far."""
    undo_problem: str = ""


class Imports(msgspec.Struct, frozen=True):
    """The newest imports, newest first."""

    items: list[Import]


class ImportChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which import."""

    id: ImportId


class UndoRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which import, and why it is undone."""

    id: ImportId
    reason: Reason
    actor: Actor = ""


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
    found = imports(context.services.store, context.services.records, request.limit)
    return Imports([_import_view(one, None) for one in found])


@operation("GET /imports/<id>", role="agent", example={"id": "import-3f9c"}, problems=_NO_IMPORT)
def read_import(context: Context, request: ImportChoice) -> Import:
    """Say what one import was, whether it was undone, and how far an undo is."""
    record = import_of(context.services.records, request.id)
    return _import_view(record, ListJobs(context.services).undo_of(record.id))


@operation(
    "POST /imports/<id>/undo",
    role="agent",
    status=202,
    example={"id": "import-3f9c", "reason": "wrong file"},
    problems=_NO_IMPORT,
)
def undo_import(context: Context, request: UndoRequest) -> Import:
    """Undo an import as a whole: each number goes back to how it stood before.

    Numbers of which something newer was said or done keep what they have. It goes on after the
    answer; ask for the import to see how far it is. Asked for twice it does nothing twice.
    """
    user = ListUser(context.actor(request.actor), sees_all=True)
    job = ListJobs(context.services).undo(user, request.id, request.reason)
    return _import_view(import_of(context.services.records, request.id), job)


def _import_view(record: ImportRecord, job: ListJob | None) -> Import:
    return Import(
        id=record.id,
        imported=moment(record.at_us),
        actor=record.by,
        file=record.file,
        program=record.program,
        changed=record.note,
        undone=moment(record.undone_us) if record.undone_us else None,
        undone_by=record.undone_by,
        undone_reason=record.undone_reason,
        undone_note=record.undone_note,
        undo_state=job.state if job is not None and job.step == "apply" else "",
        undo_done=job.done if job is not None else 0,
        undo_problem=job.problem if job is not None else "",
    )


class ImportCommand(ImportOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list, how to read it, and what its rows have in common."""

    file: Upload
    preview: Preview = False
    result: ResultFile = ""


@operation(
    command="import <file>",
    role="agent",
    example={"file": "stopped.csv", "program": "alerts", "preview": True},
    exit_code=lambda result: 1 if result.unused else 0,
    text=lambda result, services: import_text(result, services.settings),
)
def import_file(context: Context, request: ImportCommand) -> ImportResult:
    """Import a list: CSV, an Excel workbook, or one number a line.

    The whole file is read before anything changes. Every number of the list is suppressed when the
    command ends. The same file has one effect, however often you import it. If the command was
    killed, run it again.

    Exit code 0: every row could be used. 1: some could not. 2: nothing was done.
    """
    name = request.file.name or "list"
    given = {one: getattr(request, one) for one in ImportOptions.__struct_fields__}
    with _on_disk(request.file) as file:
        options = ImportOptions(**given)
        work = FileImport(context.services, options, file, actor=context.actor(), name=name)
        result = Path(request.result) if request.result else None
        found = work.preview(context.progress, result if request.preview else None)
        if request.preview:
            return found
        if found.subscribed and not request.words:
            raise Unfit("Say what the subscribers agreed to: --words 'I agree …'", field="words")
        return work.apply(context.progress, result)


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


class UndoCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which import, and why it is undone."""

    id: ImportId
    preview: Preview = False
    reason: Annotated[str, msgspec.Meta(description="For the record; not for a preview.")] = ""
    result: ResultFile = ""


@operation(
    command="imports undo <id>",
    role="agent",
    example={"id": "import-3f9c", "reason": "wrong file"},
    exit_code=lambda result: 1 if result.outcomes.get("busy") else 0,
    text=lambda result, _: undo_text(result),
)
def undo_import_here(context: Context, request: UndoCommand) -> UndoResult:
    """Undo an import as a whole: each number returns to its state before the list.

    A number with something newer stays as it is: its own STOP or START, a lock, a consent, a
    manual opt-out, or a later list. If the command was killed, run it again; nothing is done
    twice.

    Exit code 0: nothing is left to undo. 1: other lists were being applied, run it again.
    2: nothing was done.
    """
    if not request.preview and not request.reason.strip():
        raise Unfit("Give a reason for the record: --reason TEXT.", field="reason")
    work, result = ImportUndo(context.services), Path(request.result) if request.result else None
    if request.preview:
        return work.preview(request.id, context.progress, result)
    reason = reason_of(request.reason)
    return work.apply(request.id, context.actor(), reason, context.progress, result)


class ScrubCommand(ScrubOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list, who wants to text it, and where its parts go."""

    file: Upload
    output: Annotated[str, msgspec.Meta(description="File for the numbers that may be texted.")]
    blocked: Annotated[str, msgspec.Meta(description="File for the others, with the reasons.")]


@operation(
    command="scrub <file>",
    role="agent",
    example={
        "file": "contacts.csv",
        "program": "alerts",
        "output": "clean.csv",
        "blocked": "blocked.csv",
    },
    text=lambda result, _: scrub_text(result),
)
def scrub(context: Context, request: ScrubCommand) -> ScrubResult:
    """Split a list into numbers that may be texted and numbers that may not.

    Both files keep columns, order and encoding; the blocked one has two more columns. The result
    is valid for this moment: ask the gate again at the send. If the gate cannot tell, no file is
    written.
    """
    output, blocked = Path(request.output), Path(request.blocked)
    given = {one: getattr(request, one) for one in ScrubOptions.__struct_fields__}
    with _on_disk(request.file) as file:
        written = {output.resolve(), blocked.resolve()}
        if len(written) < 2 or Path(str(request.file.stream.name)).resolve() in written:
            raise Unfit("The list, --output and --blocked must be three different files.")
        return scrub_list(
            context.services, ScrubOptions(**given), file, output, blocked, context.progress
        )


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
    source: Annotated[
        str, msgspec.Meta(max_length=100, description="Such as text, provider or import.")
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
    """Export consent states from the records, in no particular order.

    `smsgate import` reads such a file again. It contains personal data: protect it.
    """
    if request.program != ALL:
        check_program(context.services.settings, request.program)
    since_us = int(request.since.astimezone(UTC).timestamp() * 1_000_000) if request.since else 0
    query = ExportQuery(
        scope=request.program,
        states=frozenset({request.state} - {""}),
        sources=frozenset({request.source} - {""}),
        since_us=since_us,
    )
    found = exported_numbers(context.services, query)
    kind = {"csv": "text/csv", "txt": "text/plain"}[request.format]
    return Download(f"export.{request.format}", kind, export_lines(found, request.format))


OPERATIONS = (
    list_imports,
    read_import,
    undo_import,
    import_file,
    undo_import_here,
    scrub,
    export,
)
