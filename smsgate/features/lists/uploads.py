"""Import over ``/v1``: upload a list, look at its preview, apply it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from smsgate.domain.errors import SmsGateError
from smsgate.features.lists.import_record import NoSuchList, scope_of
from smsgate.features.lists.import_result import ImportOptions, ImportResult
from smsgate.features.lists.jobs import ListJobs
from smsgate.features.lists.list_job import ListJob, ListUser
from smsgate.interface.operation import Actor, Context, Upload, operation
from smsgate.interface.schemas import Medium

_READ_BYTES = 1 << 18
_NO_UPLOAD = {404: "This key uploaded no such list, or it is gone."}
_EVERYBODY = ListUser("", sees_all=True)
JobId = Annotated[str, msgspec.Meta(max_length=200, description="As the upload answered.")]


class ImportUpload(ImportOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list, how to read it, and what its rows have in common."""

    file: Upload
    name: Annotated[str, msgspec.Meta(max_length=200, description="Of the file.")] = "list"
    actor: Actor = ""


class ImportJob(msgspec.Struct, frozen=True):
    """A list that was uploaded on this host: its preview, or what it changed."""

    id: str
    step: Literal["preview", "apply"]
    state: Literal["waiting", "working", "done", "failed"]
    """Of the step. ``failed``: ask for it again; nothing is done twice."""
    read_bytes: int
    problem: str
    """Of a step that failed: what would be right."""
    result: ImportResult | None
    """Of the newest step that is done."""
    known_programs: list[str]
    """What a program column may say."""


class JobQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which upload."""

    job: JobId


class ImportApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which upload, and what a list with consents needs."""

    job: JobId
    words: Annotated[
        str, msgspec.Meta(max_length=2_000, description="What the subscribers agreed to.")
    ] = ""
    medium: Medium = "other"


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
    allowed = _allowed_programs(context, request.program)
    jobs, file = ListJobs(context.services), request.file
    with jobs.uploading(context.actor(request.actor), file.size or 0) as upload:
        out = upload.file()
        while chunk := file.stream.read(_READ_BYTES):
            out.write(chunk)
        job = upload.keep("import", request.name, allowed)
    given = {name: getattr(request, name) for name in ImportOptions.__struct_fields__}
    user, options = ListUser(job.actor), ImportOptions(**given)
    try:
        return _job_view(context, jobs.preview_import(job.id, user, options))
    except SmsGateError:
        jobs.remove(job.id, user)
        raise


@operation(
    "GET /import-jobs/<job>",
    role="agent",
    by_program=True,
    example={"job": "5f0c9a"},
    problems=_NO_UPLOAD,
)
def read_import_job(context: Context, request: JobQuery) -> ImportJob:
    """Say how far an uploaded list is: its preview by program, or what it changed."""
    return _job_view(context, _job_of(context, request.job))


@operation(
    "POST /import-jobs/<job>/apply",
    role="agent",
    status=202,
    by_program=True,
    example={"job": "5f0c9a"},
    problems=_NO_UPLOAD,
)
def apply_import_job(context: Context, request: ImportApproval) -> ImportJob:
    """Import an uploaded list, as its preview says.

    It goes on after the answer: ask for the job. Asked for twice it does nothing twice.
    """
    job = _job_of(context, request.job)
    user = ListUser(job.actor)
    job = ListJobs(context.services).apply_import(job.id, user, request.words, request.medium)
    return _job_view(context, job)


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


def _job_of(context: Context, id_: str) -> ListJob:
    """The job of the path, which this key uploaded. Raises ``NoSuchList``, ``Forbidden``.

    A newer key of the same name may be limited to other programs.
    """
    job = ListJobs(context.services).find(id_, _EVERYBODY)
    if job.import_options is None or job.actor.partition("/")[0] != context.actor():
        raise NoSuchList("There is no such upload of this key.")
    if {*_allowed_programs(context, job.import_options.program)} != {*job.allowed}:
        raise NoSuchList("A key of this name uploaded it that was for other programs.")
    return job


def _job_view(context: Context, job: ListJob) -> ImportJob:
    programs = [one.name for one in context.services.settings.programs]
    return ImportJob(
        id=job.id,
        step="apply" if job.step == "apply" else "preview",
        state=job.state,
        read_bytes=job.done,
        problem=job.problem,
        result=job.result if isinstance(job.result, ImportResult) else None,
        known_programs=[one for one in programs if not job.allowed or one in job.allowed],
    )


OPERATIONS = (import_list, read_import_job, apply_import_job)
