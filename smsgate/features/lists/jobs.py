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
from typing import BinaryIO, Literal

import msgspec
import structlog
from msgspec.structs import replace

from smsgate.domain.errors import SmsGateError, Unfit
from smsgate.features.lists.import_record import NoSuchList, import_of
from smsgate.features.lists.import_result import ImportOptions, ImportResult
from smsgate.features.lists.import_undo import ImportUndo, UndoResult
from smsgate.features.lists.imports import FileImport, check_options
from smsgate.features.lists.list_job import (
    KEPT_DAYS,
    Kind,
    ListJob,
    ListUser,
    UndoOptions,
    unknown_list,
    usable_directory,
)
from smsgate.features.lists.scrub import ScrubOptions, ScrubResult, scrub_list
from smsgate.files import replace_file
from smsgate.pipeline.manual import check_program
from smsgate.pipeline.services import Services

MAX_UPLOAD_BYTES = 1 << 30
_RESERVE_BYTES = 256 << 20
"""Stay free: the data directory is also where opt-outs wait for a store that is away."""
_MAX_STARTS = 4
"""How often an interrupted step is taken up again: it may be what ends the worker."""
_REPORT_S = 0.5
_ID = re.compile(r"[0-9a-f]{32}")
_FAILED = "Something failed here that should not have; it has been logged. Please try again."
RESULT, CLEAN, BLOCKED = "result", "clean", "blocked"
"""Names of the files that steps leave."""
_log = structlog.get_logger("smsgate.lists")


class StepStopped(Exception):
    """Raised in a step when its worker ends; another one takes it up again."""


class ListUpload:
    """A file that arrives in the folder of a new job."""

    def __init__(self, jobs: ListJobs, actor: str) -> None:
        self._folder = jobs.make_folder()
        self._actor = actor
        self._file: BinaryIO | None = None
        self.job: ListJob | None = None

    def file(self) -> BinaryIO:
        """Where its bytes go; there is one file. Raises ``Unfit`` where another one came."""
        if self._file is not None:
            raise Unfit("Give one file at a time.")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        self._file = os.fdopen(os.open(self._folder / "upload", flags, 0o600), "w+b")
        return self._file

    def keep(self, kind: str, name: str, allowed: tuple[str, ...] = ()) -> ListJob:
        """Keep the file, which is whole now. Raises ``Unfit`` where it is empty."""
        if kind not in ("import", "scrub"):
            raise Unfit("Say what the list is for: import or scrub.")
        size = self._file.seek(0, os.SEEK_END) if self._file is not None else 0
        if not size:
            raise Unfit("Choose a file that is not empty.")
        known: Kind = "import" if kind == "import" else "scrub"
        last = name.replace("\\", "/").rpartition("/")[2]
        title = "".join(filter(str.isprintable, last))[:100].strip() or "list"
        now_us = time.time_ns() // 1000
        self.job = ListJob(
            self._folder.name, known, self._actor, title, now_us, size, allowed=allowed
        )
        _write(self._folder, self.job)
        return self.job

    def close(self) -> None:
        """End the upload; what was not kept is removed."""
        if self._file is not None:
            self._file.close()
        if self.job is None:
            shutil.rmtree(self._folder, ignore_errors=True)


class ListJobs:
    """All list jobs of this host."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._path = services.settings.data_dir / "lists"

    @contextmanager
    def uploading(self, actor: str, size: int) -> Iterator[ListUpload]:
        """A file of so many bytes arrives.

        Raises ``Unfit`` where it is too large, or the disk too small.
        """
        if size > MAX_UPLOAD_BYTES:
            raise Unfit(f"The file is over {MAX_UPLOAD_BYTES >> 20:,} MiB: give it in parts.")
        remove_old(self._services.settings.data_dir)
        self._check_room(2 * max(size, 0))  # what is made of it may be as long
        upload = ListUpload(self, actor)
        try:
            yield upload
        finally:
            upload.close()

    def make_folder(self) -> Path:
        """A new folder, empty. Raises ``ListsUnavailable``."""
        path = self._path / secrets.token_hex(16)
        with usable_directory():
            path.mkdir(mode=0o700, parents=True)
            self._path.chmod(0o700)
        return path

    def of(self, user: ListUser) -> list[ListJob]:
        """The operator's list jobs, or everybody's, newest first. Raises ``ListsUnavailable``."""
        found = [job for job in self._all() if user.sees_all or user.name == job.actor]
        return sorted(found, key=lambda one: one.made_us, reverse=True)

    def find(self, id_: str, user: ListUser) -> ListJob:
        """One list job. Raises ``NoSuchList``."""
        job = self._read(id_)
        if not user.sees_all and user.name != job.actor:
            raise unknown_list()
        return job

    def upload(self, job: ListJob) -> BinaryIO:
        """The file of a job. Raises ``NoSuchList``."""
        try:
            return (self._path / job.id / "upload").open("rb")
        except OSError as error:
            raise NoSuchList("The file of this list is gone: upload it again.") from error

    def preview_import(self, id_: str, user: ListUser, options: ImportOptions) -> ListJob:
        """Ask for the preview of an uploaded list. Raises ``NoSuchList``, ``Unfit``."""
        check_options(self._services.settings, options)
        return self._ask(self.find(id_, user), "import", "preview", import_options=options)

    def apply_import(self, id_: str, user: ListUser, words: str, medium: str) -> ListJob:
        """Ask for an import, as its preview says. ``words``: what subscribers agreed to."""
        job = self.find(id_, user)
        options, found = job.import_options, job.result
        if options is None or job.step == "" or (job.step == "preview" and job.state != "done"):
            raise Unfit("The preview is not done: an import is applied as its preview says.")
        if isinstance(found, ImportResult) and found.subscribed and not words.strip():
            raise Unfit(
                "Say what the subscribers agreed to: the words that they were shown.",
                field="words",
            )
        changed = {"words": words.strip(), "medium": medium or "other"}
        options = msgspec.convert({**msgspec.to_builtins(options), **changed}, ImportOptions)
        return self._ask(job, "import", "apply", import_options=options)

    def scrub(self, id_: str, user: ListUser, options: ScrubOptions) -> ListJob:
        """Ask for a scrub of an uploaded list. Raises ``NoSuchList``, ``Unfit``."""
        check_program(self._services.settings, options.program)
        return self._ask(self.find(id_, user), "scrub", "apply", scrub_options=options)

    def undo(self, user: ListUser, import_id: str, reason: str = "") -> ListJob:
        """Ask for an undo, or without a reason for its preview; gives the job that has it already.

        Raises ``NoSuchList`` where it is no import of theirs, ``RecordsUnavailable``.
        """
        self._services.archiver.move_all()
        record = import_of(self._services.records, import_id)
        if not user.sees_all and user.name != record.by:
            raise NoSuchList("There is no such import of yours.")
        job = self.undo_of(import_id)
        if job is not None and job.is_busy and job.step == "apply":
            return job
        if job is None or job.is_finished or job.actor != user.name:
            path, now_us = self.make_folder(), time.time_ns() // 1000
            job = ListJob(path.name, "undo", user.name, record.file or import_id, now_us)
            _write(path, job)
        if not reason.strip() and job.step == "preview" and job.state != "failed":
            return job
        options = UndoOptions(import_id=import_id, reason=reason.strip())
        step: Literal["preview", "apply"] = "apply" if options.reason else "preview"
        return self._ask(job, "undo", step, undo_options=options)

    def undo_of(self, import_id: str) -> ListJob | None:
        """The newest job that undoes an import."""
        for job in self.of(ListUser("", sees_all=True)):
            if job.undo_options is not None and job.undo_options.import_id == import_id:
                return job
        return None

    def try_again(self, id_: str, user: ListUser) -> ListJob:
        """Ask again for a step that failed. Raises ``NoSuchList``."""
        job = self.find(id_, user)
        if job.state == "failed":
            job = replace(job, state="waiting", problem="", starts=0)
            _write(self._path / id_, job)
        return job

    def result(self, job: ListJob, name: str) -> Path:
        """A file that the newest step left. Raises ``NoSuchList``."""
        known = (CLEAN, BLOCKED) if job.kind == "scrub" else (RESULT,)
        path = self._path / job.id / name
        if job.state != "done" or name not in known or not path.is_file():
            raise NoSuchList("There is no such file of this list.")
        return path

    def remove(self, id_: str, user: ListUser) -> None:
        """Remove a list job with all its files. Raises ``NoSuchList``, ``Unfit``."""
        self.find(id_, user)
        with _locked(self._path / id_) as is_held:
            if not is_held:
                raise Unfit("This list is being worked on: wait until it is done.")
            shutil.rmtree(self._path / id_, ignore_errors=True)

    def run_next(self, is_ending: Callable[[], bool]) -> bool:
        """Run the step that waits longest, if any; called by the worker.

        What fails is written down for the operator and raises nothing. Raises ``StepStopped``,
        ``ListsUnavailable``.
        """
        waiting = [one for one in self._all() if one.is_busy]
        for job in sorted(waiting, key=lambda one: one.made_us):
            folder = self._path / job.id
            with suppress(NoSuchList), _locked(folder) as is_held:
                if is_held and (job := self._read(job.id)).is_busy:
                    self._run(folder, job, is_ending)
                    return True
        return False

    def _run(self, folder: Path, job: ListJob, is_ending: Callable[[], bool]) -> None:
        job = replace(job, state="working", starts=job.starts + 1)
        _write(folder, job)
        reported_at, at = 0.0, (0, 0)

        def progress(_: str, done: int, total: int) -> None:
            nonlocal reported_at, at
            if is_ending():
                raise StepStopped
            at = done, total
            if time.monotonic() - reported_at >= _REPORT_S:
                self._check_room(0)  # what is made of a list may be longer than the list
                _write(folder, replace(job, done=done, total=total))
                reported_at = time.monotonic()

        problem, result = "", job.result
        try:
            if job.starts > _MAX_STARTS:
                problem = "The worker ended whenever it did this. Ask your administrator."
            else:
                result = self._result(folder, job, progress)
        except StepStopped:
            _write(folder, replace(job, state="waiting", starts=job.starts - 1))
            raise
        except SmsGateError as error:
            problem = str(error)
        except OSError as error:
            problem = f"The server's disk cannot be used: {error.strerror}."
        except Exception as error:  # noqa: BLE001 - a person waits for a sentence
            _log.error("list failed", kind=job.kind, step=job.step, exc_info=error)
            problem = _FAILED
        state: Literal["failed", "done"] = "failed" if problem else "done"
        job = replace(job, state=state, problem=problem, result=result, done=at[0], total=at[1])
        _write(folder, job)
        if job.is_finished:
            (folder / "upload").unlink(missing_ok=True)

    def _result(
        self, folder: Path, job: ListJob, progress: Callable[[str, int, int], None]
    ) -> ImportResult | ScrubResult | UndoResult:
        """Run the job's step and give what it found; raises ``SmsGateError``, ``OSError``."""
        file = folder / RESULT
        if job.undo_options is not None:
            undo, id_ = ImportUndo(self._services), job.undo_options.import_id
            if job.step == "preview":
                return undo.preview(id_, progress, file)
            return undo.apply(id_, job.actor, job.undo_options.reason, progress, file)
        with self.upload(job) as upload:
            if job.scrub_options is not None:
                clean, blocked = folder / CLEAN, folder / BLOCKED
                return scrub_list(
                    self._services, job.scrub_options, upload, clean, blocked, progress
                )
            work = FileImport(
                self._services,
                job.import_options or ImportOptions(),
                upload,
                actor=job.actor,
                name=job.name,
                allowed=job.allowed,
            )
            return (work.preview if job.step == "preview" else work.apply)(progress, file)

    def _ask(
        self,
        job: ListJob,
        kind: Kind,
        step: Literal["preview", "apply"],
        **options: ImportOptions | ScrubOptions | UndoOptions,
    ) -> ListJob:
        """Note the next step; where one waits, runs, or was applied, the job stays as it is."""
        if job.kind != kind:
            raise Unfit(f"This list is for another use: it was given for {job.kind!r}.")
        if job.is_busy or job.is_finished or (job.step == "apply" and step == "preview"):
            return job
        asked = replace(job, step=step, state="waiting", done=0, problem="", starts=0)
        asked = replace(asked, **options)
        _write(self._path / job.id, asked)
        return asked

    def _all(self) -> Iterator[ListJob]:
        for path in _folders(self._services.settings.data_dir):
            with suppress(NoSuchList):  # it arrives just now, or goes
                yield self._read(path.name)

    def _read(self, id_: str) -> ListJob:
        if not _ID.fullmatch(id_):
            raise unknown_list()
        try:
            return msgspec.json.decode((self._path / id_ / "job.json").read_bytes(), type=ListJob)
        except (OSError, msgspec.MsgspecError) as error:
            raise unknown_list() from error

    def _check_room(self, wanted_bytes: int) -> None:
        with usable_directory():
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(self._path).free
        if free < wanted_bytes + _RESERVE_BYTES:
            raise Unfit(
                f"There is no space for this on the server's disk: {free >> 20:,} MiB are free. "
                "Remove lists that are done, or ask your administrator."
            )


def remove_old(data_dir: Path) -> None:
    """Remove jobs that are too old, unless a process works on them. Raises ``ListsUnavailable``."""
    oldest = time.time() - KEPT_DAYS * 86_400
    for path in _folders(data_dir):
        with suppress(OSError, NoSuchList):
            changed = max(one.stat().st_mtime for one in [path, *path.iterdir()])
            if changed < oldest:
                with _locked(path) as is_held:
                    if is_held:
                        shutil.rmtree(path, ignore_errors=True)


def _folders(data_dir: Path) -> list[Path]:
    with usable_directory(), suppress(FileNotFoundError):
        return [one for one in (data_dir / "lists").iterdir() if _ID.fullmatch(one.name)]
    return []


def _write(folder: Path, job: ListJob) -> None:
    try:
        replace_file(folder / "job.json", msgspec.json.encode(job))
    except FileNotFoundError as error:
        raise unknown_list() from error


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a job while the block runs; gives False if another process works on it."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise unknown_list() from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)
