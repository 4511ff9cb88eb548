"""The door for providers: ``/webhooks/<account>``, with a secret in the path for some."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, request

from smsgate.errors import SignatureExpired, SignatureRefused, SmsGateError, UnknownAccount
from smsgate.gateway import Gateway, Receipt
from smsgate.gateway.steps import Steps, walk
from smsgate.messages import HttpReply, WebhookRequest
from smsgate.settings import Settings
from smsgate.store.metrics import Metrics
from smsgate.web.floods import Floods
from smsgate.web.incoming import webhook_request
from smsgate.web.problems import reason_of
from smsgate.web.refusal_lines import RefusalLines
from smsgate.web.visitors import address_of

_UNKNOWN = "•••"
"""An account that we do not have, in the log: anybody may call us with any name, and where an
address was put together wrongly a secret stands there."""
_TOLD = 300
"""Characters of a problem in the log."""
FAILED = "smsgate.failed"
"""Key of the environment with what went wrong before Flask was asked (see ``door.py``)."""
Take = Callable[[str, WebhookRequest], Steps[Receipt]]
Answer = Callable[[Mapping[str, Any], str, Take], Steps[HttpReply]]


def blueprint(gateway: Gateway, answer: Answer) -> Blueprint:
    """Return the routes. HEAD never counts as a message, OPTIONS only where a provider asks by it.

    That is the handshake of CloudEvents (HTTP 1.1 Web Hooks, 4); others are answered by Flask.
    """
    door = Blueprint("webhooks", __name__, url_prefix="/webhooks")

    @door.route("/<account>", methods=["GET", "POST", "OPTIONS"])
    @door.route("/<account>/<_secret>", methods=["GET", "POST", "OPTIONS"])
    def receive(account: str, _secret: str = "") -> Response:
        """Hand a provider's request to the gateway, which finds the secret in the URL too."""
        if FAILED in request.environ:
            raise request.environ[FAILED]
        if request.method == "HEAD":
            return _probed(account)
        if request.method == "OPTIONS" and "WebHook-Request-Origin" not in request.headers:
            return current_app.make_default_options_response()
        return _response(walk(answer(request.environ, account, gateway.receiving)))

    @door.post("/<account>/status")
    def status(account: str) -> Response:
        """Take a delivery report. A message that was sent here by mistake is taken as one."""
        return _response(walk(answer(request.environ, account, gateway.receiving)))

    def _probed(account: str) -> Response:
        if account not in gateway.settings.accounts:
            raise UnknownAccount("There is no account of that name here.")
        return Response(status=200)

    return door


def answering(settings: Settings, metrics: Metrics) -> Answer:
    """Return what answers one request, and writes the one log line about it whatever comes of it.

    Of refused ones only some have a line, see ``refusal_lines.py``.

    The logger is bound once: looking it up for each request would cost a third of the line.
    """
    log = structlog.get_logger("smsgate.web").bind()
    accounts, trust_proxy = settings.accounts, settings.trust_proxy
    count = metrics.requests()
    lines = RefusalLines(log, trust_proxy)
    floods = Floods()

    def answered(environ: Mapping[str, Any], account: str, take: Take) -> Steps[HttpReply]:
        started = time.perf_counter()
        status, outcome, numbers, ids, problem = 500, "failed", "", "", ""
        try:
            floods.check(account, address_of(environ, trust_proxy))
            incoming = webhook_request(environ, accounts.get(account), trust_proxy)
            receipt = yield from _taken(take, account, incoming, floods)
            status, outcome, numbers, ids = (
                receipt.answer.status,
                receipt.outcome,
                receipt.numbers,
                receipt.message_ids,
            )
        except SmsGateError as error:
            status, outcome, problem, ids = (
                error.status,
                reason_of(error),
                str(error),
                error.message_ids,
            )
            raise
        finally:
            took_s = time.perf_counter() - started
            known = account if account in accounts else ""
            count((known, status, outcome, took_s))
            lines.tell_left_out(started)
            if (more := lines.more(status, known, environ)) is not None:
                log.info(
                    "webhook",
                    account=known or _UNKNOWN,
                    method=environ["REQUEST_METHOD"],
                    outcome=outcome,
                    numbers=numbers,
                    message_id=ids,
                    status=status,
                    problem=problem[:_TOLD],
                    ms=round(took_s * 1000, 2),
                    **more,
                )
        return receipt.answer

    return answered


def _taken(take: Take, account: str, request: WebhookRequest, floods: Floods) -> Steps[Receipt]:
    try:
        receipt = yield from take(account, request)
    except SignatureExpired:  # whoever sent it knew the secret
        floods.genuine(account, request.address)
        raise
    except SignatureRefused:
        floods.refused(account, request.address)
        raise
    floods.genuine(account, request.address)
    return receipt


def _response(reply: HttpReply) -> Response:
    return Response(reply.body, reply.status, reply.headers, content_type=reply.content_type)
