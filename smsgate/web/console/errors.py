"""Errors into answers: in the form that is wrong, else a page with one sentence and a way on.

A view that handles a form raises; it catches nothing. The page that the form stands on is rendered
again as GET would have it, with what was typed. An error of a field stands at the field, which the
macros of ``parts.html`` ask this module for, any other one at the top of the page. The status is
the error's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import unquote, urlsplit

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from smsgate.domain.errors import SmsGateError, TooManyGuesses
from smsgate.features.operators.service import LINK_PATH
from smsgate.web.console.auth import IN, OUT, notice, operator, to_sign_in
from smsgate.web.console.return_path import HOME, is_part, return_path

_TITLES = {403: "Forbidden", 404: "Not Found", 500: "Something went wrong"}
_OPEN = (IN, OUT, LINK_PATH)
"""Paths of forms that nobody has to be signed in for."""
_OUT_OF_DATE = "This page is out of date"
_WHY = (
    "It was open for too long, or you signed in or out since. Nothing was changed. Reload the page "
    "and try again."
)


@dataclass
class FailedForm:
    """The form of this request, and what is wrong with it; without an action nothing is."""

    action: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    wrong_field: str = ""
    sentence: str = ""
    is_open: bool = field(default=False, init=False)
    """Whether the form that is being rendered is this one."""
    is_placed: bool = field(default=False, init=False)
    """Whether the page shows the sentence at its field."""

    def is_of(self, action: str, values: Mapping[str, object]) -> bool:
        """Whether it has that action, if one is given, and was sent with all of these values."""
        is_action = bool(self.action) and action in ("", self.action)
        return is_action and all(self.values.get(name) == str(one) for name, one in values.items())

    def error_of(self, name: str) -> str:
        """What is wrong with a field of the form that is being rendered."""
        if not self.is_open or self.wrong_field != name:
            return ""
        self.is_placed = True
        return self.sentence

    def value_of(self, name: str, value: object) -> str:
        """What was typed into a field, in place of the value that it has without an error."""
        if self.is_open:
            return self.values.get(name, "")
        return "" if value is None else str(value)


def register(console: Flask) -> None:
    """Add what forms ask about their errors."""
    console.register_error_handler(CSRFError, _stale)
    console.jinja_env.add_extension("jinja2.ext.do")
    console.jinja_env.globals.update(
        open_form=_open_form,
        field_error=lambda name: _failed().error_of(name),
        field_value=lambda name, value: _failed().value_of(name, value),
        is_failed=lambda action="", **values: _failed().is_of(action, values),
        page_path=lambda: return_path() or HOME,
        page_error=lambda: "" if _failed().wrong_field else _failed().sentence,
    )


def _failed() -> FailedForm:
    found: FailedForm = g.get("failed_form") or FailedForm()
    return found


def _open_form(action: str, hidden: Mapping[str, object]) -> None:
    failed = _failed()
    failed.is_open = bool(action) and failed.is_of(action, hidden)


def _stale(error: CSRFError) -> Response:  # noqa: ARG001 - which check it was helps nobody
    if not request.path.startswith(_OPEN) and operator() is None:
        return to_sign_in()
    if is_part():
        path = return_path() or HOME
        return notice("part_out_of_date.html", 400, title=_OUT_OF_DATE, sentence=_WHY, path=path)
    return page(400, _WHY, "", _OUT_OF_DATE)


def page(status: int, sentence: str, _: str, title: str = "") -> Response:
    """The page of the form that is wrong; else a page with the sentence.

    For a part of a page (htmx) only the sentence, shown in place. The text that was to be decided
    stays on the desk of Review.
    """
    problem = g.get("problem")
    form = _page_with_error(problem) if isinstance(problem, SmsGateError) else None
    if form is not None:
        return form
    title = title or _TITLES.get(status, "That did not work")
    if is_part() and request.headers.get("HX-Target") == "review-desk":
        return notice("part_problem.html", status, title=title, sentence=sentence)
    template = "part_problem.html" if is_part() else "problem.html"
    path = return_path() if request.method != "GET" else ""
    shown = render_template(template, title=title, sentence=sentence, path=path)
    return make_response(shown, status)


def _page_with_error(error: SmsGateError) -> Response | None:
    """The page that the form of this request stands on, with the error in it.

    None where there is no such page: the request is of a script, says no page of ours, or one
    without the field that the error is about. What is refused to a crowd gets no page, which costs
    what the crowd is kept from.
    """
    path = return_path()
    if request.method != "POST" or is_part() or not path or isinstance(error, TooManyGuesses):
        return None
    g.failed_form = FailedForm(request.path, _values(), error.field, str(error))
    shown = _render(path)
    if shown is None or (error.field and not g.failed_form.is_placed):
        return None
    shown.status_code = error.status
    return shown


def _values() -> Mapping[str, str]:
    """What was typed; of an upload what its view has read, and nothing of too large a form."""
    if request.mimetype == "application/x-www-form-urlencoded":
        with suppress(HTTPException):
            return request.form
    read: Mapping[str, str] = vars(request).get("form", {})
    return read


def _render(path: str) -> Response | None:
    parts = urlsplit(path)
    environ = {
        **{key: value for key, value in request.environ.items() if not key.startswith("werkzeug.")},
        "REQUEST_METHOD": "GET",
        "PATH_INFO": unquote(parts.path).encode().decode("latin-1"),
        "QUERY_STRING": parts.query,
        "wsgi.input": BytesIO(),
    }
    for name in ("CONTENT_LENGTH", "CONTENT_TYPE"):
        environ.pop(name, None)
    with current_app.request_context(environ):
        try:
            made = current_app.make_response(current_app.dispatch_request())
        except (HTTPException, RequestRedirect, SmsGateError):
            return None
    return made if made.status_code == 200 and made.mimetype == "text/html" else None
