"""Errors into pages: one sentence that says what would be right, and a way on."""

from __future__ import annotations

import structlog
from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from smsgate.domain.errors import SmsGateError
from smsgate.features.operators.service import LINK_PATH
from smsgate.web.console.auth import IN, OUT, notice, operator, to_sign_in
from smsgate.web.console.form_errors import page_with_error
from smsgate.web.console.return_path import HOME, is_part, return_path

_log = structlog.get_logger("smsgate.console")
Answer = tuple[str, int] | Response
_OPEN = (IN, OUT, LINK_PATH)
"""Paths of forms that nobody has to be signed in for."""
_OUT_OF_DATE = "This page is out of date"
_WHY = (
    "It was open for too long, or you signed in or out since. Nothing was changed. Reload the page "
    "and try again."
)


def register(console: Flask) -> None:
    """Make the console answer every error by the rules of this file."""
    console.register_error_handler(SmsGateError, _ours)
    console.register_error_handler(CSRFError, _stale)
    console.register_error_handler(HTTPException, _http)
    console.register_error_handler(Exception, _unexpected)


def _ours(error: SmsGateError) -> Answer:
    with_form = page_with_error(error)
    return with_form or _page("That did not work", str(error), error.status)


def _stale(error: CSRFError) -> Answer:  # noqa: ARG001 - which check it was helps nobody
    if not request.path.startswith(_OPEN) and operator() is None:
        return to_sign_in()
    if is_part():
        path = return_path() or HOME
        return notice("part_out_of_date.html", 400, title=_OUT_OF_DATE, sentence=_WHY, path=path)
    return _page(_OUT_OF_DATE, _WHY, 400)


def _http(error: HTTPException) -> Answer:
    return _page(error.name, error.description or "", error.code or 500)


def _unexpected(error: Exception) -> Answer:
    """Tell the log, without the path: a number may stand in it."""
    route = request.url_rule.rule if request.url_rule else ""
    _log.error("page failed", method=request.method, route=route, exc_info=error)
    return _page("Something went wrong", "The error has been logged. Please try again.", 500)


def _page(title: str, sentence: str, status: int) -> Answer:
    """A whole page; for a part of a page (htmx) only the sentence, shown in place.

    The text that was to be decided stays on the desk of Review.
    """
    if is_part() and request.headers.get("HX-Target") == "review-desk":
        return notice("part_problem.html", status, title=title, sentence=sentence)
    template = "part_problem.html" if is_part() else "problem.html"
    path = return_path() if request.method != "GET" else ""
    return render_template(template, title=title, sentence=sentence, path=path), status
