"""The console's pages about lists: imports with their preview and undo, scrubs, and exports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
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
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Response as Redirect

from smsgate.domain.errors import RecordsUnavailable, StoreUnavailable, Unfit
from smsgate.domain.messages import ALL
from smsgate.domain.time_zones import day_start_us
from smsgate.features.lists import operations
from smsgate.features.lists.columns import ListUnreadable
from smsgate.features.lists.export import STATES
from smsgate.features.lists.import_record import ImportRecord, imports
from smsgate.features.lists.import_result import (
    ROW_OUTCOMES,
    ImportOptions,
    unknown_programs_text,
)
from smsgate.features.lists.import_undo import UNDO_OUTCOMES
from smsgate.features.lists.jobs import (
    MAX_UPLOAD_BYTES,
    ListJobs,
    ListUpload,
)
from smsgate.features.lists.list_job import KEPT_DAYS, ListJob, ListsUnavailable, ListUser
from smsgate.features.lists.preview import Preview, preview_of
from smsgate.features.lists.scrub import BLOCK_REASONS, ScrubOptions
from smsgate.interface.operation import Context
from smsgate.interface.schemas import MEDIA
from smsgate.pipeline.api_keys import Caller
from smsgate.pipeline.manual import reason_of
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import actor, needs, operator, record_action
from smsgate.web.console.zones import typed_zone

LISTS = "/console/lists"
AT_ONCE = 50
"""Lists on the page."""
_FIELD_BYTES = 64 * 1024
"""Of what may be in the form beside the file."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages, agents = ListPages(services), needs("agent")
    console.get(LISTS)(agents(pages.lists))
    console.get(f"{LISTS}/export")(agents(pages.export_list))
    console.get(f"{LISTS}/<id_>")(agents(pages.one_list))
    console.get(f"{LISTS}/<id_>/part")(agents(pages.list_part))
    console.get(f"{LISTS}/<id_>/files/<name>")(agents(pages.list_file))
    console.post(f"{LISTS}/upload")(agents(pages.upload_list))
    console.post(f"{LISTS}/undo")(agents(pages.preview_undo))
    console.post(f"{LISTS}/<id_>/preview")(agents(pages.preview_list))
    console.post(f"{LISTS}/<id_>/scrub")(agents(pages.scrub_list))
    console.post(f"{LISTS}/<id_>/apply")(agents(pages.apply_list))
    console.post(f"{LISTS}/<id_>/undo")(agents(pages.undo_list))
    console.post(f"{LISTS}/<id_>/retry")(agents(pages.retry_list))
    console.post(f"{LISTS}/<id_>/remove")(agents(pages.remove_list))
    # ``upload_list`` checks its token.
    console.extensions["csrf"].exempt(console.view_functions["upload_list"])


class ListPages:
    """The page of all lists, and that of one."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._jobs = ListJobs(services)

    def lists(self) -> str:
        """What can be done, and what was."""
        found: list[ListJob] = []
        done: list[ImportRecord] = []
        problem = unknown = ""
        try:
            found = self._jobs.of(_user())
        except ListsUnavailable as error:
            problem = str(error)
        try:
            done = imports(self._services.store, self._services.records, AT_ONCE)
        except (StoreUnavailable, RecordsUnavailable) as error:
            unknown = f"Which imports are on record cannot be shown: {error}."
        user = _user()
        return render_template(
            "lists.html",
            problem=problem,
            export_programs=[
                *((one.name, one.title) for one in self._services.settings.programs),
                (ALL, "All programs"),
            ],
            found=found[:AT_ONCE],
            done=[one for one in done if user.sees_all or user.name == one.by],
            unknown=unknown,
            more=len(found) - AT_ONCE,
            limit_mb=MAX_UPLOAD_BYTES >> 20,
            days=KEPT_DAYS,
            states=[(one, one.replace("_", " ").capitalize()) for one in STATES],
        )

    def upload_list(self) -> Redirect:
        """Take the file of this request, straight to its place in the data directory.

        Every other form is parsed in memory before anybody asks who sent it, and may have 64 KiB.
        This one is parsed once the operator is known and may upload; its CSRF token is checked
        then, and what came without a right one is removed. Raises ``Unfit``.
        """
        if request.content_length is None:
            abort(411)
        with self._jobs.uploading(actor(), request.content_length - _FIELD_BYTES) as upload:
            request.max_content_length = MAX_UPLOAD_BYTES + _FIELD_BYTES
            request.max_form_parts = 10
            request.form_data_parser_class = _parser_for(upload)
            current_app.extensions["csrf"].protect()
            file = request.files.get("file")
            if file is None or not file.filename:
                raise Unfit("Choose a file.", field="file")
            return _to(upload.keep(request.form.get("kind", ""), file.filename))

    def export_list(self) -> Response:
        """Give the numbers that are asked for as a file, and note who asked."""
        given, day = request.args, request.args.get("since", "").strip()
        since = None
        if day:
            try:
                us = day_start_us(date.fromisoformat(day), typed_zone())
            except ValueError as error:
                raise Unfit(f"{day!r} is not a date. Use 2026-11-24.", field="since") from error
            since = datetime.fromtimestamp(us / 1_000_000, typed_zone())
        values = {name: given.get(name, "") for name in ("program", "state")}
        asked = {**values, "format": given.get("format", "csv"), "since": since}
        try:
            wanted = msgspec.convert(asked, operations.ExportRequest)
        except msgspec.ValidationError as error:
            raise Unfit(f"{error}.") from None
        context = Context(self._services, Caller(actor(), "admin"), is_person=True)
        found = operations.export.run(context, wanted)
        record_action("exported numbers", f"{wanted.program}, {wanted.state or 'every state'}")
        headers = {"Content-Disposition": f"attachment; filename={found.name}"}
        return Response(found.chunks, content_type=found.media_type, headers=headers)

    def preview_undo(self) -> Redirect:
        """See what undoing an import would do."""
        return _to(self._jobs.undo(_user(), request.form.get("list_id", "")))

    def undo_list(self, id_: str) -> Redirect:
        """Undo an import, as its preview says."""
        options = self._jobs.find(id_, _user()).undo_options
        import_id = options.import_id if options is not None else ""
        return _to(self._jobs.undo(_user(), import_id, reason_of(request.form.get("reason", ""))))

    def one_list(self, id_: str) -> str:
        """One list: what it is, how far it is, what became of it."""
        return render_template("list.html", **self._shown(id_))

    def list_part(self, id_: str) -> str:
        """The same, for a page that is looking at it."""
        return render_template("part_list.html", **self._shown(id_))

    def preview_list(self, id_: str) -> Redirect:
        """See what an import would do."""
        return _to(self._jobs.preview_import(id_, _user(), _options(ImportOptions)))

    def scrub_list(self, id_: str) -> Redirect:
        """Scrub a list."""
        return _to(self._jobs.scrub(id_, _user(), _options(ScrubOptions)))

    def apply_list(self, id_: str) -> Redirect:
        """Do what an import was previewed to do."""
        words, medium = request.form.get("words", ""), request.form.get("medium", "")
        return _to(self._jobs.apply_import(id_, _user(), words, medium))

    def retry_list(self, id_: str) -> Redirect:
        """Do again what failed."""
        return _to(self._jobs.try_again(id_, _user()))

    def remove_list(self, id_: str) -> Redirect:
        """Remove a list with its files."""
        self._jobs.remove(id_, _user())
        flash("Deleted the list and its files. Applied changes stay.", "good")
        return redirect(LISTS, 303)

    def list_file(self, id_: str, name: str) -> Response:
        """What a step left, to be kept by the operator."""
        job = self._jobs.find(id_, _user())
        answer = send_file(
            self._jobs.result(job, name).resolve(),
            mimetype="application/octet-stream",
            as_attachment=True,
            download_name=f"{job.kind}-{name}.csv",
            etag=False,
            conditional=False,
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _shown(self, id_: str) -> Mapping[str, object]:
        job, settings = self._jobs.find(id_, _user()), self._services.settings
        preview, unreadable = self._preview(job)
        return {
            "job": job,
            "preview": preview,
            "unreadable": unreadable,
            "programs": [*settings.programs],
            "media": MEDIA,
            "meanings": {"scrub": BLOCK_REASONS, "undo": UNDO_OUTCOMES}.get(job.kind, ROW_OUTCOMES),
            "days": KEPT_DAYS,
            "all": ALL,
            "titles": {one.name: one.title for one in settings.programs},
            "unknown_programs_text": lambda result: unknown_programs_text(result, settings),
        }

    def _preview(self, job: ListJob) -> tuple[Preview | None, str]:
        """The beginning of a file that can still be asked about, or why it cannot be read."""
        is_applied = job.kind == "import" and job.step == "apply"
        if job.is_busy or job.is_finished or not job.size or is_applied:
            return None, ""
        try:
            with self._jobs.upload(job) as file:
                return preview_of(file), ""
        except ListUnreadable as error:
            return None, str(error)


def _parser_for(upload: ListUpload) -> type[FormDataParser]:
    """A parser that puts the one file of a form where it is to be."""

    class UploadParser(FormDataParser):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as its parent
            super().__init__(*args, **kwargs)
            self.stream_factory = lambda *_, **__: upload.file()

    return UploadParser


def _options(kind: type[Any]) -> Any:  # noqa: ANN401 - of that kind
    """The options of a form. Raises ``Unfit``."""
    names = kind.__struct_fields__
    given = {name: request.form[name].strip() for name in names if name in request.form}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Unfit(f"{error}.") from None


def _user() -> ListUser:
    """Whose lists are shown: an admin sees to those of operators who left."""
    found = operator()
    return ListUser(actor(), sees_all=found is not None and found.may("admin"))


def _to(job: ListJob) -> Redirect:
    return redirect(f"{LISTS}/{job.id}", 303)
