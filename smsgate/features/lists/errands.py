"""Errands as operators see them: a list arrives, something is asked for, and is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import structlog

from smsgate.domain.errors import NoSuchList, SmsGateError, Unfit
from smsgate.features.lists.arrival import Arrival
from smsgate.features.lists.folders import LIMIT, Folder, Folders, let_go
from smsgate.features.lists.import_record import ImportRecord
from smsgate.features.lists.next_step import asked_for, may_come, to_apply, to_undo
from smsgate.features.lists.preview import Preview, preview_of
from smsgate.features.lists.steps import BLOCKED, CLEAN, EXPORTED, RESULT, Steps
from smsgate.features.lists.values import Asked, Errand, Step
from smsgate.features.lists.working import WORKER, Meter

_FILES: dict[Step, tuple[str, ...]] = {
    "rehearse": (RESULT,),
    "apply": (RESULT,),
    "part": (CLEAN, BLOCKED),
    "export": (EXPORTED,),
    "look": (RESULT,),
    "undo": (RESULT,),
}
"""By step the files that it leaves."""
_FAILED = "Something failed here that should not have; it has been logged. Please try again."
_log = structlog.get_logger("smsgate.lists")


class Errands:
    """All errands of this host."""

    def __init__(self, data_dir: Path, steps: Steps) -> None:
        """They lie in the data directory; ``steps`` does the work."""
        self._folders = Folders(data_dir)
        self._steps = steps

    @contextmanager
    def arriving(self, operator: str, size: int) -> Iterator[Arrival]:
        """A file of so many bytes arrives; what was not kept by the end is removed.

        Raises ``Unfit`` where it is too large, or the disk too small.
        """
        self._folders.tidy()
        if size > LIMIT:
            raise Unfit(f"The file is over {LIMIT >> 20:,} MiB: give it in parts.")
        self._folders.room(2 * max(size, 0))  # what is made of it may be as long
        folder = self._folders.make()
        arrival = Arrival(folder, operator)
        try:
            yield arrival
        finally:
            arrival.close()

    def of(self, operator: str, *, everybody: bool) -> list[tuple[Errand, bool]]:
        """The operator's errands, or everybody's, newest first; with each whether one works on it.

        A look at them also removes what is too old.
        """
        self._folders.tidy()
        found = []
        for folder in self._folders.all():
            try:
                errand = folder.read()
                if everybody or errand.operator == operator:
                    found.append((errand, folder.held()))
            except NoSuchList:  # it arrives just now, or goes
                continue
        return sorted(found, key=lambda one: one[0].made_us, reverse=True)

    def find(self, id_: str, operator: str, *, everybody: bool) -> tuple[Errand, bool]:
        """One errand, and whether somebody works on it. Raises ``NoSuchList``."""
        errand, folder = self._mine(id_, operator, everybody)
        at_work = folder.held()
        # Asked again: it may have ended in between.
        return (folder.read(), at_work) if errand.busy else (errand, at_work)

    def preview(self, errand: Errand) -> Preview:
        """The beginning of what was uploaded. Raises ``ListUnreadable``, ``NoSuchList``."""
        folder = self._folders.find(errand.id)
        try:
            with folder.upload.open("rb") as file:
                return preview_of(file, errand.asked.form)
        except OSError as error:
            raise NoSuchList("The file of this list is gone: upload it again.") from error

    def begin(self, id_: str, operator: str, step: Step, asked: Asked, *, everybody: bool) -> None:
        """Let an import be rehearsed, or a list be parted; twice at once, it is done once.

        Raises ``NoSuchList``, ``Unfit``, ``UnknownProgram``.
        """
        self._step(id_, operator, everybody, lambda errand: asked_for(errand, step, asked))

    def apply(self, id_: str, operator: str, words: str, medium: str, *, everybody: bool) -> None:
        """Let an import that was rehearsed be applied. ``words``: what subscribers agreed to.

        Raises ``NoSuchList``, ``Unfit``.
        """
        self._step(id_, operator, everybody, lambda errand: to_apply(errand, words, medium))

    def resume(self, id_: str, operator: str, *, everybody: bool) -> None:
        """Go on with a step that was interrupted or failed. Raises ``NoSuchList``, ``Unfit``."""
        self._step(id_, operator, everybody, lambda errand: errand)

    def export(self, operator: str, asked: Asked) -> Errand:
        """Begin an export. Raises ``UnknownProgram``, ``Unfit``."""
        self._folders.tidy()
        self._folders.room(0)
        name = f"{asked.program}, {', '.join(asked.states) or 'every state'}"
        errand = Errand("", "export", operator, name, _now_us(), asked=asked)
        self._steps.check(errand)
        folder = self._folders.make()
        errand = msgspec.structs.replace(errand, id=folder.id)
        folder.write(errand)
        self.begin(folder.id, operator, "export", asked, everybody=False)
        return errand

    def undoing(self, operator: str, list_id: str, *, everybody: bool) -> Errand:
        """Begin to look at what undoing an import would do; the one that looks already, if any.

        Raises ``NoSuchList`` where it is no import of theirs.
        """
        record = self._steps.record(list_id)
        if record.by != operator and not everybody:
            raise NoSuchList("There is no such import of yours.")
        for errand, _ in self.of(operator, everybody=False):
            if errand.kind == "undo" and errand.asked.list_id == list_id and not errand.finished:
                return errand
        return self._begun(operator, record, "look", "")

    def undo(self, operator: str, list_id: str, reason: str) -> Errand:
        """Begin to undo an import; the errand that does it already, if any. Raises as above."""
        record = self._steps.record(list_id)
        found = self.undo_of(list_id)
        if found is not None and found[1]:
            return found[0]
        return self._begun(operator, record, "undo", reason)

    def undo_of(self, list_id: str) -> tuple[Errand, bool] | None:
        """The newest errand that undoes an import, and whether one works on it."""
        found = self.of("", everybody=True)
        mine = ((one, work) for one, work in found if one.asked.list_id == list_id)
        return next(((one, work) for one, work in mine if one.step == "undo"), None)

    def _begun(self, operator: str, record: ImportRecord, step: Step, reason: str) -> Errand:
        self._folders.tidy()
        self._folders.room(0)
        folder = self._folders.make()
        asked = Asked(list_id=record.id)
        name = record.file or record.id
        errand = Errand(folder.id, "undo", operator, name, _now_us(), asked=asked)
        folder.write(errand)
        if step == "look":
            self.begin(folder.id, operator, "look", asked, everybody=False)
        else:
            self.go_back(folder.id, operator, reason, everybody=False)
        return folder.read()

    def go_back(self, id_: str, operator: str, reason: str, *, everybody: bool) -> None:
        """Undo an import, as it was looked at. Raises ``NoSuchList``, ``Unfit``."""
        self._step(id_, operator, everybody, lambda errand: to_undo(errand, reason))

    def result(self, errand: Errand, name: str) -> Path:
        """The file of that name that the newest step left. Raises ``NoSuchList``."""
        known = _FILES.get(errand.step, ()) if errand.state == "done" else ()
        path = self._folders.find(errand.id).file(name)
        if name not in known or not path.is_file():
            raise NoSuchList("There is no such file of this list.")
        return path

    def remove(self, id_: str, operator: str, *, everybody: bool) -> None:
        """Take an errand away with all its files. Raises ``NoSuchList``, ``Unfit``."""
        _, folder = self._mine(id_, operator, everybody)
        handle = folder.hold()
        if handle is None:
            raise Unfit("This list is being worked on: wait until it is done.")
        folder.remove()
        let_go(handle)

    def _mine(self, id_: str, operator: str, everybody: bool) -> tuple[Errand, Folder]:
        folder = self._folders.find(id_)
        errand = folder.read()
        if errand.operator != operator and not everybody:
            raise NoSuchList("There is no such list of yours.")
        return errand, folder

    def _step(
        self, id_: str, operator: str, everybody: bool, next_of: Callable[[Errand], Errand]
    ) -> None:
        _, folder = self._mine(id_, operator, everybody)
        handle = folder.hold()
        if handle is None:
            return  # somebody, or the same click once more, was faster
        try:
            errand = folder.read()
            begun = next_of(errand)
            if not may_come(errand, begun.step):
                let_go(handle)  # likewise
                return
            self._steps.check(begun)
            begun = msgspec.structs.replace(begun, state="waiting", read=0, problem="")
            folder.write(begun)
        except BaseException:
            let_go(handle)
            raise
        WORKER.give(partial(self._work, begun, folder, handle))

    def _work(self, errand: Errand, folder: Folder, handle: int) -> None:
        """In the worker's thread; raises nothing."""
        try:
            working = msgspec.structs.replace(errand, state="working")
            folder.write(working)
            ended = self._taken(working, folder)
            folder.write(ended)
            if ended.finished:
                folder.upload.unlink(missing_ok=True)
        except (NoSuchList, OSError) as error:
            _log.error("list lost", kind=errand.kind, step=errand.step, problem=str(error))
        finally:
            let_go(handle)

    def _taken(self, errand: Errand, folder: Folder) -> Errand:
        def tell(read: int) -> None:
            folder.write(msgspec.structs.replace(errand, read=read))
            self._folders.room(0)  # what is made of a list may be longer than the list

        problem, told = "", errand.told
        try:
            told = self._steps.take(errand, folder, Meter(tell).add)
        except SmsGateError as error:
            problem = str(error)
        except OSError as error:
            problem = f"The server's disk cannot be used: {error.strerror}."
        except Exception as error:  # noqa: BLE001 - a person waits for a sentence
            _log.error("list failed", kind=errand.kind, step=errand.step, exc_info=error)
            problem = _FAILED
        state = "failed" if problem else "done"
        return msgspec.structs.replace(errand, state=state, problem=problem, told=told)


def _now_us() -> int:
    return time.time_ns() // 1000
