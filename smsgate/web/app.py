"""The Flask application, and the console mounted beside it."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response

from smsgate import features
from smsgate.pipeline.services import Services
from smsgate.settings import Settings
from smsgate.web import health, metrics, v1, webhooks
from smsgate.web.api_key_guard import ApiKeyGuard
from smsgate.web.problems import register_error_handlers
from smsgate.web.wsgi_request import read_bodies_first

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONSOLE = "/console"
HSTS_YEAR_S = 365 * 24 * 3600


def application(services: Services) -> Flask:
    """The WSGI application around the services of one configuration."""
    app = _Application(__name__, static_folder=None)
    # A redirect would lose a provider's POST, and change the URL that it signed.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    register_error_handlers(app)
    read_bodies_first(app, v1.STREAMED)
    send_hsts(app, services.settings)
    keys = ApiKeyGuard(services.settings, services.store.metrics)
    app.register_blueprint(webhooks.blueprint(services))
    app.register_blueprint(v1.blueprint(services, keys))
    app.register_blueprint(health.blueprint(services, keys))
    app.register_blueprint(metrics.blueprint(services, keys))
    for module in features.modules("routes"):
        module.register(app, services)
    app.wsgi_app = ConsoleMount(app.wsgi_app, services)  # type: ignore[method-assign]  # Flask's way
    return app


def send_hsts(app: Flask, settings: Settings) -> None:
    """Tell browsers to come by https alone (RFC 6797), where the public URL is https.

    Only for its own host: whether others of the domain have TLS smsgate does not know.
    """
    if not settings.public_url.startswith("https://"):
        return

    @app.after_request
    def add_header(answer: Response) -> Response:
        answer.headers["Strict-Transport-Security"] = f"max-age={HSTS_YEAR_S}"
        return answer


class _Application(Flask):
    """Flask, without what costs each request and serves none of ours."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return it unchanged: there are no asynchronous views to look for."""
        return func


class ConsoleMount:
    """A WSGI application around another one: the console answers whatever is under ``/console``.

    The console is a Flask application of its own, made when somebody opens it: its forms, templates
    and password hashing take memory, and a process that answers webhooks does not need them.
    """

    def __init__(self, inner: WSGIApplication, services: Services) -> None:
        """Requests elsewhere are for ``inner``."""
        self._inner = inner
        self._services = services
        self._lock = threading.Lock()
        self._console: WSGIApplication | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if path != CONSOLE and not path.startswith(CONSOLE + "/"):
            return self._inner(environ, start_response)
        with self._lock:
            if self._console is None:
                console = importlib.import_module("smsgate.web.console.app")
                self._console = console.create_console(self._services)
        return self._console(environ, start_response)
