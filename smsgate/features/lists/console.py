"""The console's pages about lists: imports with their preview and undo, and scrubs."""

from __future__ import annotations

from typing import BinaryIO

import msgspec
from flask import Flask, Response, abort, current_app, redirect, render_template, request, send_file
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Response as Redirect

from smsgate.domain.errors import NotFound, Unfit
from smsgate.domain.messages import ALL
from smsgate.features.lists.imports import Import, import_of, imports
from smsgate.features.lists.jobs import (
    CLEAN_ROWS,
    KEPT_DAYS,
    MAX_UPLOAD_BYTES,
    RESULT,
    UPLOAD,
    JobKind,
    ListJob,
    ListJobs,
    Step,
)
from smsgate.features.lists.list_file import ListFile, ListOptions
from smsgate.features.lists.results import OUTCOMES
from smsgate.features.lists.rows import NO_COLUMN, ListUnreadable, printable
from smsgate.interface.schemas import MEDIA
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.web.console.auth import actor, may, needs

LISTS = "/console/lists"
AT_ONCE = 50
"""Lists on the page."""
_FIELD_BYTES = 64 * 1024
"""Of what may be in the form beside the file."""
_ROWS, _WIDTH = 8, 100
"""Rows and columns of a file that are shown."""


def register(
    console: Flask, settings: Settings, archiver: LedgerArchiver, records: Records
) -> None:
    """Add the routes."""
    pages, agents = ListPages(settings, archiver, records), needs("agent")
    console.get(LISTS)(agents(pages.lists))
    console.get(f"{LISTS}/<id_>")(agents(pages.one_list))
    console.get(f"{LISTS}/<id_>/files/<name>")(agents(pages.list_file))
    console.post(f"{LISTS}/upload")(agents(pages.upload_list))
    console.post(f"{LISTS}/undo")(agents(pages.preview_undo))
    console.post(f"{LISTS}/<id_>/<any(preview, apply):step>")(agents(pages.ask_list))
    # ``upload_list`` checks its token.
    console.extensions["csrf"].exempt(console.view_functions["upload_list"])


class ListPages:
    """The page of all lists, and that of one."""

    def __init__(self, settings: Settings, archiver: LedgerArchiver, records: Records) -> None:
        self._settings = settings
        self._archiver = archiver
        self._records = records
        self._jobs = ListJobs(settings)

    def lists(self) -> str:
        """What can be done, and what was."""
        done = imports(self._records, AT_ONCE)
        mine = {one.id for one in done if _sees(one)}
        return render_template(
            "lists.html",
            found=[job for job in self._jobs.all() if _sees(job)][:AT_ONCE],
            done=[one for one in done if one.id in mine],
            limit_mb=MAX_UPLOAD_BYTES >> 20,
            days=KEPT_DAYS,
        )

    def upload_list(self) -> Redirect:
        """Take the file of this request, straight to its place in the data directory.

        It is parsed once the operator is known and may upload; its CSRF token is checked then, and
        what came without a right one is removed. Raises ``Unfit``.
        """
        if request.content_length is None:
            abort(411)

        def write(out: BinaryIO) -> str:
            limit = MAX_UPLOAD_BYTES + _FIELD_BYTES
            parser = FormDataParser(
                lambda *_, **__: out, max_content_length=limit, max_form_parts=10
            )
            _, form, files = parser.parse_from_environ(request.environ)
            request.form = ImmutableMultiDict(form)
            current_app.extensions["csrf"].protect()
            found = files.getlist("file")
            if len(files) != 1 or not found[0].filename:
                raise Unfit("Choose one file.", field="file")
            return found[0].filename

        kind: JobKind = "scrub" if "scrub" in request.args else "import"
        return _to(self._jobs.receive(kind, actor(), request.content_length - _FIELD_BYTES, write))

    def preview_undo(self) -> Redirect:
        """See what undoing an import would do."""
        self._archiver.move_all()
        record = import_of(self._records, request.form.get("import_id", ""))
        if not _sees(record):
            raise NotFound("There is no such import of yours.")
        return _to(self._jobs.ask(self._jobs.undo(record, actor()), "preview", actor(), None))

    def ask_list(self, id_: str, step: Step) -> Redirect:
        """See what a list would do, or do it."""
        job, given = self._job(id_), {name: text.strip() for name, text in request.form.items()}
        options, reason = job.options, given.get("reason", "")
        if job.kind != "undo":
            known = msgspec.to_builtins(options) if options else {}
            known |= {name: given[name] for name in ListOptions.__struct_fields__ if name in given}
            try:
                options = msgspec.convert(known, ListOptions)
            except msgspec.ValidationError as error:
                raise Unfit(f"{error}.") from None
        return _to(self._jobs.ask(job, step, actor(), options, reason))

    def one_list(self, id_: str) -> str:
        """One list: what it is, how far it is, what became of it."""
        job = self._job(id_)
        shown: ListFile | None = None
        unreadable = ""
        if job.size and not job.is_busy and job.step != "apply":
            try:
                with self._jobs.file(id_, UPLOAD).open("rb") as file:
                    shown = ListFile(file, ListOptions(program=""))
            except ListUnreadable as error:
                unreadable = str(error)
        return render_template(
            "list.html",
            job=job,
            unreadable=unreadable,
            programs=[*self._settings.programs],
            media=MEDIA,
            meanings=OUTCOMES,
            days=KEPT_DAYS,
            all=ALL,
            **(_beginning(shown) if shown else {}),
        )

    def list_file(self, id_: str, name: str) -> Response:
        """What a step left, to be kept by the operator."""
        job, path = self._job(id_), self._jobs.file(id_, name)
        if job.state != "done" or name not in (RESULT, CLEAN_ROWS) or not path.is_file():
            raise NotFound("There is no such file of this list.")
        kept_as = f"{job.kind}-{name}.csv"
        answer = send_file(
            path.resolve(), as_attachment=True, download_name=kept_as, etag=False, conditional=False
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _job(self, id_: str) -> ListJob:
        job = self._jobs.find(id_)
        if not _sees(job):
            raise NotFound("There is no such list of yours.")
        return job


def _beginning(file: ListFile) -> dict[str, object]:
    """How a file begins, and by field of the form the position of the column that looks like it."""
    rows = file.sample[:_ROWS]
    width = min(_WIDTH, max(map(len, [file.header, *rows]), default=1))
    names = [*file.header, *[""] * width][:width]
    found = () if file.columns.export else file.columns[1:4]
    guessed = dict(zip(("date_column", "state_column", "source_column"), found, strict=False))
    return {
        "file": file,
        "no_column": NO_COLUMN,
        "columns": [printable(one.strip()) or f"column {at}" for at, one in enumerate(names, 1)],
        "rows": [[printable(cell) for cell in row[:width]] for row in rows],
        "guessed": {field: str(at + 1) for field, at in guessed.items() if at is not None},
    }


def _sees(one: ListJob | Import) -> bool:
    """An admin sees to the lists of operators who left."""
    return may("admin") or one.actor == actor()


def _to(job: ListJob) -> Redirect:
    return redirect(f"{LISTS}/{job.id}", 303)
