"""Three Flask applications behind one dispatcher: webhooks, ``/v1``, and the console."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from smsgate import features
from smsgate.pipeline.api_keys import Keyring
from smsgate.pipeline.services import Services
from smsgate.settings import Settings
from smsgate.web import health, metrics, webhooks
from smsgate.web.api_key_guard import ApiKeyGuard
from smsgate.web.problems import register_error_handlers
from smsgate.web.wsgi_request import dispatcher, read_bodies_first, send_hsts

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def application(services: Services) -> Flask:
    """Return the application of webhooks, health and opt-out pages, before which the others stand.

    ``/v1`` and the console are made when somebody first asks for them: their tables, forms and
    templates take memory, and a process that answers webhooks does not need them.
    """
    app = bare_application(services.settings)
    keys = ApiKeyGuard(services.settings, services.store)
    app.register_blueprint(webhooks.blueprint(services))
    app.register_blueprint(health.blueprint(services, keys))
    app.register_blueprint(metrics.blueprint(services, keys))
    for module in features.modules("routes"):
        module.register(app, services)

    settings = services.settings
    keyring = Keyring(services.records.keys, settings.api_keys, settings.programs.renamed)
    services.records.keys.known()  # now, so that keys are known when the records are away later

    def make_api() -> WSGIApplication:
        v1 = importlib.import_module("smsgate.web.v1")
        return v1.create_api(services, keys, keyring)  # type: ignore[no-any-return]  # by its name

    def make_console() -> WSGIApplication:
        console = importlib.import_module("smsgate.web.console.app")
        return console.create_console(services)  # type: ignore[no-any-return]  # likewise

    others = {"v1": make_api, "console": make_console}
    made = app.extensions["smsgate_applications"] = {}
    app.wsgi_app = dispatcher(app.wsgi_app, others, made)  # type: ignore[assignment, method-assign]  # Flask's way
    if settings.web.trust_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1)  # type: ignore[method-assign]  # likewise
    return app


def bare_application(settings: Settings, *, streamed: tuple[str, ...] = ()) -> Flask:
    """Return an application without routes; ``streamed`` endpoints read their body themselves."""
    app = Flask(__name__, static_folder=None)
    # A redirect would lose a provider's POST, and change the URL that it signed.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    register_error_handlers(app)
    read_bodies_first(app, streamed)
    send_hsts(app, settings)
    return app
