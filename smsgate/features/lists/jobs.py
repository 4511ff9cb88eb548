"""List jobs: imports, scrubs and undos that take longer than one request.

Each has a folder in the data directory, with the uploaded file, ``job.json``, and what its steps
wrote. The folder is also the queue: the web process writes there what is asked for, and a thread of
the worker of the same host takes one job after the other. While it works it locks the folder; a
lock ends with its process, so a job that is ``working`` without a lock was interrupted and is taken
up again. Nothing is done twice by that (see ``imports`` and ``import_undo``).

The folders hold people's numbers: only their owner may read them, and they are removed after days.
Nothing of what was uploaded goes into a path.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import msgspec
import structlog
from msgspec.structs import replace

from smsgate.domain.errors import NotFound, SmsGateError, Unfit
from smsgate.features.lists.import_undo import undo_list
from smsgate.features.lists.imports import Import, Importer
from smsgate.features.lists.list_file import ListOptions
from smsgate.features.lists.results import ListResult
from smsgate.features.lists.scrub import scrub_list
from smsgate.files import replace_file
from smsgate.interface.operation import Progress
from smsgate.interface.schemas import reason_of
from smsgate.pipeline.gate import Gate
from smsgate.settings import Settings

KEPT_DAYS = 7
"""How long after its last change a folder stays."""
MAX_UPLOAD_BYTES = 1 << 30
_RESERVE_BYTES = 256 << 20
"""Stay free: the data directory is also where opt-outs wait for a store that is away."""
_MAX_STARTS = 4
"""How often a step is begun: it may be what ends the worker."""
_REPORT_S = 0.5
_ID = re.compile(r"[0-9a-f]{32}")
RESULT, CLEAN_ROWS, UPLOAD = "result", "clean", "upload"
"""Names of files: rows that were not used, those that may be texted, and what was uploaded."""
_log = structlog.get_logger("smsgate.lists")

JobKind: TypeAlias = Literal["import", "scrub", "undo"]
Step: TypeAlias = Literal["", "preview", "apply"]


class StepStopped(BaseException):
    """Raised in a step when its worker ends; another one takes it up again."""


class ListJob(msgspec.Struct, frozen=True):
    """An import, a scrub or an undo on its way: its preview, or what it changed."""

    id: str
    kind: JobKind
    actor: str
    """Whose it is."""
    name: str
    """Of the file, as it was given; only ever shown."""
    size: int = 0
    """Bytes of the file."""
    options: ListOptions | None = None
    import_id: str = ""
    """Of the import that is undone, and why it is."""
    reason: str = ""
    step: Step = ""
    """The newest; empty while nothing was asked for yet. A scrub has no preview."""
    asked_by: str = ""
    """Who asked for it."""
    state: Literal["waiting", "working", "done", "failed"] = "done"
    """Of the step. ``failed``: ask for it again; nothing is done twice."""
    done: int = 0
    """How far the step is, in bytes or numbers."""
    total: int = 0
    problem: str = ""
    """Of a step that failed: what would be right."""
    result: ListResult | None = None
    """Of the newest step that is done."""
    starts: int = 0
    """How often the step was begun."""
    made_us: int = msgspec.field(default_factory=lambda: time.time_ns() // 1000)

    @property
    def is_busy(self) -> bool:
        """Whether a step was asked for and has not ended."""
        return self.state in ("waiting", "working")

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.step == "apply" and self.state == "done"


class ListJobs:
    """All list jobs of this host."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.data_dir / "lists"

    def receive(
        self, kind: JobKind, actor: str, size: int, write: Callable[[BinaryIO], str]
    ) -> ListJob:
        """Make a job of an upload of so many bytes; ``write`` writes the file and gives its name.

        Nothing of it stays if that raises. Raises ``Unfit`` where it is empty or too large, or the
        disk too small.
        """
        if size > MAX_UPLOAD_BYTES:
            raise Unfit(f"The file is over {MAX_UPLOAD_BYTES >> 20:,} MiB: give it in parts.")
        folder = self._make_folder()
        try:
            if shutil.disk_usage(folder).free < 2 * size + _RESERVE_BYTES:
                raise Unfit("There is no space for this on the server's disk.")
            with (folder / UPLOAD).open("w+b") as file:
                name, size = write(file), file.seek(0, os.SEEK_END)
            if not size:
                raise Unfit("Choose a file that is not empty.", field="file")
            last = name.replace("\\", "/").rpartition("/")[2]
            title = "".join(filter(str.isprintable, last))[:100].strip() or "list"
            return self._write(ListJob(folder.name, kind, actor, title, size))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def undo(self, record: Import, actor: str) -> ListJob:
        """Make a job that undoes an import."""
        id_, name = self._make_folder().name, record.reason or record.id
        return self._write(ListJob(id_, "undo", actor, name, import_id=record.id))

    def all(self) -> list[ListJob]:
        """Every list job, newest first."""
        found: list[ListJob] = []
        for path in self._folders():
            with suppress(NotFound):  # it arrives just now, or goes
                found.append(self.find(path.name))
        return sorted(found, key=lambda one: one.made_us, reverse=True)

    def find(self, id_: str) -> ListJob:
        """One list job. Raises ``NotFound``."""
        with suppress(OSError, msgspec.MsgspecError):
            if _ID.fullmatch(id_):
                return msgspec.json.decode(self.file(id_, "job.json").read_bytes(), type=ListJob)
        raise NotFound(
            f"There is no such list, or it is gone: they are removed after {KEPT_DAYS} days."
        )

    def file(self, id_: str, name: str) -> Path:
        """Where a file of a job is, if it is there."""
        return self._path / id_ / name

    def ask(
        self, job: ListJob, step: Step, asked_by: str, options: ListOptions | None, reason: str = ""
    ) -> ListJob:
        """Ask for a step of a list with these options, or of an undo for this reason.

        While one waits or runs, and once a list was applied, the job stays as it is. Raises
        ``Unfit``, ``UnknownProgram``.
        """
        if job.is_busy or job.is_finished:
            return job
        if options is not None:
            options.check(self._settings)
        elif step == "apply":
            reason = reason_of(reason)
        job = replace(job, options=options, reason=reason, step=step, asked_by=asked_by)
        job = replace(job, state="waiting", done=0, total=0, problem="", starts=0)
        return self._write(job)

    def run_next(self, importer: Importer, gate: Gate, is_ending: Callable[[], bool]) -> bool:
        """Run the step that waits longest, if any; called by the worker.

        What fails is written down for the operator and raises nothing. Raises ``StepStopped``.
        """
        self._remove_old()
        for job in reversed([one for one in self.all() if one.is_busy]):
            with _locked(self._path / job.id) as is_held:
                if is_held and self.find(job.id).is_busy:
                    self._run(self.find(job.id), importer, gate, is_ending)
                    return True
        return False

    def _run(
        self, job: ListJob, importer: Importer, gate: Gate, is_ending: Callable[[], bool]
    ) -> None:
        job = self._write(replace(job, state="working", starts=job.starts + 1))
        reported_at = 0.0

        def progress(_: str, done: int, total: int) -> None:
            nonlocal reported_at
            if is_ending():
                raise StepStopped
            if time.monotonic() - reported_at >= _REPORT_S:
                self._write(replace(job, done=done, total=total))
                reported_at = time.monotonic()

        problem, result = "", job.result
        try:
            if job.starts > _MAX_STARTS:
                problem = "The worker ended whenever it did this. Ask your administrator."
            else:
                result = self._result(job, importer, gate, progress)
        except SmsGateError as error:
            problem = str(error)
        except OSError as error:
            problem = f"The server's disk cannot be used: {error.strerror}."
        except Exception as error:  # noqa: BLE001 - a person waits for a sentence
            _log.error("list failed", kind=job.kind, step=job.step, exc_info=error)
            problem = "Something failed here that should not have; it has been logged. Try again."
        job = replace(job, state="failed" if problem else "done", problem=problem, result=result)
        if self._write(job).is_finished:
            self.file(job.id, UPLOAD).unlink(missing_ok=True)

    def _result(
        self, job: ListJob, importer: Importer, gate: Gate, progress: Progress
    ) -> ListResult:
        """Run the job's step and give what it found; raises ``SmsGateError``, ``OSError``."""
        unused, applies = self.file(job.id, RESULT), job.step == "apply"
        if job.options is None:
            actor = job.asked_by if applies else ""
            given = (importer, job.import_id, progress, unused)
            return undo_list(*given, actor=actor, reason=job.reason)
        with self.file(job.id, UPLOAD).open("rb") as file:
            if job.kind == "scrub":
                clean = self.file(job.id, CLEAN_ROWS)
                return scrub_list(self._settings, gate, job.options, file, clean, unused, progress)
            return importer.run(
                job.options, file, progress, unused,
                actor=job.asked_by, name=job.name, applies=applies,
            )  # fmt: skip

    def _remove_old(self) -> None:
        """Remove what did not change for days; what somebody works on changes all the time."""
        oldest = time.time() - KEPT_DAYS * 86_400
        for path in self._folders():
            with suppress(OSError):
                if path.stat().st_mtime < oldest:
                    shutil.rmtree(path)

    def _folders(self) -> list[Path]:
        return [one for one in self._path.glob("*") if _ID.fullmatch(one.name)]

    def _make_folder(self) -> Path:
        folder = self._path / secrets.token_hex(16)
        folder.mkdir(mode=0o700, parents=True)
        self._path.chmod(0o700)
        return folder

    def _write(self, job: ListJob) -> ListJob:
        replace_file(self.file(job.id, "job.json"), msgspec.json.encode(job))
        return job


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a job while the block runs; gives False if another process works on it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)
