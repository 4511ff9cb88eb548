"""The entry point of a web process: it follows the configuration that is applied."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

import structlog
from flask import Flask

from smsgate import logs
from smsgate.pipeline.configuration import Configuration
from smsgate.pipeline.latest_value import LatestValue
from smsgate.pipeline.live import Generation, Live
from smsgate.pipeline.services import Services
from smsgate.web.app import application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class ReloadingApplication:
    """Hands each request to the application of the newest configuration.

    A request is answered to its end by the one that it began with.
    """

    def __init__(self, latest: LatestValue[Generation[Flask]]) -> None:
        self._enter = latest.enter

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        generation = self._enter()
        try:
            return generation.value.product(environ, start_response)
        finally:
            generation.leave()


def create_app(services: Services | None = None) -> Flask:
    """Return the WSGI application around a gateway.

    Without one it is a process's entry point: it reads the environment, opens connections, and
    takes over each configuration that is applied from then on; at the end of the process it closes
    everything. Raises ``ConfigurationError`` with every fault where the configuration cannot be
    used.
    """
    if services is not None:
        return application(services)
    logs.configure(buffered=True)
    live: Live[Flask] = Live(os.environ, app_of)  # noqa: TID251 - an entry point
    live.follow("web")
    # Processes that serve are forks, which end without what `atexit` knows.
    Finalize(None, live.close, exitpriority=0)
    shell = Flask(__name__, static_folder=None)
    shell.wsgi_app = ReloadingApplication(live.latest)  # type: ignore[method-assign]  # Flask's way
    return shell


def app_of(configuration: Configuration, services: Services) -> Flask:
    """The application of one configuration, with what runs beside it; logs the warnings."""
    for warning in configuration.warnings:
        structlog.get_logger("smsgate.web").warning("configuration", problem=warning)
    configuration.build_classifiers()
    app = application(services)
    services.spool_replay.start()
    services.lease_renewal.start()
    # The collector passes over what stays: looking at all of it takes 100 ms. What was frozen for
    # the application before is let go of first, or it would stay for ever.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    return app
