"""The WSGI application that a server knows: the newest one of those that follow each other.

A request is answered to its end by the one that it began with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from flask import Flask

from smsgate.wiring import Live

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    LiveApplication: TypeAlias = Live[Flask]


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
