"""The console's pages about lists: imports, scrubs before a send, and exports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    send_file,
)
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Response as Redirect

from smsgate.domain.errors import (
    QueueUnavailable,
    RecordsUnavailable,
    StoreUnavailable,
    Unfit,
)
from smsgate.domain.messages import ALL
from smsgate.domain.time_zones import day_start_us
from smsgate.features.lists.errors import ListsUnavailable, ListUnreadable
from smsgate.features.lists.export import FORMS, STATES
from smsgate.features.lists.import_record import ImportRecord, change_text, imports, titles_of
from smsgate.features.lists.import_summary import (
    ROW_OUTCOMES,
    program_outcomes,
    unknown_programs_text,
)
from smsgate.features.lists.import_undo import UNDO_OUTCOMES
from smsgate.features.lists.job_files import (
    KEPT_DAYS,
    MAX_UPLOAD_BYTES,
    ListJob,
    ListRequest,
    ListUser,
    Upload,
)
from smsgate.features.lists.jobs import ListJobs
from smsgate.features.lists.preview import Preview
from smsgate.features.lists.scrub import BLOCK_REASONS
from smsgate.features.lists.shapes import FORMATS
from smsgate.pipeline.manual_input import MEDIA, reason_of
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import actor, needs, operator, record_action
from smsgate.web.console.zones import typed_zone

Form = ImmutableMultiDict[str, str]


def list_request_of(form: Form) -> ListRequest:
    """The request for an uploaded list."""
    program, state, region, kind = (
        form.get(name, "").strip() for name in ("program", "state", "region", "form")
    )
    return ListRequest(
        program=program,
        state=state,
        region=region,
        column=form.get("column", ""),
        since_column=form.get("since_column", ""),
        state_column=form.get("state_column", ""),
        program_column=form.get("program_column", ""),
        source_column=form.get("source_column", ""),
        form=kind or "auto",
        types=form.get("types") == "yes",
    )


def export_request_of(form: Form) -> ListRequest:
    """The request for an export. Raises ``Unfit``."""
    day, since_us = form.get("since", "").strip(), 0
    if day:
        try:
            since_us = day_start_us(date.fromisoformat(day), typed_zone())
        except ValueError as error:
            raise Unfit(f"{day!r} is not a date. Use 2026-11-24.", field="since") from error
    return ListRequest(
        program=form.get("program", ""),
        form=form.get("form", "csv"),
        states=tuple(form.getlist("state")),
        since_us=since_us,
    )


_FIELD = 64 * 1024
"""Bytes of what may be in the form beside the file."""


def receive_upload(jobs: ListJobs, operator: str) -> ListJob:
    """Take the file of this request, straight to its place in the data directory.

    Every other form is parsed in memory before anybody asks who sent it, and may have 64 KiB. This
    one is parsed once the operator is known and may upload; its CSRF token is checked then, and
    what came without a right one is removed. Raises ``Unfit``.
    """
    if request.content_length is None:
        abort(411)
    with jobs.uploading(operator, request.content_length - _FIELD) as upload:
        request.max_content_length = MAX_UPLOAD_BYTES + _FIELD
        request.max_form_parts = 10
        request.form_data_parser_class = _parser_for(upload)
        current_app.extensions["csrf"].protect()
        file = request.files.get("file")
        if file is None or not file.filename:
            raise Unfit("Choose a file.", field="file")
        return upload.keep(request.form.get("kind", ""), file.filename)


def _parser_for(upload: Upload) -> type[FormDataParser]:
    """A parser that puts the one file of a form where it is to be."""

    class UploadParser(FormDataParser):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as its parent
            super().__init__(*args, **kwargs)
            self.stream_factory = lambda *_, **__: upload.file()

    return UploadParser


LISTS = "/console/lists"
AT_ONCE = 50
"""Lists on the page."""
_FORMAT_TITLES = {"csv": "CSV", "ndjson": "JSON lines", "txt": "Numbers only"}
_ENDINGS = {"csv": "csv", "ndjson": "jsonl", "lines": "txt", "txt": "txt"}


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = ListPages(services, ListJobs(services))
    agents = needs("agent")
    console.get(LISTS)(agents(pages.lists))
    console.post(f"{LISTS}/upload")(agents(pages.upload_list))
    console.post(f"{LISTS}/export")(agents(pages.export_list))
    console.post(f"{LISTS}/undo")(agents(pages.rehearse_undo))
    console.get(f"{LISTS}/<id_>")(agents(pages.one_list))
    console.get(f"{LISTS}/<id_>/part")(agents(pages.list_part))
    console.get(f"{LISTS}/<id_>/files/<name>")(agents(pages.list_file))
    console.post(f"{LISTS}/<id_>/rehearse")(agents(pages.rehearse_list))
    console.post(f"{LISTS}/<id_>/scrub")(agents(pages.scrub_list))
    console.post(f"{LISTS}/<id_>/apply")(agents(pages.apply_list))
    console.post(f"{LISTS}/<id_>/undo")(agents(pages.undo_list))
    console.post(f"{LISTS}/<id_>/resume")(agents(pages.resume_list))
    console.post(f"{LISTS}/<id_>/remove")(agents(pages.remove_list))
    # ``receive_upload`` checks its token.
    console.extensions["csrf"].exempt(console.view_functions["upload_list"])


class ListPages:
    """The page of all lists, and that of one."""

    def __init__(self, services: Services, jobs: ListJobs) -> None:
        self._services = services
        self._jobs = jobs

    def lists(self) -> str:
        """What can be done, and what was."""
        found: list[tuple[ListJob, bool]] = []
        problem = unknown = ""
        try:
            found = self._jobs.of(_user())
        except (ListsUnavailable, QueueUnavailable) as error:
            problem = str(error)
        done: list[ImportRecord] = []
        try:
            done = imports(self._services.store, self._services.records, AT_ONCE)
        except (StoreUnavailable, RecordsUnavailable) as error:
            unknown = f"Which imports are on record cannot be shown: {error}."
        return render_template(
            "lists.html",
            problem=problem,
            export_programs=[
                *titles_of(self._services.settings).items(),
                (ALL, "All programs"),
            ],
            found=found[:AT_ONCE],
            done=[one for one in done if _user().may_see(one.by)],
            unknown=unknown,
            more=len(found) - AT_ONCE,
            limit_mb=MAX_UPLOAD_BYTES >> 20,
            days=KEPT_DAYS,
            states=STATES,
            forms=[(name, _FORMAT_TITLES[name]) for name in FORMS],
        )

    def upload_list(self) -> Redirect:
        """Take a file."""
        return _to(receive_upload(self._jobs, actor()).id)

    def export_list(self) -> Redirect:
        """Begin an export, and note who asked for it."""
        job = self._jobs.export(actor(), export_request_of(request.form))
        record_action("exported numbers", job.name)
        return _to(job.id)

    def rehearse_undo(self) -> Redirect:
        """See what undoing an import would do."""
        return _to(self._jobs.rehearse_undo(_user(), request.form.get("list_id", "")).id)

    def undo_list(self, id_: str) -> Redirect:
        """Undo an import, as it was looked at."""
        self._jobs.apply_undo(id_, _user(), reason_of(request.form.get("reason", "")))
        return _to(id_)

    def one_list(self, id_: str) -> str:
        """One list: what it is, how far it is, what became of it."""
        return render_template("list.html", **self._shown(id_))

    def list_part(self, id_: str) -> str:
        """The same, for a page that is looking at it."""
        return render_template("part_list.html", **self._shown(id_))

    def rehearse_list(self, id_: str) -> Redirect:
        """See what an import would do."""
        self._jobs.begin(id_, _user(), "rehearse", list_request_of(request.form))
        return _to(id_)

    def scrub_list(self, id_: str) -> Redirect:
        """Scrub a list."""
        self._jobs.begin(id_, _user(), "part", list_request_of(request.form))
        return _to(id_)

    def apply_list(self, id_: str) -> Redirect:
        """Do what an import was rehearsed to do."""
        words, medium = request.form.get("words", ""), request.form.get("medium", "")
        self._jobs.apply(id_, _user(), words, medium)
        return _to(id_)

    def resume_list(self, id_: str) -> Redirect:
        """Go on with what was interrupted or failed."""
        self._jobs.resume(id_, _user())
        return _to(id_)

    def remove_list(self, id_: str) -> Redirect:
        """Remove a list with its files."""
        self._jobs.remove(id_, _user())
        flash("Deleted the list and its files. Applied changes stay.", "good")
        return redirect(LISTS, 303)

    def list_file(self, id_: str, name: str) -> Response:
        """What a step left, to be kept by the operator."""
        job, _ = self._jobs.find(id_, _user())
        path = self._jobs.result(job, name)
        answer = send_file(
            path.resolve(),
            mimetype="application/octet-stream",
            as_attachment=True,
            download_name=f"{job.kind}-{name}.{_ending(job, name)}",
            etag=False,
            conditional=False,
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _shown(self, id_: str) -> Mapping[str, object]:
        job, is_running = self._jobs.find(id_, _user())
        titles = titles_of(self._services.settings)
        preview, unreadable = self._preview(job)
        return {
            "job": job,
            "is_running": is_running,
            "preview": preview,
            "unreadable": unreadable,
            "programs": [*self._services.settings.programs],
            "formats": FORMATS,
            "media": MEDIA,
            "meanings": {"scrub": BLOCK_REASONS, "undo": UNDO_OUTCOMES}.get(job.kind, ROW_OUTCOMES),
            "days": KEPT_DAYS,
            "all": ALL,
            "titles": titles,
            "change_text": partial(change_text, titles=titles),
            "program_outcomes": program_outcomes,
            "unknown_programs_text": unknown_programs_text,
        }

    def _preview(self, job: ListJob) -> tuple[Preview | None, str]:
        """The beginning of a file that can still be asked about, or why it cannot be read."""
        if job.is_busy or job.is_finished or not job.size or job.step == "apply":
            return None, ""
        try:
            return self._jobs.preview(job), ""
        except ListUnreadable as error:
            return None, str(error)


def _user() -> ListUser:
    """Whose lists are shown: an admin sees to those of operators who left."""
    found = operator()
    return ListUser(actor(), sees_all=found is not None and found.may("admin"))


def _to(id_: str) -> Redirect:
    return redirect(f"{LISTS}/{id_}", 303)


def _ending(job: ListJob, name: str) -> str:
    """The ending of a file's name: a scrubbed list has the form that it came in."""
    if name == "result":
        return "csv"
    shape = job.result.shape if job.result is not None else ""
    form = job.request.form if job.kind == "export" else shape
    return next((end for kind, end in _ENDINGS.items() if kind in form), "csv")
