"""The endpoint for providers: ``/webhooks/<account>``, with a secret in the path for some."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, g, request

from smsgate.domain.errors import SmsGateError, UnknownAccount, reason_of
from smsgate.pipeline.ingest import Ingest, IngestResult
from smsgate.settings import Settings
from smsgate.store.store import Store
from smsgate.web.limits import RefusalLog
from smsgate.web.wsgi_request import address_of, max_body_bytes, webhook_request

_UNKNOWN = "•••"
"""An account that we do not have, in the log: anybody may call us with any name, and where an
address was put together wrongly a secret stands there."""
_MAX_PROBLEM = 300
"""Characters of a problem in the log."""
_REFUSED = range(400, 500)
"""Statuses of requests that may have no line of their own, see ``RefusalLog``."""
_METHODS = ["GET", "POST", "OPTIONS"]


def blueprint(settings: Settings, store: Store, ingest: Ingest) -> Blueprint:
    """Return the routes. HEAD never counts as a message, OPTIONS only where a provider asks by it.

    That is the handshake of CloudEvents (HTTP 1.1 Web Hooks, 4); others are answered by Flask.
    """
    webhooks = Blueprint("webhooks", __name__, url_prefix="/webhooks")
    endpoint = WebhookEndpoint(settings, store, ingest)
    webhooks.url_value_preprocessor(endpoint.prepare)
    webhooks.add_url_rule("/<account>", view_func=endpoint.receive, methods=_METHODS)
    webhooks.add_url_rule("/<account>/<_secret>", view_func=endpoint.receive, methods=_METHODS)
    # For delivery reports; a message that is sent here by mistake is taken as one.
    webhooks.add_url_rule("/<account>/status", view_func=endpoint.receive, methods=["POST"])
    webhooks.after_request(endpoint.observe)
    return webhooks


class WebhookEndpoint:
    """The view, with what runs before and after it."""

    def __init__(self, settings: Settings, store: Store, ingest: Ingest) -> None:
        """The logger is bound once: looking it up for each request costs a third of its line."""
        self._accounts, self._ingest = settings.accounts, ingest
        self._log = structlog.get_logger("smsgate.web").bind()
        self._lines = RefusalLog()
        self._count = store.metrics.requests()

    def prepare(self, _: str | None, values: dict[str, Any] | None) -> None:
        """Set how long the body may be."""
        g.began = time.perf_counter()
        account = values["account"] if values else ""
        request.max_content_length = max_body_bytes(request.environ, self._accounts.get(account))

    def receive(self, account: str, _secret: str = "") -> Response:
        """Take a provider's request in; ``Ingest`` finds the secret in the URL."""
        if request.method == "HEAD":
            if account not in self._accounts:
                raise UnknownAccount("There is no account of that name here.")
            return Response(status=200)
        if request.method == "OPTIONS" and "WebHook-Request-Origin" not in request.headers:
            return current_app.make_default_options_response()
        environ = request.environ
        known = self._accounts.get(account)
        incoming = webhook_request(environ, known, request.get_data())
        g.result = result = self._ingest.receive(account, incoming)
        answer = result.answer
        return Response(
            answer.body, answer.status, answer.headers, content_type=answer.content_type
        )

    def observe(self, response: Response) -> Response:
        """Count a request and write its one log line; of refused ones only some have one."""
        now, status = time.perf_counter(), response.status_code
        result: IngestResult | None = g.get("result")
        problem: Exception | None = g.get("problem")
        if result is None and (problem is None or request.method == "HEAD"):
            return response  # HEAD, or OPTIONS that is no handshake
        account = request.view_args["account"] if request.view_args else ""
        known = account if account in self._accounts else ""
        if result is not None:
            outcome, numbers, ids = result.outcome, result.numbers, result.message_ids
        else:
            outcome, numbers, ids = "failed", "", ""
            if isinstance(problem, SmsGateError):
                outcome, ids = reason_of(problem), problem.message_ids
        self._count((known, status, outcome, now - g.began))
        extra: Mapping[str, str] = {}
        if status in _REFUSED:
            extra = {"address": address_of(request.environ)}
        if not extra or self._lines.takes(known, extra["address"]):
            self._log.info(
                "webhook",
                account=known or _UNKNOWN,
                method=request.method,
                outcome=outcome,
                numbers=numbers,
                message_id=ids,
                status=status,
                problem=str(problem)[:_MAX_PROBLEM] if isinstance(problem, SmsGateError) else "",
                ms=round((now - g.began) * 1000, 2),
                **extra,
            )
        return response
