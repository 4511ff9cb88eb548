"""The straight way to the gateway for a provider's request, before Flask.

Flask's routing, contexts and response objects cost more than verifying, understanding and storing
a message together. So a request to the webhook of a known account is answered here, and so is one
that is refused: a flood of forgeries must cost less than the messages beside it. Everything else,
and every error that should not be, goes on to Flask, whose routes and handlers say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from smsgate.errors import SmsGateError
from smsgate.gateway import Gateway
from smsgate.messages import HttpReply
from smsgate.web.problems import to_provider
from smsgate.web.webhooks import FAILED, Answer

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PREFIX = "/webhooks/"
_METHODS = frozenset({"GET", "POST"})
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Door:
    """A WSGI application around another one."""

    def __init__(self, inner: WSGIApplication, gateway: Gateway, answer: Answer) -> None:
        """Hand on to ``inner`` whatever is not for an account of the gateway."""
        self._inner = inner
        self._accounts = gateway.settings.accounts
        self._receive = gateway.receive
        self._answer = answer

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        account = self._texted(environ)
        if not account:
            return self._inner(environ, start_response)
        try:
            reply = self._answer(environ, account, self._receive)
        except SmsGateError as error:
            reply = to_provider(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, Flask's handlers answer it
            environ[FAILED] = error
            return self._inner(environ, start_response)
        return _written(reply, start_response)

    def _texted(self, environ: WSGIEnvironment) -> str:
        """The account that a request is for, if nothing about its path is unusual."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] not in _METHODS or not path.startswith(_PREFIX):
            return ""
        account, slash, rest = path[len(_PREFIX) :].removesuffix("/").partition("/")
        usual = account in self._accounts and "/" not in rest and bool(rest) == bool(slash)
        return account if usual else ""


def _written(reply: HttpReply, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body)))]
    start_response(_STATUS_LINES[reply.status], [*headers, *reply.headers.items()])
    return [reply.body]
