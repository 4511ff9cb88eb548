"""Three Flask applications behind one dispatcher, and the start of a web process."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

import structlog
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from smsgate import features, logs
from smsgate.api_keys import Keyring
from smsgate.interface.parts import Parts
from smsgate.process.configuration import Configuration, load_configuration
from smsgate.process.running_process import RunningProcess
from smsgate.process.services import Services
from smsgate.settings import Settings
from smsgate.web import health, metrics, webhooks
from smsgate.web.api_key_guard import ApiKeyGuard
from smsgate.web.problems import MakeAnswer, register_error_handlers
from smsgate.web.wsgi_request import dispatcher, read_bodies_first, send_hsts

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Of mallopt(3): glibc gives blocks of 1 MiB back, and keeps two heaps instead of one for each
thread. By default a web process keeps 55 MiB more after 40 people signed in."""


def create_app(services: Services | None = None) -> Flask:
    """Return the WSGI application around a gateway.

    Without one it is a process's entry point: it reads the environment, opens connections, and
    closes everything at the end of the process. Raises ``ConfigurationError`` with every fault
    where the configuration cannot be used.
    """
    if services is not None:
        return application(services)
    return start_app(load_configuration(os.environ))  # noqa: TID251 - an entry point


def start_app(configuration: Configuration) -> Flask:
    """Return the WSGI application of a web process that runs from now on."""
    logs.configure(buffered=True)
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):  # other C libraries have no such setting
        libc.mallopt(_M_MMAP_THRESHOLD, 1024 * 1024)
        libc.mallopt(_M_ARENA_MAX, 2)
    process = RunningProcess(configuration, "web")
    for warning in configuration.warnings:
        structlog.get_logger("smsgate.web").warning("configuration", problem=warning)
    app = application(process.services)
    services = process.services
    process.start(
        *services.spool_replay.threads(),
        services.lease_renewal.thread(),
        services.store.sample_log.thread(),
    )
    # Processes that serve are forks, which end without what `atexit` knows.
    Finalize(None, process.close, exitpriority=0)
    # The collector passes over what stays: looking at all of it takes 100 ms.
    gc.collect()
    gc.freeze()
    with suppress(AttributeError):
        libc.malloc_trim(0)  # 8 MiB, most of it from compiling keyword sets
    return app


def application(services: Services) -> Flask:
    """Return the application of webhooks, health and opt-out pages, before which the others stand.

    ``/v1`` and the console are made when somebody first asks for them: their tables, forms and
    templates take memory, and a process that answers webhooks does not need them.
    """
    settings, store, stored = services.settings, services.store, services.api_keys
    app, parts = bare_application(settings), Parts(services)
    keys = ApiKeyGuard(Keyring(stored, settings.api_keys, settings.programs.renamed), store)
    monitors = ApiKeyGuard(Keyring(None, [*settings.metrics_keys, *settings.api_keys]), store)
    app.register_blueprint(webhooks.blueprint(settings, store, services.ingest))
    app.register_blueprint(health.blueprint(services.monitor, monitors))
    app.register_blueprint(metrics.blueprint(store, services.monitor, monitors))
    for module in features.modules("routes"):
        parts.bind(module.register, 1)(app)

    @cache
    def api() -> WSGIApplication:
        v1 = importlib.import_module("smsgate.web.v1")
        return parts.bind(v1.create_api, 1)(keys)  # type: ignore[no-any-return]  # by its name

    @cache
    def console() -> WSGIApplication:
        module = importlib.import_module("smsgate.web.console.app")
        return parts.bind(module.create_console, 0)()  # type: ignore[no-any-return]  # likewise

    others = app.extensions["smsgate_applications"] = {"v1": api, "console": console}
    app.wsgi_app = dispatcher(app.wsgi_app, others)  # type: ignore[assignment, method-assign]  # Flask's way
    if settings.web.trust_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1)  # type: ignore[method-assign]  # likewise
    return app


def bare_application(
    settings: Settings, *, streamed: Collection[str] = (), make: MakeAnswer | None = None
) -> Flask:
    """Return an application without routes.

    ``streamed`` endpoints read their body themselves; ``make`` makes the answer of an error.
    """
    app = Flask(__name__, static_folder=None)
    # A redirect would lose a provider's POST, and change the URL that it signed.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    register_error_handlers(app, make)
    read_bodies_first(app, streamed)
    send_hsts(app, settings)
    return app
