"""The entry point of a web process."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from multiprocessing.util import Finalize

import structlog
from flask import Flask

from smsgate import logs
from smsgate.pipeline.configuration import Configuration, load_configuration
from smsgate.pipeline.running_process import RunningProcess
from smsgate.pipeline.services import Services
from smsgate.web.app import application


def create_app(services: Services | None = None) -> Flask:
    """Return the WSGI application around a gateway.

    Without one it is a process's entry point: it reads the environment, opens connections, and
    closes everything at the end of the process. Raises ``ConfigurationError`` with every fault
    where the configuration cannot be used.
    """
    if services is not None:
        return application(services)
    return start_app(lambda: load_configuration(os.environ))  # noqa: TID251 - an entry point


def start_app(load: Callable[[], Configuration]) -> Flask:
    """Return the WSGI application of a web process that runs from now on."""
    logs.configure(buffered=True)
    process = RunningProcess(load(), "web")
    for warning in process.configuration.warnings:
        structlog.get_logger("smsgate.web").warning("configuration", problem=warning)
    content = process.services.content.value
    for program in content.classifiers:
        _ = content.classifiers[program]  # made now, so that the first texts do not wait for it
    app = application(process.services)
    process.services.spool_replay.start()
    process.services.lease_renewal.start()
    process.start()
    # Processes that serve are forks, which end without what `atexit` knows.
    Finalize(None, process.close, exitpriority=0)
    # The collector passes over what stays: looking at all of it takes 100 ms.
    gc.collect()
    gc.freeze()
    return app
