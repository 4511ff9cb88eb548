"""``/v1``, for the operator's own programs. Its operations stand in a table."""

from __future__ import annotations

import math
import time
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from flask import Flask, Response, g, request
from limits import RateLimitItemPerSecond
from werkzeug.exceptions import NotFound

from smsgate import features
from smsgate.domain.errors import TooManyCalls
from smsgate.interface import openapi
from smsgate.interface.endpoints import JSON, MAX_BODY_BYTES, PROBLEM, Problem, add_endpoints
from smsgate.interface.operation import Operation
from smsgate.interface.parts import Parts
from smsgate.settings import Settings
from smsgate.store.store import Store
from smsgate.web.api_key_guard import ApiKeyGuard
from smsgate.web.app import bare_application
from smsgate.web.limits import Limits, RefusalLog

OPERATIONS: tuple[Operation[Any, Any], ...] = tuple(
    one for module in features.modules("operations") for one in module.OPERATIONS if one.path
)
PREFIX = "/v1"
STREAMED = tuple(one.name for one in OPERATIONS if one.upload)
"""Endpoints that read the body themselves."""
_log = structlog.get_logger("smsgate.web")


def create_api(keys: ApiKeyGuard, parts: Parts, settings: Settings, store: Store) -> Flask:
    """Return the application of the first version. Every route of it wants a key."""
    app = bare_application(settings, streamed=STREAMED, make=_problem)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    limits, lines, rate = Limits(store.client), RefusalLog(), settings.api.calls_per_second
    window_s = max(1, round(settings.api.burst / rate)) if rate else 1
    most = RateLimitItemPerSecond(max(1, round(rate * window_s)), window_s)

    @app.before_request
    def authorise() -> None:
        """Refuse before anything else is looked at."""
        g.caller = keys.check("v1", request.environ)
        if not rate:
            return
        # By the clock, so that one question to Redis says all: windows begin for all at once.
        window, over_s = divmod(time.time(), window_s)
        used, reset_s = limits.count(most, "calls", g.caller.name, str(window)), window_s - over_s
        g.calls_left = f'"calls";r={max(0, most.amount - used)};t={math.ceil(reset_s)}'
        if used > most.amount:
            raise TooManyCalls(
                f"This key may make {most.amount:,} calls in {window_s} s: ask about many numbers "
                "in one call, or wait as Retry-After says.",
                reset_s,
            )

    @app.after_request
    def add_headers(answer: Response) -> Response:
        """Say what is left (draft-ietf-httpapi-ratelimit-headers-10), and that it is no page.

        A call that its key does not allow leaves a line in the log.
        """
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Content-Disposition"] = "attachment"
        if answer.status_code == HTTPStatus.FORBIDDEN and lines.takes("", g.caller.name):
            rule = request.url_rule
            _log.warning("call refused", key=g.caller.name, route=rule and rule.rule)
        if "calls_left" in g:
            answer.headers["RateLimit-Policy"] = f'"calls";q={most.amount};w={window_s}'
            answer.headers["RateLimit"] = g.calls_left
        return answer

    @app.get(f"{PREFIX}/openapi.json")
    def described() -> Response:
        """Give the OpenAPI document; any key opens it."""
        return Response(_document(), content_type=JSON)

    @app.errorhandler(NotFound)
    def not_found(_: NotFound) -> Response:
        sentence = f"There is no such call. GET {PREFIX}/openapi.json lists them."
        return _problem(404, sentence, "not_found")

    add_endpoints(app, PREFIX, OPERATIONS, parts, store)
    return app


def _problem(status: int, sentence: str, reason: str) -> Response:
    """An answer of RFC 9457."""
    problem = Problem("about:blank", HTTPStatus(status).phrase, status, sentence, reason)
    return Response(msgspec.json.encode(problem), status, content_type=PROBLEM)


@cache
def _document() -> bytes:
    # Made when first asked for: it takes longer than all the rest of an application.
    return msgspec.json.encode(openapi.document(OPERATIONS, PREFIX))
