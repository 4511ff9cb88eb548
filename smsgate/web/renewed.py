"""The WSGI application that a server knows: the newest one of those that follow each other.

A request is answered to its end by the one that it began with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from smsgate.gateway.steps import Steps
from smsgate.messages import HttpReply
from smsgate.web.door import Door
from smsgate.wiring import Live

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    LiveApplication: TypeAlias = Live[Door]


class Renewed:
    """Hands each request to the newest application."""

    def __init__(self, live: LiveApplication) -> None:
        """Ask ``live`` for it each time."""
        self._enter = live.enter

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        turn = self._enter()
        try:
            return turn.value.value(environ, start_response)
        finally:
            turn.leave()

    def limit(self, environ: dict[str, Any]) -> int:
        """As ``Door.limit``."""
        turn = self._enter()
        try:
            return turn.value.value.limit(environ)
        finally:
            turn.leave()

    def steps(self, environ: WSGIEnvironment) -> Steps[HttpReply | None]:
        """As ``Door.steps``."""
        turn = self._enter()
        try:
            return (yield from turn.value.value.steps(environ))
        finally:
            turn.leave()
