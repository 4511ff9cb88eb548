"""The doors for HTTP. A door turns a request into a call of the gateway, and its answer back."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import Any

import structlog
from flask import Flask

from smsgate import features, logs
from smsgate.gateway import Gateway
from smsgate.web import (
    bodies,
    health,
    hsts,
    metrics,
    problems,
    v1,
    webhooks,
)
from smsgate.web.console import ConsoleDoor
from smsgate.web.key_guard import KeyGuard
from smsgate.web.renewed import Renewed
from smsgate.wiring import Configuration, Live


class _Application(Flask):
    """Flask, without what costs each request and serves none of ours."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return it as it is: there are no asynchronous views, so nobody has to look for them."""
        return func


def create_app(gateway: Gateway | None = None) -> Flask:
    """Return the WSGI application around a gateway.

    Without one it is a process's entry point: it reads the environment, opens connections, and
    takes over each configuration that is applied from then on.
    Raises ``ConfigurationError`` with every fault where the configuration cannot be used.
    """
    if gateway is None:
        return _of_this_process()
    app = _Application(__name__, static_folder=None)
    # A redirect would lose a provider's POST, and change the URL that it signed.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    problems.register(app)
    bodies.register(app)
    hsts.register(app, gateway.settings)
    app.register_blueprint(webhooks.blueprint(gateway))
    keys = KeyGuard(gateway.settings.trust_proxy, gateway.store.metrics)
    app.register_blueprint(v1.blueprint(gateway, keys))
    app.register_blueprint(health.blueprint(gateway, keys))
    app.register_blueprint(metrics.blueprint(gateway, keys))
    for module in features.modules("routes"):
        module.register(app, gateway)
    app.wsgi_app = ConsoleDoor(app.wsgi_app, gateway)  # type: ignore[method-assign]  # Flask's way
    return app


def _of_this_process() -> Flask:
    """An empty application in front of the newest one, which follows what is applied.

    Says aloud what is amiss, and closes everything at the end of the process.
    """
    logs.configure(soon=True)
    live: Live[Flask] = Live(os.environ, _answering)  # noqa: TID251 - an entry point
    live.follow("web")
    # Processes that serve are forks, which end without what `atexit` knows.
    Finalize(None, live.close, exitpriority=0)
    shell = Flask(__name__, static_folder=None)
    shell.wsgi_app = Renewed(live)  # type: ignore[method-assign]  # Flask's way
    return shell


def _answering(configuration: Configuration, gateway: Gateway) -> Flask:
    for warning in configuration.warnings:
        structlog.get_logger("smsgate.web").warning("configuration", problem=warning)
    configuration.understand()
    app = create_app(gateway)
    gateway.watch_spool()
    gateway.lease_renewal.start()
    _set_apart()
    return app


def _set_apart() -> None:
    """Let the collector pass over what is here: it stays, and looking at all of it takes 100 ms.

    What was set apart for the application before is let go of first, or it would stay for ever.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
