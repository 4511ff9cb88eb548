"""Errors into pages: one sentence that says what would be right, and a way on."""

from __future__ import annotations

import structlog
from flask import Flask, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from smsgate.errors import SmsGateError

_log = structlog.get_logger("smsgate.console")
Answer = tuple[str, int]


def register(console: Flask) -> None:
    """Make the console answer every error by the rules of this file."""
    console.register_error_handler(SmsGateError, _ours)
    console.register_error_handler(CSRFError, _stale)
    console.register_error_handler(HTTPException, _http)
    console.register_error_handler(Exception, _unexpected)


def _ours(error: SmsGateError) -> Answer:
    return _page("That did not work", str(error), error.status)


def _stale(error: CSRFError) -> Answer:  # noqa: ARG001 - which check it was helps nobody
    return _page(
        "This page is out of date",
        "It had been open for long, or you signed in or out meanwhile, or the form did not come "
        "from here. Nothing was done: go back, load the page anew, and do it again.",
        400,
    )


def _http(error: HTTPException) -> Answer:
    return _page(error.name, error.description or "", error.code or 500)


def _unexpected(error: Exception) -> Answer:
    """Tell the log, without the path: a number may stand in it."""
    route = request.url_rule.rule if request.url_rule else ""
    _log.error("page failed", method=request.method, route=route, exc_info=error)
    return _page(
        "Something failed here", "It should not have; it has been logged. Please try again.", 500
    )


def _page(title: str, sentence: str, status: int) -> Answer:
    """A whole page; for a part of a page (htmx) only the sentence, shown in place."""
    template = "part_problem.html" if request.headers.get("HX-Request") else "problem.html"
    return render_template(template, title=title, sentence=sentence), status
