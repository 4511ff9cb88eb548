"""The doors for HTTP. A door turns a request into a call of the gateway, and its answer back."""

from __future__ import annotations

import os
from multiprocessing.util import Finalize

import structlog
from flask import Flask

from smsgate import logs
from smsgate.gateway import Gateway
from smsgate.web import health, metrics, optout_page, problems, simulator, v1, webhooks
from smsgate.web.door import Door
from smsgate.web.v1.waiting import WAITING
from smsgate.wiring import build_gateway, load_configuration


def create_app(gateway: Gateway | None = None) -> Flask:
    """Return the WSGI application around a gateway.

    Without one it is a process's entry point: it reads the environment and opens connections.
    Raises ``ConfigurationError`` with every fault where the configuration cannot be used.
    """
    if gateway is None:
        gateway = _from_environment()
    app = Flask(__name__, static_folder=None)
    # A redirect would lose a provider's POST, and change the URL that it signed.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    problems.register(app)
    answer = webhooks.answering(gateway.settings, gateway.store.metrics)
    app.register_blueprint(webhooks.blueprint(gateway, answer))
    app.register_blueprint(v1.blueprint(gateway))
    app.register_blueprint(health.blueprint(gateway))
    app.register_blueprint(metrics.blueprint(gateway))
    app.register_blueprint(optout_page.blueprint(gateway))
    for account in gateway.settings.accounts.values():
        if account.simulated:
            app.register_blueprint(simulator.blueprint(gateway, account))
    app.wsgi_app = Door(app.wsgi_app, gateway, answer)  # type: ignore[method-assign]  # Flask's way
    return app


def _from_environment() -> Gateway:
    """Build what a process of its own needs, say aloud what is amiss, and close it at the end."""
    logs.configure(soon=True)
    configuration = load_configuration(os.environ)  # noqa: TID251 - this is an entry point
    for warning in configuration.warnings:
        structlog.get_logger("smsgate.web").warning("configuration", problem=warning)
    configuration.understand()
    gateway = build_gateway(configuration)
    gateway.watch_spool()
    WAITING.listen()
    # Granian's workers are forks, which end without what `atexit` knows.
    Finalize(None, gateway.close, exitpriority=0)
    return gateway
