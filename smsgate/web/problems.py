"""Errors into HTTP answers, here and nowhere else.

Programs that call ``/v1`` get ``application/problem+json`` (``v1``), people at the console a page
(``console/errors.py``); providers get the sentence alone, since they show it to the operator in
their own error logs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import TypeAlias

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from smsgate.domain.errors import SmsGateError, TooManyCalls, reason_of

TEXT = "text/plain; charset=utf-8"
_RETRY_AFTER_S = "5"
_NOT_NOW = HTTPStatus.SERVICE_UNAVAILABLE
MakeAnswer: TypeAlias = Callable[[int, str, str], Response]
_log = structlog.get_logger("smsgate.web")


def register_error_handlers(app: Flask, make: MakeAnswer | None = None) -> None:
    """Make the application answer every error by the rules of this file.

    ``make``: an answer of status, sentence, and the error's name for programs.
    """
    make = make or _answer
    app.register_error_handler(SmsGateError, partial(_ours, make))
    app.register_error_handler(HTTPException, partial(_http, make))
    app.register_error_handler(Exception, partial(_unexpected, make))
    app.log_exception = _unanswered  # type: ignore[method-assign]  # Flask's own shows the path


def _ours(make: MakeAnswer, error: SmsGateError) -> Response:
    g.problem = error
    answer = make(error.status, str(error), reason_of(error))
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not _is_webhook():
        _log.warning("cannot answer", route=_route(), reason=reason_of(error), problem=str(error))
    if error.status == _NOT_NOW:
        answer.headers["Retry-After"] = _RETRY_AFTER_S
    elif isinstance(error, TooManyCalls):
        answer.headers["Retry-After"] = str(math.ceil(error.wait_s))
    if error.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="smsgate"'
    return answer


def _http(make: MakeAnswer, error: HTTPException) -> Response:
    if not (isinstance(error, MethodNotAllowed) and error.valid_methods):
        return make(error.code or 500, error.description or error.name, reason_of(error))
    methods = sorted(error.valid_methods)
    answer = make(405, f"This address takes {' or '.join(methods)}.", reason_of(error))
    answer.headers["Allow"] = ", ".join(methods)
    return answer


def _unexpected(make: MakeAnswer, error: Exception) -> Response:
    """Tell the operator everything but the message's content, and the caller nothing."""
    g.problem = error
    _log.error("request failed", method=request.method, route=_route(), exc_info=error)
    return make(500, "Something failed here that should not; it has been logged.", "failed")


def _unanswered(exc_info: object) -> None:
    """An error in the handlers themselves."""
    _log.error("error handler failed", method=request.method, route=_route(), exc_info=exc_info)


def _is_webhook() -> bool:
    """A webhook's own line in the log says already what became of it."""
    return request.blueprint == "webhooks"


def _route() -> str:
    """The rule instead of the path, for a path may have a secret or a number in it."""
    return request.url_rule.rule if request.url_rule else ""


def _answer(status: int, sentence: str, _: str) -> Response:
    return Response(f"{sentence}\n", status, content_type=TEXT)
