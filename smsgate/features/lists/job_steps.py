"""The steps of list jobs, as the command line takes them: rehearse, apply, scrub, export, undo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import Unfit
from smsgate.domain.messages import ALL
from smsgate.features.lists.export import FORMS, STATES, ExportQuery, export_lines, exported_numbers
from smsgate.features.lists.file_import import FileImport, check_request
from smsgate.features.lists.import_record import ImportRecord, State, import_of
from smsgate.features.lists.import_summary import ImportSummary, row_results
from smsgate.features.lists.import_undo import ImportUndo, UndoSummary, undo_results, undo_text
from smsgate.features.lists.job_files import (
    JobFolder,
    ListJob,
    ListRequest,
    StepResult,
    UnusedRow,
)
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.number_import import ImportRequest
from smsgate.features.lists.scrub import Scrub, unreachable
from smsgate.features.lists.shapes import FORMATS, ColumnChoice, printable
from smsgate.files import whole
from smsgate.pipeline.manual import check_program
from smsgate.pipeline.manual_input import MEDIA
from smsgate.pipeline.services import Services

RESULT, CLEAN, BLOCKED, EXPORTED = "result", "clean", "blocked", "export"
"""Names of the files that steps leave."""
Progress = Callable[[int], None]
"""Takes how many bytes or numbers more were done."""


class JobSteps:
    """Runs the steps of list jobs, each of which may be run again after an interruption."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def check(self, job: ListJob) -> None:
        """Raise ``UnknownProgram`` or ``Unfit`` where a job asks for what there is not."""
        request = job.request
        if job.kind == "import":
            check_request(self._services.settings, _listing(job), _columns_of(request))
        elif job.kind == "undo":
            self.record(request.list_id)
        elif request.program != ALL or job.kind == "scrub":
            check_program(self._services.settings, request.program)
        for given, known in (
            (request.form, FORMS if job.kind == "export" else FORMATS),
            (request.medium, MEDIA),
            (request.state, ("", "opted_out", "subscribed")),
        ):
            if given not in known:
                raise Unfit(f"{given!r} will not do; it must be one of {', '.join(known)}.")
        if not {*request.states} <= {*STATES}:
            raise Unfit(f"A state must be one of {', '.join(STATES)}.")

    def record(self, list_id: str) -> ImportRecord:
        """An import, with what happened until now. Raises ``NoSuchList``, ``Records…``."""
        self._services.archiver.move_all()
        return import_of(self._services.records, list_id)

    def run(self, job: ListJob, folder: JobFolder, progress: Progress) -> StepResult:
        """Run the job's step and give what it found; raises ``SmsGateError``, ``OSError``."""
        run = {
            "rehearse": self._rehearse,
            "apply": self._apply,
            "part": self._scrub,
            "export": self._export,
            "look": self._rehearse_undo,
            "undo": self._undo,
        }[job.step]
        return run(job, folder, progress)

    def _rehearse(self, job: ListJob, folder: JobFolder, progress: Progress) -> StepResult:
        with self._file_import(job, folder) as work, row_results(folder.file(RESULT)) as write:
            return _import_result(work.rehearse(progress, write))

    def _apply(self, job: ListJob, folder: JobFolder, progress: Progress) -> StepResult:
        found = job.result or StepResult()
        rehearsed = ImportSummary(found.shape, found.encoding, found.list_id)
        with self._file_import(job, folder) as work, row_results(folder.file(RESULT)) as write:
            return _import_result(work.apply(rehearsed, progress, write))

    @contextmanager
    def _file_import(self, job: ListJob, folder: JobFolder) -> Iterator[FileImport]:
        request = job.request
        with folder.upload.open("rb") as file:
            yield FileImport(
                self._services,
                _listing(job),
                file,
                region=request.region,
                form=request.form,
                column=request.column,
                columns=_columns_of(request),
                forced=bool(request.state),
                allowed=request.allowed,
            )

    def _scrub(self, job: ListJob, folder: JobFolder, progress: Progress) -> StepResult:
        request = job.request
        with (
            folder.upload.open("rb") as file,
            whole(folder.file(CLEAN)) as clean,
            whole(folder.file(BLOCKED)) as blocked,
        ):
            work = Scrub(
                self._services.gate,
                request.program,
                ListFile(file, request.form, request.column),
                unreachable(self._services.store, self._services.records),
                region=request.region,
                mobile_only=request.types,
            )
            done = work.run(file, clean, blocked, progress)
        return StepResult(
            shape=done.shape,
            encoding=done.encoding,
            rows=done.rows,
            outcomes=_most_common(done.blocked),
            clean=done.clean,
            unknown_kind=done.unknown_kind,
        )

    def _export(self, job: ListJob, folder: JobFolder, progress: Progress) -> StepResult:
        request, count = job.request, 0
        query = ExportQuery(request.program, frozenset(request.states), since_us=request.since_us)
        found = exported_numbers(self._services, query)
        with whole(folder.file(EXPORTED)) as out:
            for some, lines in export_lines(found, request.form):
                out.write(lines)
                progress(some)
                count += some
        return StepResult(clean=count)

    def _rehearse_undo(self, job: ListJob, folder: JobFolder, progress: Progress) -> StepResult:
        with undo_results(folder.file(RESULT)) as write:
            undo = ImportUndo(self._services)
            return _undo_result(undo.rehearse(job.request.list_id, progress, write))

    def _undo(self, job: ListJob, folder: JobFolder, progress: Progress) -> StepResult:
        list_id, reason = job.request.list_id, job.request.reason
        with undo_results(folder.file(RESULT)) as write:
            undo = ImportUndo(self._services)
            return _undo_result(undo.apply(list_id, job.operator, reason, progress, write))


def _columns_of(request: ListRequest) -> ColumnChoice:
    return ColumnChoice(
        since=request.since_column,
        state=request.state_column,
        program=request.program_column,
        source=request.source_column,
    )


def _listing(job: ListJob) -> ImportRequest:
    request = job.request
    consent = None
    if request.words:
        consent = Consent(words=request.words, medium=request.medium, source=job.name)
    state: State = "subscribed" if request.state == "subscribed" else "opted_out"
    return ImportRequest(
        program=request.program,
        state=state,
        actor=job.operator,
        note=job.name,
        consent=consent,
    )


def _import_result(summary: ImportSummary) -> StepResult:
    return StepResult(
        shape=summary.shape,
        encoding=summary.encoding,
        list_id=summary.list_id,
        rows=summary.rows,
        subscribed=summary.subscribed,
        outcomes=_most_common(summary.outcomes),
        problems=_most_common(summary.problems),
        by_program=_most_common(summary.by_program),
        programs={name: _most_common(found) for name, found in summary.programs.items()},
        unknown_programs=_most_common(summary.unknown_programs),
        undated=summary.undated,
        changes=tuple(summary.changes),
        first=tuple(UnusedRow(row.line, printable(row.cell), row.outcome) for row in summary.first),
        unused=summary.unused,
    )


def _undo_result(done: UndoSummary) -> StepResult:
    return StepResult(
        list_id=done.record.id,
        rows=sum(done.outcomes.values()),
        outcomes=_most_common(done.outcomes),
        note=undo_text(done.record, done.outcomes),
    )


def _most_common(counter: Counter[str]) -> dict[str, int]:
    """By count, the largest first; what did not happen is left out."""
    return {name: count for name, count in counter.most_common() if count}
