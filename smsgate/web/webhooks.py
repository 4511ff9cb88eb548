"""The endpoint for providers: ``/webhooks/<account>``, with a secret in the path for some.

A WSGI application of its own beside Flask's, which would take a fifth of the time of a webhook:
docs/decisions/0019-webhooks-beside-flask.md.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from http.client import responses
from typing import TYPE_CHECKING

import structlog

from smsgate.domain.errors import SignatureExpired, SignatureRefused, SmsGateError, UnknownAccount
from smsgate.domain.messages import HttpReply, WebhookRequest
from smsgate.pipeline.ingest import IngestResult
from smsgate.pipeline.services import Services
from smsgate.web.abuse import ForgeryLimiter, RefusalLog
from smsgate.web.problems import TEXT, method_problem, reason_of, webhook_problem
from smsgate.web.wsgi_request import address_of, body_of, max_body_bytes, webhook_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile("/webhooks/([^/]+)(/[^/]+)?/?")
"""An account, and behind it a secret, or ``status`` for delivery reports. A message that is sent
there by mistake is taken as one."""
_UNKNOWN = "•••"
"""An account that we do not have, in the log: anybody may call us with any name, and where an
address was put together wrongly a secret stands there."""
_MAX_PROBLEM = 300
"""Characters of a problem in the log."""
_METHODS = ("GET", "HEAD", "OPTIONS", "POST")
_ORIGIN = "HTTP_WEBHOOK_REQUEST_ORIGIN"


class WebhookEndpoint:
    """A WSGI application around another one: it answers providers, and the other all else."""

    def __init__(self, inner: WSGIApplication, services: Services, headers: dict[str, str]) -> None:
        """``headers``: what every answer has.

        The logger is bound once: looking it up for each request costs a third of its line.
        """
        self._inner = inner
        self._services = services
        self._headers = headers
        self._accounts = services.settings.accounts
        self._trust_proxy = services.settings.trust_proxy
        self._forgeries = ForgeryLimiter()
        self._log = structlog.get_logger("smsgate.web").bind()
        self._lines = RefusalLog(self._log, self._trust_proxy)
        self._count = services.store.metrics.requests()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        # WSGI has bytes as characters of Latin-1 (PEP 3333). Slashes at the front count as one.
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        named = _PATH.fullmatch("/" + path.lstrip("/"))
        if named is None:
            return self._inner(environ, start_response)
        method = environ["REQUEST_METHOD"]
        if method in _METHODS:
            answer = self._answer(environ, method, *named.groups())
        else:
            answer = method_problem(_METHODS)
        headers = [("Content-Type", answer.content_type), *answer.headers.items()]
        headers += self._headers.items()
        if answer.status != 204:
            headers.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} {responses.get(answer.status, '')}", headers)
        return [answer.body] if method != "HEAD" else []

    def _answer(
        self, environ: WSGIEnvironment, method: str, account: str, secret: str | None
    ) -> HttpReply:
        """Take a request in, count it, and write its one log line, whatever came of it."""
        began = time.perf_counter()
        known = self._accounts.get(account)
        found: IngestResult | Exception
        try:
            # A flood is refused before anything is read.
            self._forgeries.check(account, address_of(environ, self._trust_proxy))
            body = body_of(environ, max_body_bytes(environ, known))
            if method == "HEAD" and known is None:
                raise UnknownAccount("There is no account of that name here.")
            # OPTIONS with that header is the handshake of CloudEvents (HTTP 1.1 Web Hooks, 4).
            if method == "HEAD" or (method == "OPTIONS" and _ORIGIN not in environ):
                return HttpReply(200, TEXT, headers={"Allow": ", ".join(_METHODS)})
            incoming = webhook_request(environ, known, body, self._trust_proxy)
            found = self._ingest(account, incoming)
            answer = found.answer
        except Exception as error:  # noqa: BLE001 - it is answered, and logged
            found = error
            route = f"/webhooks/<account>{'/<_secret>' if secret else ''}"
            answer = webhook_problem(error, method, route)
        if method != "HEAD":
            self._observe(environ, known.name if known else "", answer.status, found, began)
        return answer

    def _observe(
        self,
        environ: WSGIEnvironment,
        account: str,
        status: int,
        found: IngestResult | Exception,
        began: float,
    ) -> None:
        """Of refused requests only some have a line, see ``RefusalLog``."""
        now = time.perf_counter()
        outcome, numbers, ids, problem = "failed", "", "", ""
        if isinstance(found, IngestResult):
            outcome, numbers, ids = found.outcome, found.numbers, found.message_ids
        elif isinstance(found, SmsGateError):
            outcome, ids, problem = reason_of(found), found.message_ids, str(found)
        self._count((account, status, outcome, now - began))
        self._lines.report_left_out(now)
        if (extra := self._lines.fields_of(status, account, environ)) is not None:
            self._log.info(
                "webhook",
                account=account or _UNKNOWN,
                method=environ["REQUEST_METHOD"],
                outcome=outcome,
                numbers=numbers,
                message_id=ids,
                status=status,
                problem=problem[:_MAX_PROBLEM],
                ms=round((now - began) * 1000, 2),
                **extra,
            )

    def _ingest(self, account: str, incoming: WebhookRequest) -> IngestResult:
        try:
            result = self._services.ingest.receive(account, incoming)
        except SignatureExpired:  # the sender knew the secret
            self._forgeries.note_genuine(account, incoming.address)
            raise
        except SignatureRefused:
            self._forgeries.note_refused(account, incoming.address)
            raise
        self._forgeries.note_genuine(account, incoming.address)
        return result
