"""``/v1/imports``: which lists were imported, and undoing one of them as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from smsgate.features.lists.import_record import ImportRecord, import_of, imports
from smsgate.features.lists.job_files import ListJob
from smsgate.features.lists.jobs import ListJobs
from smsgate.web.v1.operations import Call, Operation, Outcome
from smsgate.web.v1.schemas import Actor, Reason, moment


class ImportsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How many."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class UndoAsked(msgspec.Struct, forbid_unknown_fields=True):
    """For the record."""

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


def list_imports(call: Call) -> Outcome:
    """List the imports that came to their end, newest first."""
    services = call.services
    found = imports(services.store, services.records, call.query.limit)
    return 200, Imports([_import_view(one, None) for one in found])


def read_import(call: Call) -> Outcome:
    """Say what one import was, whether it was undone, and how far an undo is."""
    record = import_of(call.services.records, call.path["list"])
    progress = ListJobs(call.services).undo_of(record.id)
    return 200, _import_view(record, _progress(*progress) if progress else None)


def undo_import(call: Call) -> Outcome:
    """Undo an import as a whole: each number goes back to how it stood before.

    Numbers of which something newer was said or done keep what they have. It goes on after the
    answer; ask for the import to see how far it is. Asked for twice it does nothing twice.
    """
    jobs, asked = ListJobs(call.services), call.body
    id_ = call.path["list"]
    jobs.undo(call.actor(asked.actor), id_, asked.reason.strip())
    progress = jobs.undo_of(id_)
    record = import_of(call.services.records, id_)
    return 202, _import_view(record, _progress(*progress) if progress else None)


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
    Operation(
        method="GET",
        path="/imports",
        scope="admin",
        summary="The lists that were imported",
        run=list_imports,
        query=ImportsQuery,
        answers={200: Imports},
    ),
    Operation(
        method="GET",
        path="/imports/<list>",
        scope="admin",
        summary="One import, and how far its undo is",
        run=read_import,
        answers={200: Import},
        also={404: "No import of that id is on record."},
    ),
    Operation(
        method="POST",
        path="/imports/<list>/undo",
        scope="admin",
        summary="Undo an import as a whole",
        run=undo_import,
        body=UndoAsked,
        answers={202: Import},
        also={404: "No import of that id is on record."},
    ),
)
