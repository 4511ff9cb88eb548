"""The steps of errands, as the command line takes them: rehearse, apply, part, export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from smsgate.domain.errors import Unfit
from smsgate.domain.messages import ALL, Consent
from smsgate.features.lists.export import FORMS, STATES, Exporting, Wanted, written
from smsgate.features.lists.file_import import FileImport, Summary, results
from smsgate.features.lists.folders import Folder
from smsgate.features.lists.import_record import ImportRecord, State, import_of
from smsgate.features.lists.import_undo import ImportUndo, UndoSummary, undo_results, undo_text
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.number_import import Importing, Listing
from smsgate.features.lists.scrub import Scrubbed, Scrubbing, unreachable
from smsgate.features.lists.shapes import FORMATS, shown
from smsgate.features.lists.values import Errand, Line, Told
from smsgate.files import whole
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.entries import check_program
from smsgate.pipeline.gate import Gate
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store import Store

RESULT, CLEAN, BLOCKED, EXPORTED = "result", "clean", "blocked", "export"
"""Names of the files that steps leave."""
MEDIA = ("web", "paper", "voice", "text", "other")
"""Where subscribers agreed."""
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Steps:
    """What the steps work with."""

    settings: Settings
    importing: Callable[[], Importing]
    gate: Gate
    store: Store
    records: Records
    archiver: LedgerArchiver
    undoing: Callable[[], ImportUndo]

    def check(self, errand: Errand) -> None:
        """Raise ``UnknownProgram`` or ``Unfit`` where a step asks for what there is not."""
        asked = errand.asked
        if errand.kind == "import":
            self.importing().check(_listing(errand))
        elif errand.kind == "undo":
            self.record(asked.list_id)
        elif asked.program != ALL or errand.kind == "scrub":
            check_program(self.settings, asked.program)
        for given, known in (
            (asked.form, FORMS if errand.kind == "export" else FORMATS),
            (asked.medium, MEDIA),
            (asked.state, ("", "opted_out", "subscribed")),
        ):
            if given not in known:
                raise Unfit(f"{given!r} will not do; it must be one of {', '.join(known)}.")
        if not {*asked.states} <= {*STATES}:
            raise Unfit(f"A state must be one of {', '.join(STATES)}.")

    def record(self, list_id: str) -> ImportRecord:
        """An import, with what happened until now. Raises ``NoSuchList``, ``Records…``."""
        self.archiver.move_all()
        return import_of(self.records, list_id)

    def take(self, errand: Errand, folder: Folder, progress: Progress) -> Told:
        """Take the errand's step and say what it found; raises ``SmsGateError``, ``OSError``.

        A step that was interrupted may be taken again.
        """
        take = {
            "rehearse": self._rehearse,
            "apply": self._apply,
            "part": self._part,
            "export": self._export,
            "look": self._look,
            "undo": self._undo,
        }[errand.step]
        return take(errand, folder, progress)

    def _rehearse(self, errand: Errand, folder: Folder, progress: Progress) -> Told:
        with folder.upload.open("rb") as file, results(folder.file(RESULT)) as write:
            return _told(self._work(errand, file).rehearse(progress, write))

    def _apply(self, errand: Errand, folder: Folder, progress: Progress) -> Told:
        rehearsed = errand.told or Told()
        summary = Summary(rehearsed.shape, rehearsed.encoding, rehearsed.list_id)
        with folder.upload.open("rb") as file, results(folder.file(RESULT)) as write:
            return _told(self._work(errand, file).apply(summary, progress, write))

    def _work(self, errand: Errand, file: BinaryIO) -> FileImport:
        asked = errand.asked
        return FileImport(
            self.importing(),
            self.records,
            _listing(errand),
            file,
            region=asked.region,
            form=asked.form,
            column=asked.column,
            forced=bool(asked.state),
        )

    def _part(self, errand: Errand, folder: Folder, progress: Progress) -> Told:
        asked = errand.asked
        with (
            folder.upload.open("rb") as file,
            whole(folder.file(CLEAN)) as clean,
            whole(folder.file(BLOCKED)) as blocked,
        ):
            work = Scrubbing(
                self.gate,
                asked.program,
                ListFile(file, asked.form, asked.column),
                unreachable(self.store, self.records),
                region=asked.region,
                kinds=asked.types,
            )
            return _parted(work.part(file, clean, blocked, progress))

    def _export(self, errand: Errand, folder: Folder, progress: Progress) -> Told:
        asked, count = errand.asked, 0
        wanted = Wanted(asked.program, frozenset(asked.states), since_us=asked.since_us)
        found = Exporting(self.records, self.archiver).numbers(wanted)
        with whole(folder.file(EXPORTED)) as out:
            for some, lines in written(found, asked.form):
                out.write(lines)
                progress(some)
                count += some
        return Told(clean=count)

    def _look(self, errand: Errand, folder: Folder, progress: Progress) -> Told:
        with undo_results(folder.file(RESULT)) as write:
            return _undone(self.undoing().rehearse(errand.asked.list_id, progress, write))

    def _undo(self, errand: Errand, folder: Folder, progress: Progress) -> Told:
        asked = errand.asked
        with undo_results(folder.file(RESULT)) as write:
            return _undone(
                self.undoing().apply(asked.list_id, errand.operator, asked.reason, progress, write)
            )


def _undone(done: UndoSummary) -> Told:
    return Told(
        list_id=done.record.id,
        rows=sum(done.outcomes.values()),
        outcomes=_counted(done.outcomes),
        note=undo_text(done.record, done.outcomes),
    )


def _listing(errand: Errand) -> Listing:
    asked = errand.asked
    consent = None
    if asked.words:
        consent = Consent(words=asked.words, medium=asked.medium, source=errand.name)
    state: State = "subscribed" if asked.state == "subscribed" else "opted_out"
    return Listing(
        program=asked.program or ALL,
        state=state,
        actor=errand.operator,
        note=errand.name,
        consent=consent,
    )


def _told(summary: Summary) -> Told:
    return Told(
        shape=summary.shape,
        encoding=summary.encoding,
        list_id=summary.list_id,
        rows=summary.rows,
        subscribed=summary.subscribed,
        outcomes=_counted(summary.outcomes),
        problems=_counted(summary.problems),
        changes=tuple(summary.changes),
        first=tuple(Line(row.line, shown(row.cell), row.outcome) for row in summary.first),
        unused=summary.unused,
    )


def _parted(done: Scrubbed) -> Told:
    return Told(
        shape=done.shape,
        encoding=done.encoding,
        rows=done.rows,
        outcomes=_counted(done.blocked),
        clean=done.clean,
        unknown_kind=done.unknown_kind,
    )


def _counted(counter: Counter[str]) -> dict[str, int]:
    """By count, the largest first; what did not happen is left out."""
    return {name: count for name, count in counter.most_common() if count}
