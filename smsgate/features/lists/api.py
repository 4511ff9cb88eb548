"""``/v1/imports``: importing a list, which were imported, and undoing one as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from smsgate.domain.errors import SmsGateError, Unfit
from smsgate.features.lists.errors import NoSuchList
from smsgate.features.lists.import_record import (
    ImportRecord,
    change_text,
    import_of,
    imports,
    scope_of,
    titles_of,
)
from smsgate.features.lists.import_summary import ProgramOutcome, program_outcomes
from smsgate.features.lists.job_files import (
    ListJob,
    ListRequest,
    ListUser,
    UnusedRow,
)
from smsgate.features.lists.jobs import EVERYBODY, ListJobs
from smsgate.interface.operation import Actor, Context, Upload, operation
from smsgate.interface.schemas import Medium, Reason, moment

_READ_BYTES = 1 << 18
ColumnName = Annotated[
    str, msgspec.Meta(max_length=200, description="A header, or a position from 1.")
]


class ImportsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How many."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


ImportId = Annotated[str, msgspec.Meta(max_length=100, description="The id of an import.")]
JobId = Annotated[str, msgspec.Meta(max_length=100, description="The id that the upload gave.")]


class ImportQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which import."""

    list: ImportId


class JobQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which upload."""

    job: JobId


class UndoAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Which import, and why, for the record."""

    list: ImportId
    reason: Reason
    actor: Actor = ""


class Undone(msgspec.Struct, frozen=True):
    """That an import was undone."""

    at: str | None
    actor: str
    note: str
    """How many numbers were put back, and how many keep what they have."""
    reason: str


class UndoProgress(msgspec.Struct, frozen=True):
    """How far an undo is that was asked for on this host."""

    state: Literal["waiting", "working", "done", "failed", "interrupted"]
    """``failed`` and ``interrupted``: ask for it again; nothing is done twice."""
    looked_at: int
    """Numbers of the list that were looked at so far."""
    outcomes: dict[str, int]
    """Once it is done: ``undone``, ``undone_before``, ``unchanged``, ``newer`` (it keeps what it
    has, for something newer was said or done), ``waited``, ``not_known``, ``busy``."""
    problem: str


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
    undone: Undone | None
    undo: UndoProgress | None = None


class Imports(msgspec.Struct, frozen=True):
    """The newest imports, newest first."""

    imports: list[Import]


class ImportUpload(msgspec.Struct, forbid_unknown_fields=True):
    """A file, and what its rows have in common, as `smsgate import` takes it."""

    file: Upload
    program: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """A program, or ``all``. Empty: ``program_column`` says the program of each row."""
    name: Annotated[str, msgspec.Meta(max_length=200)] = "list"
    """Of the file, for the record."""
    state: Literal["", "opted_out", "subscribed"] = ""
    """Of every row; empty: as the file says, else opted out."""
    region: Annotated[str, msgspec.Meta(max_length=2)] = ""
    format: Literal["auto", "csv", "tsv", "ndjson", "lines"] = "auto"
    column: ColumnName = ""
    date_column: ColumnName = ""
    state_column: ColumnName = ""
    program_column: ColumnName = ""
    source_column: ColumnName = ""
    actor: Actor = ""


class ImportApproval(msgspec.Struct, forbid_unknown_fields=True):
    """Which upload, and what a list with consents needs."""

    job: JobId
    words: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    """What the subscribers agreed to."""
    medium: Medium = "other"


class ImportJob(msgspec.Struct, frozen=True):
    """A list that was uploaded on this host: its preview, or what it changed."""

    id: str
    step: Literal["preview", "apply"]
    state: Literal["waiting", "working", "done", "failed", "interrupted"]
    """Of the step. ``failed`` and ``interrupted``: ask for it again; nothing is done twice."""
    read_bytes: int
    problem: str
    """Of a step that failed: what would be right."""
    rows: int
    programs: list[ProgramOutcome]
    """By program how many rows are new, known and refused."""
    unknown_programs: dict[str, int]
    """Rows whose program there is not, by what they say."""
    known_programs: list[str]
    """What they may say."""
    undated: int
    """Rows whose date cannot be read."""
    problems: dict[str, int]
    """Rows that are not used, by reason."""
    first: list[UnusedRow]
    """The first of them."""
    changes: list[str]
    """What would change, or changed, in words."""
    import_id: str | None
    """The id of the import, once it is applied: for ``GET /v1/imports/<list>``."""


@operation(
    "POST /imports",
    role="agent",
    status=202,
    by_program=True,
    example={"program": "alerts", "name": "list.csv"},
)
def import_list(context: Context, request: ImportUpload) -> ImportJob:
    """Upload a list and preview what importing it would do. Nothing is changed.

    The body is the file itself, up to 1 GiB. The preview goes on after the answer: ask for the job.
    """
    asked = request
    allowed = _allowed_programs(context, asked.program)
    jobs = ListJobs(context.services)
    with jobs.uploading(context.actor(asked.actor), asked.file.size or 0) as upload:
        file = upload.file()
        while chunk := asked.file.stream.read(_READ_BYTES):
            file.write(chunk)
        job = upload.keep("import", asked.name)
    listed = ListRequest(
        program=asked.program,
        state=asked.state,
        region=asked.region,
        form=asked.format,
        column=asked.column,
        since_column=asked.date_column,
        state_column=asked.state_column,
        program_column=asked.program_column,
        source_column=asked.source_column,
        allowed=allowed,
    )
    user = ListUser(job.operator)
    try:
        jobs.begin(job.id, user, "rehearse", listed)
    except SmsGateError:
        jobs.remove(job.id, user)
        raise
    return _job_view(context, *jobs.find(job.id, user))


@operation(
    "GET /import-jobs/<job>",
    role="agent",
    by_program=True,
    example={"job": "5f0c9a"},
    problems={404: "This key uploaded no such list, or it is gone."},
)
def read_import_job(context: Context, request: JobQuery) -> ImportJob:
    """Say how far an uploaded list is: its preview by program, or what it changed."""
    return _job_view(context, *_job_of(context, request.job))


@operation(
    "POST /import-jobs/<job>/apply",
    role="agent",
    status=202,
    by_program=True,
    example={"job": "5f0c9a"},
    problems={404: "This key uploaded no such list, or it is gone."},
)
def apply_import_job(context: Context, request: ImportApproval) -> ImportJob:
    """Import an uploaded list, as its preview says.

    It goes on after the answer: ask for the job. Asked for twice it does nothing twice.
    """
    asked, jobs = request, ListJobs(context.services)
    job, _ = _job_of(context, request.job)
    if job.step == "rehearse" and job.state != "done":
        raise Unfit("The preview is not done: ask for the job until its `state` is `done`.")
    user = ListUser(job.operator)
    jobs.apply(job.id, user, asked.words, asked.medium)
    return _job_view(context, *jobs.find(job.id, user))


def _allowed_programs(context: Context, program: str) -> tuple[str, ...]:
    """The programs that rows may be for; none: every program.

    Raises ``Forbidden`` where the key is limited to programs, and the opt-outs of one of these, or
    of another one that is asked for, hold for all.
    """
    caller, settings = context.caller, context.services.settings
    if not caller.programs:
        return ()
    names = [one.name for one in settings.programs if caller.may(one.name)]
    for name in [program] if program else names:
        caller.require_program(name)
        caller.require_program(scope_of(settings, name))
    return tuple(names)


def _job_of(context: Context, id_: str) -> tuple[ListJob, bool]:
    """The job of the path, which this key uploaded. Raises ``NoSuchList``, ``Forbidden``.

    A newer key of the same name may be limited to other programs.
    """
    job, is_running = ListJobs(context.services).find(id_, EVERYBODY)
    if job.kind != "import" or job.operator.partition("/")[0] != context.actor():
        raise NoSuchList("There is no such upload of this key.")
    if {*_allowed_programs(context, job.request.program)} != {*job.request.allowed}:
        raise NoSuchList("A key of this name uploaded it that was for other programs.")
    return job, is_running


def _job_view(context: Context, job: ListJob, is_running: bool) -> ImportJob:
    result, is_applied = job.result, job.step == "apply" and job.state == "done"
    titles = titles_of(context.services.settings)
    return ImportJob(
        id=job.id,
        step="apply" if job.step == "apply" else "preview",
        state="interrupted" if job.is_busy and not is_running else job.state,
        read_bytes=job.read,
        problem=job.problem,
        rows=result.rows if result else 0,
        programs=program_outcomes(result.programs) if result else [],
        unknown_programs=result.unknown_programs if result else {},
        known_programs=[
            one for one in titles if not job.request.allowed or one in job.request.allowed
        ],
        undated=result.undated if result else 0,
        problems=result.problems if result else {},
        first=[*result.first] if result else [],
        changes=[change_text(one, titles, done=is_applied) for one in result.changes]
        if result
        else [],
        import_id=result.list_id if result and is_applied else None,
    )


@operation("GET /imports", role="agent", example={"limit": 50})
def list_imports(context: Context, request: ImportsQuery) -> Imports:
    """List the imports that came to their end, newest first."""
    services = context.services
    found = imports(services.store, services.records, request.limit)
    return Imports([_import_view(one, None) for one in found])


@operation(
    "GET /imports/<list>",
    role="agent",
    example={"list": "import-3f9c"},
    problems={404: "No import of that id is on record."},
)
def read_import(context: Context, request: ImportQuery) -> Import:
    """Say what one import was, whether it was undone, and how far an undo is."""
    record = import_of(context.services.records, request.list)
    progress = ListJobs(context.services).undo_of(record.id)
    return _import_view(record, _progress(*progress) if progress else None)


@operation(
    "POST /imports/<list>/undo",
    role="agent",
    status=202,
    example={"list": "import-3f9c", "reason": "wrong file"},
    problems={404: "No import of that id is on record."},
)
def undo_import(context: Context, request: UndoAsked) -> Import:
    """Undo an import as a whole: each number goes back to how it stood before.

    Numbers of which something newer was said or done keep what they have. It goes on after the
    answer; ask for the import to see how far it is. Asked for twice it does nothing twice.
    """
    jobs, asked = ListJobs(context.services), request
    id_ = request.list
    jobs.undo(context.actor(asked.actor), id_, asked.reason.strip())
    progress = jobs.undo_of(id_)
    record = import_of(context.services.records, id_)
    return _import_view(record, _progress(*progress) if progress else None)


def _import_view(record: ImportRecord, progress: UndoProgress | None) -> Import:
    undone = None
    if record.undone_us:
        undone = Undone(
            at=moment(record.undone_us),
            actor=record.undone_by,
            note=record.undone_note,
            reason=record.undone_reason,
        )
    return Import(
        id=record.id,
        imported=moment(record.at_us),
        actor=record.by,
        file=record.file,
        program=record.program,
        changed=record.note,
        undone=undone,
        undo=progress,
    )


def _progress(job: ListJob, is_running: bool) -> UndoProgress:
    state = "interrupted" if job.is_busy and not is_running else job.state
    result = job.result
    if result is None:
        return UndoProgress(state, job.read, {}, job.problem)
    return UndoProgress(state, result.rows, result.outcomes, job.problem)


OPERATIONS = (
    import_list,
    read_import_job,
    apply_import_job,
    list_imports,
    read_import,
    undo_import,
)
