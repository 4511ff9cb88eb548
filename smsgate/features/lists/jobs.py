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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import msgspec
import structlog
from msgspec.structs import replace

from smsgate.domain.errors import SmsGateError, Unfit
from smsgate.features.lists.import_record import NoSuchList, import_of
from smsgate.features.lists.import_undo import ImportUndo
from smsgate.features.lists.imports import check_words, run_import
from smsgate.features.lists.list_file import ListOptions
from smsgate.features.lists.results import ListResult
from smsgate.features.lists.scrub import scrub_list
from smsgate.files import replace_file
from smsgate.interface.operation import Progress
from smsgate.pipeline.manual import reason_of
from smsgate.pipeline.services import Services

KEPT_DAYS = 7
"""How long after its last change a folder stays."""
MAX_UPLOAD_BYTES = 1 << 30
_RESERVE_BYTES = 256 << 20
"""Stay free: the data directory is also where opt-outs wait for a store that is away."""
_MAX_STARTS = 4
"""How often a step is begun: it may be what ends the worker."""
_REPORT_S = 0.5
_ID = re.compile(r"[0-9a-f]{32}")
_FAILED = "Something failed here that should not have; it has been logged. Please try again."
_GONE = (
    f"There is no such list, or it is gone: lists are removed when they are {KEPT_DAYS} days old."
)
RESULT, CLEAN_ROWS, UPLOAD = "result", "clean", "upload"
"""Names of files: rows that were not used, those that may be texted, and what was uploaded."""
_log = structlog.get_logger("smsgate.lists")


Step: TypeAlias = Literal["", "preview", "apply"]


class StepStopped(BaseException):
    """Raised in a step when its worker ends; another one takes it up again."""


class ListJob(msgspec.Struct, frozen=True):
    """An import, a scrub or an undo on its way: its preview, or what it changed."""

    id: str
    kind: Literal["import", "scrub", "undo"]
    actor: str
    """Whose it is."""
    name: str
    """Of the file, as it was given; only ever shown."""
    made_us: int
    size: int = 0
    """Bytes of the file."""
    options: ListOptions | None = None
    import_id: str = ""
    """Of the import that is undone, and why it is."""
    reason: str = ""
    step: Step = ""
    """The newest; empty while nothing was asked for yet. A scrub has no preview."""
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

    def __init__(self, services: Services) -> None:
        self._services = services
        self._path = services.settings.data_dir / "lists"

    @contextmanager
    def uploading(self, size: int) -> Iterator[BinaryIO]:
        """A file in a new folder, for so many bytes; both are gone if the block raises.

        Raises ``Unfit`` where it is too large, or the disk too small.
        """
        if size > MAX_UPLOAD_BYTES:
            raise Unfit(f"The file is over {MAX_UPLOAD_BYTES >> 20:,} MiB: give it in parts.")
        remove_old(self._services.settings.data_dir)
        folder = self._make_folder(secrets.token_hex(16))
        try:
            if shutil.disk_usage(folder).free < 2 * size + _RESERVE_BYTES:
                raise Unfit("There is no space for this on the server's disk.")
            with open(folder / UPLOAD, "w+b", opener=_open_own) as file:
                yield file
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def add(
        self, file: BinaryIO, kind: Literal["import", "scrub"], actor: str, name: str
    ) -> ListJob:
        """Make a job of an upload, which is whole now. Raises ``Unfit`` where it is empty."""
        size, folder = file.seek(0, os.SEEK_END), Path(file.name).parent
        if not size:
            raise Unfit("Choose a file that is not empty.", field="file")
        last = name.replace("\\", "/").rpartition("/")[2]
        title = "".join(filter(str.isprintable, last))[:100].strip() or "list"
        return _write(folder, ListJob(folder.name, kind, actor, title, _now_us(), size))

    def all(self) -> list[ListJob]:
        """Every list job, newest first."""
        found: list[ListJob] = []
        for path in _folders(self._services.settings.data_dir):
            with suppress(NoSuchList):  # it arrives just now, or goes
                found.append(self.find(path.name))
        return sorted(found, key=lambda one: one.made_us, reverse=True)

    def find(self, id_: str) -> ListJob:
        """One list job. Raises ``NoSuchList``."""
        with suppress(OSError, msgspec.MsgspecError):
            if _ID.fullmatch(id_):
                return msgspec.json.decode(self.file(id_, "job.json").read_bytes(), type=ListJob)
        raise NoSuchList(_GONE)

    def file(self, id_: str, name: str) -> Path:
        """Where a file of a job is, if it is there."""
        return self._path / id_ / name

    def ask(self, job: ListJob, step: str, given: Mapping[str, object]) -> ListJob:
        """Ask for a step with these options, or the reason of an undo.

        While one waits or runs, and when the list was applied, it stays as it is. Raises ``Unfit``,
        ``UnknownProgram``.
        """
        if job.is_busy or (job.is_finished and job.kind != "undo"):
            return job
        applies = step == "apply" or job.kind == "scrub"
        if job.kind == "undo":
            job = replace(job, reason=reason_of(str(given.get("reason", ""))) if applies else "")
        else:
            job = replace(job, options=self._options(job, given, applies=applies))
        step = "apply" if applies else "preview"
        job = replace(job, step=step, state="waiting", done=0, total=0, problem="", starts=0)
        return _write(self._path / job.id, job)

    def _options(self, job: ListJob, given: Mapping[str, object], *, applies: bool) -> ListOptions:
        known = msgspec.to_builtins(job.options) if job.options else {}
        if job.kind == "import" and applies:  # as the preview says
            given = {name: given[name] for name in ("words", "medium") if name in given}
        try:
            options = msgspec.convert({**known, **given}, ListOptions, strict=False)
        except msgspec.ValidationError as error:
            raise Unfit(f"{error}.") from None
        options.check(self._services.settings)
        if job.kind == "import" and applies:
            if job.result is None or (job.step == "preview" and job.state != "done"):
                raise Unfit("The preview is not done: a list is applied as its preview says.")
            check_words(options, job.result)
        return options

    def undo(self, import_id: str, actor: str, *, sees_all: bool) -> ListJob:
        """The job that undoes an import: there is one for each.

        Raises ``NoSuchList`` where it is no import of theirs, ``RecordsUnavailable``.
        """
        self._services.archiver.move_all()
        record = import_of(self._services.records, import_id)
        if not sees_all and actor != record.actor:
            raise NoSuchList("There is no such import of yours.")
        id_ = sha256(import_id.encode()).hexdigest()[:32]
        with suppress(NoSuchList):
            return replace(self.find(id_), actor=actor)
        name = record.file or import_id
        job = ListJob(id_, "undo", actor, name, _now_us(), import_id=import_id)
        return _write(self._make_folder(id_), job)

    def run_next(self, is_ending: Callable[[], bool]) -> bool:
        """Run the step that waits longest, if any; called by the worker.

        What fails is written down for the operator and raises nothing. Raises ``StepStopped``.
        """
        for job in reversed([one for one in self.all() if one.is_busy]):
            folder = self._path / job.id
            with _locked(folder) as is_held:
                if is_held and self.find(job.id).is_busy:
                    self._run(folder, self.find(job.id), is_ending)
                    return True
        return False

    def _run(self, folder: Path, job: ListJob, is_ending: Callable[[], bool]) -> None:
        job = _write(folder, replace(job, state="working", starts=job.starts + 1))
        reported_at = 0.0

        def progress(_: str, done: int, total: int) -> None:
            nonlocal reported_at
            if is_ending():
                raise StepStopped
            if time.monotonic() - reported_at >= _REPORT_S:
                _write(folder, replace(job, done=done, total=total))
                reported_at = time.monotonic()

        problem, result = "", job.result
        try:
            if job.starts > _MAX_STARTS:
                problem = "The worker ended whenever it did this. Ask your administrator."
            else:
                result = self._result(folder, job, progress)
        except SmsGateError as error:
            problem = str(error)
        except OSError as error:
            problem = f"The server's disk cannot be used: {error.strerror}."
        except Exception as error:  # noqa: BLE001 - a person waits for a sentence
            _log.error("list failed", kind=job.kind, step=job.step, exc_info=error)
            problem = _FAILED
        job = replace(job, state="failed" if problem else "done", problem=problem, result=result)
        if _write(folder, job).is_finished:
            (folder / UPLOAD).unlink(missing_ok=True)

    def _result(self, folder: Path, job: ListJob, progress: Progress) -> ListResult:
        """Run the job's step and give what it found; raises ``SmsGateError``, ``OSError``."""
        unused, applies = folder / RESULT, job.step == "apply"
        if job.options is None:
            actor = job.actor if applies else ""
            undo = ImportUndo(self._services)
            return undo.run(job.import_id, progress, unused, actor=actor, reason=job.reason)
        with (folder / UPLOAD).open("rb") as file:
            if job.kind == "scrub":
                clean = folder / CLEAN_ROWS
                return scrub_list(self._services, job.options, file, clean, unused, progress)
            given = (self._services, job.options, file, progress, unused)
            return run_import(*given, actor=job.actor, name=job.name, applies=applies)

    def _make_folder(self, name: str) -> Path:
        (self._path / name).mkdir(mode=0o700, parents=True)
        self._path.chmod(0o700)
        return self._path / name


def remove_old(data_dir: Path) -> None:
    """Remove jobs that are too old, unless a process works on them."""
    oldest = time.time() - KEPT_DAYS * 86_400
    for path in _folders(data_dir):
        with suppress(OSError):
            if max(one.stat().st_mtime for one in [path, *path.iterdir()]) >= oldest:
                continue
            with _locked(path) as is_held:
                if is_held:
                    shutil.rmtree(path, ignore_errors=True)


def _folders(data_dir: Path) -> list[Path]:
    with suppress(OSError):
        return [one for one in (data_dir / "lists").iterdir() if _ID.fullmatch(one.name)]
    return []


def _open_own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _now_us() -> int:
    return time.time_ns() // 1000


def _write(folder: Path, job: ListJob) -> ListJob:
    replace_file(folder / "job.json", msgspec.json.encode(job))
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
