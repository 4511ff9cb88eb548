"""The straight way to the gateway for a provider's request, before Flask.

Flask's routing, contexts and response objects cost more than verifying, understanding and storing
a message together. So a request to the webhook of a known account is answered here, and so is one
that is refused: a flood of forgeries must cost less than the messages beside it. Everything else,
and every error that should not be, goes on to Flask, whose routes and handlers say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from smsgate.errors import SmsGateError
from smsgate.gateway import Gateway
from smsgate.gateway.steps import Steps, walk
from smsgate.messages import HttpReply
from smsgate.web.incoming import limit_of
from smsgate.web.problems import to_provider
from smsgate.web.serving.exchange import STATUS_LINES
from smsgate.web.webhooks import FAILED, Answer

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PREFIX = "/webhooks/"
_ACCOUNT = "smsgate.account"
"""Key of the environment with the account that a request is for, if for any; it was looked at."""
_METHODS = frozenset({"GET", "POST"})


class Door:
    """A WSGI application around another one."""

    def __init__(self, inner: WSGIApplication, gateway: Gateway, answer: Answer) -> None:
        """Hand on to ``inner`` whatever is not for an account of the gateway."""
        self._inner = inner
        self._accounts = gateway.settings.accounts
        self._receive = gateway.receiving
        self._answer = answer

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, in a thread that may wait."""
        reply = None if FAILED in environ else walk(self.steps(environ))
        return _written(reply, start_response) if reply else self._inner(environ, start_response)

    def limit(self, environ: WSGIEnvironment) -> int:
        """How long the body of a request may be that ``steps`` answers; 0 where it answers none."""
        account = environ[_ACCOUNT] = self._texted(environ)
        return limit_of(environ, self._accounts[account]) if account else 0

    def steps(self, environ: WSGIEnvironment) -> Steps[HttpReply | None]:
        """The steps to the answer; nothing where the inner application has to be asked."""
        account = environ.get(_ACCOUNT) or self._texted(environ)
        if account not in self._accounts:
            return None
        try:
            return (yield from self._answer(environ, account, self._receive))
        except SmsGateError as error:
            return to_provider(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, Flask's handlers answer it
            environ[FAILED] = error
            return None

    def _texted(self, environ: Mapping[str, Any]) -> str:
        """The account that a request is for, if nothing about its path is unusual."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] not in _METHODS or not path.startswith(_PREFIX):
            return ""
        account, slash, rest = path[len(_PREFIX) :].removesuffix("/").partition("/")
        usual = account in self._accounts and "/" not in rest and bool(rest) == bool(slash)
        return account if usual else ""


def _written(reply: HttpReply, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body)))]
    start_response(STATUS_LINES[reply.status], [*headers, *reply.headers.items()])
    return [reply.body]
