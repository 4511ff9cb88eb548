"""The console: pages for the people who look after consent, under ``/console``.

It is a Flask application of its own, with its own sessions, forms and error pages, and made only
when somebody opens it: a process that answers webhooks does not carry it. A page is a module here
with ``register(console, gateway)``; what it shows or does it asks of the gateway, as the command
line does.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from smsgate.gateway import Gateway

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/console"


class ConsoleDoor:
    """A WSGI application around another one: whatever is under ``/console`` is the console's."""

    def __init__(self, inner: WSGIApplication, gateway: Gateway) -> None:
        """Hand on to ``inner`` whatever is elsewhere."""
        self._inner = inner
        self._gateway = gateway
        self._lock = threading.Lock()
        self._console: WSGIApplication | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if path != PREFIX and not path.startswith(PREFIX + "/"):
            return self._inner(environ, start_response)
        return self._made()(environ, start_response)

    def _made(self) -> WSGIApplication:
        with self._lock:
            if self._console is None:
                # Imported at the first visit: forms, templates and password hashing take memory.
                making = importlib.import_module("smsgate.web.console.making")
                self._console = making.make(self._gateway)
            return self._console
