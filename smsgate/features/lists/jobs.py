"""List jobs: what an operator lets smsgate do with a list, beyond one request.

A step of an import, scrub, export or undo is an RQ job. The web process notes in the list's folder
what is asked for and enqueues; a worker of the same data directory runs the step, with its progress
in ``job.meta``, and writes into the folder what came of it. The folder is the record, so a lost
queue loses no list: a step that neither waits in the queue nor holds the folder's lock was
interrupted, and may be run again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from msgspec.structs import replace

from smsgate.domain.errors import SmsGateError, Unfit
from smsgate.features.lists.errors import NoSuchList
from smsgate.features.lists.import_record import titles_of
from smsgate.features.lists.job_files import (
    MAX_UPLOAD_BYTES,
    JobFolder,
    JobFolders,
    Kind,
    ListJob,
    ListRequest,
    ListUser,
    Step,
    Upload,
)
from smsgate.features.lists.job_steps import BLOCKED, CLEAN, EXPORTED, RESULT, JobSteps, Progress
from smsgate.features.lists.preview import Preview, preview_of
from smsgate.features.lists.rows import region_of
from smsgate.pipeline.services import Services
from smsgate.store.list_queue import ListQueue

_KINDS: dict[Step, Kind] = {
    "rehearse": "import",
    "part": "scrub",
    "export": "export",
    "look": "undo",
}
"""The kind of list that a first step is for."""
_FILES: dict[Step, tuple[str, ...]] = {
    "rehearse": (RESULT,),
    "apply": (RESULT,),
    "part": (CLEAN, BLOCKED),
    "export": (EXPORTED,),
    "look": (RESULT,),
    "undo": (RESULT,),
}
"""By step the files that it leaves."""
EVERYBODY = ListUser("", sees_all=True)
_WORKER_WAIT_S = 10.0
_MAX_RESTARTS = 3
"""How often workers take up an interrupted step by themselves: it may be what ends them."""
_FAILED = "Something failed here that should not have; it has been logged. Please try again."
_log = structlog.get_logger("smsgate.lists")


class StepStopped(Exception):
    """Raised in a step when its worker ends; the step stays interrupted."""


class ListJobs:
    """All list jobs of this host."""

    def __init__(self, services: Services) -> None:
        self._folders = JobFolders(services.settings.data_dir)
        self._steps = JobSteps(services)
        self._settings = services.settings
        self._queue = ListQueue(services.job_queue)

    def queue_name(self) -> str:
        """The RQ queue of this data directory. Raises ``ListsUnavailable``."""
        return self._folders.queue_name()

    @contextmanager
    def uploading(self, operator: str, size: int) -> Iterator[Upload]:
        """A file of so many bytes arrives; what was not kept by the end is removed.

        Raises ``Unfit`` where it is too large, or the disk too small.
        """
        self._folders.tidy()
        if size > MAX_UPLOAD_BYTES:
            raise Unfit(f"The file is over {MAX_UPLOAD_BYTES >> 20:,} MiB: give it in parts.")
        self._folders.check_room(2 * max(size, 0))  # what is made of it may be as long
        upload = Upload(self._folders.make(), operator)
        try:
            yield upload
        finally:
            upload.close()

    def of(self, user: ListUser) -> list[tuple[ListJob, bool]]:
        """The operator's list jobs, or everybody's, newest first; with each whether it runs.

        Also removes what is too old. Raises ``ListsUnavailable``, ``QueueUnavailable``.
        """
        self._folders.tidy()
        found = []
        for folder in self._folders.all():
            with suppress(NoSuchList):  # it arrives just now, or goes
                job = folder.read()
                if user.may_see(job.operator):
                    found.append((job, self._is_running(folder, job)))
        return sorted(found, key=lambda one: one[0].made_us, reverse=True)

    def find(self, id_: str, user: ListUser) -> tuple[ListJob, bool]:
        """One list job with its progress, and whether it runs or waits its turn.

        Raises ``NoSuchList``, ``QueueUnavailable``.
        """
        job, folder = self._mine(id_, user)
        is_running = self._is_running(folder, job)
        if not job.is_busy:
            return job, is_running
        job = folder.read()  # it may have ended in between
        if is_running and job.is_busy:
            job = replace(job, read=self._queue.progress(job.rq_id))
        return job, is_running

    def preview(self, job: ListJob) -> Preview:
        """The beginning of what was uploaded. Raises ``ListUnreadable``, ``NoSuchList``."""
        folder = self._folders.find(job.id)
        try:
            with folder.upload.open("rb") as file:
                return preview_of(file, job.request.form)
        except OSError as error:
            raise NoSuchList("The file of this list is gone: upload it again.") from error

    def begin(self, id_: str, user: ListUser, step: Step, request: ListRequest) -> None:
        """Rehearse an import, or scrub a list; asked for twice at once, it is done once.

        Raises ``NoSuchList``, ``Unfit``, ``UnknownProgram``, ``QueueUnavailable``.
        """

        def first_step(job: ListJob) -> ListJob:
            if _KINDS.get(step) != job.kind:
                raise Unfit(f"This list is for another use: it was given for {job.kind!r}.")
            wanted = replace(request, region=region_of(request.region))
            return replace(job, step=step, request=wanted, result=None)

        self._enqueue(self._mine(id_, user)[1], first_step)

    def apply(self, id_: str, user: ListUser, words: str, medium: str) -> None:
        """Apply an import that was rehearsed. ``words``: what subscribers agreed to.

        Raises ``NoSuchList``, ``Unfit``, ``QueueUnavailable``.
        """

        def applied(job: ListJob) -> ListJob:
            if job.kind != "import":
                raise Unfit("Only an import is applied.")
            if job.result is not None and job.result.subscribed and not words.strip():
                raise Unfit(
                    "Say what the subscribers agreed to: the words that they were shown.",
                    field="words",
                )
            request = replace(job.request, words=words.strip(), medium=medium or "other")
            return replace(job, step="apply", request=request)

        self._enqueue(self._mine(id_, user)[1], applied)

    def resume(self, id_: str, user: ListUser) -> None:
        """Run a step again that was interrupted or failed. Raises as ``apply``."""
        self._enqueue(self._mine(id_, user)[1], lambda job: job)

    def resume_interrupted(self) -> None:
        """Enqueue interrupted steps again; called by an idle worker.

        Raises ``ListsUnavailable``, ``QueueUnavailable``.
        """
        for folder in self._folders.all():
            with suppress(NoSuchList):
                job = folder.read()
                restarts = job.restarts + 1
                if job.rq_id and job.is_busy and restarts <= _MAX_RESTARTS:
                    self._enqueue(folder, lambda one: one, restarts)

    def export(self, operator: str, request: ListRequest) -> ListJob:
        """Begin an export. Raises ``UnknownProgram``, ``Unfit``, ``QueueUnavailable``."""
        title = titles_of(self._settings).get(request.program, "All programs")
        states = ", ".join(request.states).replace("_", " ") or "every state"
        name = f"{title}, {states}"
        self._steps.check(ListJob("", "export", operator, name, 0, request=request))
        with self._made("export", operator, name, request) as folder:
            self.begin(folder.id, ListUser(operator), "export", request)
            return folder.read()

    def rehearse_undo(self, user: ListUser, list_id: str) -> ListJob:
        """Begin to see what undoing an import would do; gives the job that does so already, if any.

        Raises ``NoSuchList`` where it is no import of theirs, ``QueueUnavailable``.
        """
        record = self._steps.record(list_id)
        if not user.may_see(record.by):
            raise NoSuchList("There is no such import of yours.")
        for job, _ in self.of(ListUser(user.name)):
            if job.kind == "undo" and job.request.list_id == list_id and not job.is_finished:
                return job
        request = ListRequest(list_id=list_id)
        with self._made("undo", user.name, record.file or list_id, request) as folder:
            self.begin(folder.id, user, "look", request)
            return folder.read()

    def undo(self, operator: str, list_id: str, reason: str) -> ListJob:
        """Begin to undo an import; gives the job that does so already, if any. Raises as above."""
        record = self._steps.record(list_id)
        found = self.undo_of(list_id)
        if found is not None and found[1]:
            return found[0]
        request = ListRequest(list_id=list_id)
        with self._made("undo", operator, record.file or list_id, request) as folder:
            self.apply_undo(folder.id, ListUser(operator), reason)
            return folder.read()

    def undo_of(self, list_id: str) -> tuple[ListJob, bool] | None:
        """The newest job that undoes an import, and whether it runs or waits its turn."""
        for job, is_running in self.of(EVERYBODY):
            if job.step == "undo" and job.request.list_id == list_id:
                return self.find(job.id, EVERYBODY) if is_running else (job, False)
        return None

    def apply_undo(self, id_: str, user: ListUser, reason: str) -> None:
        """Undo an import that was looked at. Raises as ``apply``."""

        def undone(job: ListJob) -> ListJob:
            if job.kind != "undo":
                raise Unfit("Only an import on record is undone.")
            if not reason.strip():
                raise Unfit("Give a reason for the record.", field="reason")
            return replace(job, step="undo", request=replace(job.request, reason=reason.strip()))

        self._enqueue(self._mine(id_, user)[1], undone)

    def result(self, job: ListJob, name: str) -> Path:
        """The file of that name that the newest step left. Raises ``NoSuchList``."""
        known = _FILES.get(job.step, ()) if job.state == "done" else ()
        path = self._folders.find(job.id).file(name)
        if name not in known or not path.is_file():
            raise NoSuchList("There is no such file of this list.")
        return path

    def remove(self, id_: str, user: ListUser) -> None:
        """Remove a list job with all its files. Raises ``NoSuchList``, ``Unfit``."""
        _, folder = self._mine(id_, user)
        with folder.lock() as is_held:
            if not is_held or self._waits(folder.read()):
                raise Unfit("This list is being worked on: wait until it is done.")
            folder.remove()

    def run(self, id_: str, rq_id: str, report: Callable[[int], None]) -> None:
        """Run the step of a list job that RQ hands to this worker.

        ``report`` is given how far it is, often, and raises ``StepStopped`` to interrupt the step.
        What fails is written down for the operator and raises nothing.
        """
        try:
            folder = self._folders.find(id_)
            with folder.lock(_WORKER_WAIT_S) as is_held:
                job = folder.read()
                if not is_held or not job.is_busy or job.rq_id != rq_id:
                    return  # another job has begun the step anew
                working = replace(job, state="working")
                folder.write(working)
                ended = self._ended(working, folder, report)
                folder.write(ended)
                if ended.is_finished:
                    folder.upload.unlink(missing_ok=True)
        except (NoSuchList, OSError) as error:
            _log.error("list lost", id=id_, problem=str(error))

    def _ended(self, job: ListJob, folder: JobFolder, report: Callable[[int], None]) -> ListJob:
        problem, result = "", job.result
        try:
            result = self._steps.run(job, folder, self._progress(report))
        except StepStopped:
            raise
        except SmsGateError as error:
            problem = str(error)
        except OSError as error:
            problem = f"The server's disk cannot be used: {error.strerror}."
        except Exception as error:  # noqa: BLE001 - a person waits for a sentence
            _log.error("list failed", kind=job.kind, step=job.step, exc_info=error)
            problem = _FAILED
        state = "failed" if problem else "done"
        return replace(job, state=state, problem=problem, result=result)

    def _progress(self, report: Callable[[int], None]) -> Progress:
        done = 0

        def progress(count: int) -> None:
            nonlocal done
            done += count
            report(done)
            self._folders.check_room(0)  # what is made of a list may be longer than the list

        return progress

    def _mine(self, id_: str, user: ListUser) -> tuple[ListJob, JobFolder]:
        folder = self._folders.find(id_)
        job = folder.read()
        if not user.may_see(job.operator):
            raise NoSuchList("There is no such list of yours.")
        return job, folder

    @contextmanager
    def _made(
        self, kind: Kind, operator: str, name: str, request: ListRequest
    ) -> Iterator[JobFolder]:
        """A folder for a list without an upload, removed where its first step cannot begin."""
        self._folders.tidy()
        self._folders.check_room(0)
        folder = self._folders.make()
        try:
            now_us = time.time_ns() // 1000
            folder.write(ListJob(folder.id, kind, operator, name, now_us, request=request))
            yield folder
        except SmsGateError:
            folder.remove()
            raise

    def _enqueue(
        self, folder: JobFolder, next_of: Callable[[ListJob], ListJob], restarts: int = 0
    ) -> None:
        """Note the next step and enqueue it, unless one waits, runs, or may not come now."""
        with folder.lock() as is_held:
            if not is_held:
                return  # somebody, or the same click once more, was faster
            before = folder.read()
            job = next_of(before)
            if self._waits(before) or not _may_follow(before, job.step):
                return
            self._steps.check(job)
            if before.rq_id:
                self._queue.forget(before.rq_id)
            rq_id = uuid.uuid4().hex
            job = replace(job, state="waiting", read=0, problem="", rq_id=rq_id, restarts=restarts)
            # The worker waits for the lock, so it sees what is written behind this.
            self._queue.enqueue(self.queue_name(), folder.id, rq_id)
            folder.write(job)

    def _is_running(self, folder: JobFolder, job: ListJob) -> bool:
        return folder.is_locked() or self._waits(job)

    def _waits(self, job: ListJob) -> bool:
        """Whether the job's step waits in the queue, or was taken from it a moment ago."""
        return job.is_busy and bool(job.rq_id) and self._queue.waits(job.rq_id)


def _may_follow(job: ListJob, step: Step) -> bool:
    """Whether a step may start, given that no process works on the job."""
    if job.step == step:
        return step in ("rehearse", "look") or (step != "" and job.state != "done")
    if step == "apply":
        return job.step == "rehearse" and job.state == "done"
    if step == "undo":
        return job.step in ("", "look") and job.state == "done"
    return job.step == ""
