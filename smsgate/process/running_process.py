"""A process of smsgate: its configuration, its services, its heartbeat, and newer content."""

from __future__ import annotations

import os
import socket
import time
import uuid
from contextlib import suppress

import structlog

from smsgate import __version__
from smsgate.background_thread import BackgroundThread, close_all
from smsgate.content import ContentWatch
from smsgate.domain.errors import StoreNotReady, StoreUnavailable
from smsgate.metrics.snapshot import Process
from smsgate.process.build import describe_build
from smsgate.process.configuration import Configuration, changed_files
from smsgate.process.published_programs import publish_programs, refuse_dropped
from smsgate.process.services import build_services

HEARTBEAT_PERIOD_S = 2.0
_MAX_PROBLEM = 2000
"""Characters of a problem that the heartbeat carries."""

_log = structlog.get_logger("smsgate.configuration")


class RunningProcess:
    """What one process works with, from its start to its end."""

    def __init__(self, configuration: Configuration, name: str) -> None:
        """Open what the process works with. ``name`` is its kind, one of ``KINDS``.

        Raises ``OldStore``.
        """
        self._began_s = time.monotonic()
        self.configuration = configuration
        self.services = build_services(self.configuration)
        store, settings = self.services.store, self.configuration.settings
        store.metadata.refuse_old()
        self._watch = ContentWatch(settings, self.services.records, self.services.content)
        self._name, self._id = name, uuid.uuid4().hex
        self._started_us = 0
        self._threads: list[BackgroundThread] = []

    def start(self, *threads: BackgroundThread) -> None:
        """Publish the programs; give heartbeats, and take newer content from now on.

        ``threads`` run until ``close``, too. Raises ``ConfigurationError`` where a program is gone
        of which numbers have opted out.
        """
        configuration = self.configuration
        with suppress(StoreUnavailable, StoreNotReady):  # the clock does it as soon as it can
            refuse_dropped(configuration.settings, self.services.store)
            publish_programs(configuration.settings, self.services.store)
        _log.info(
            "process started",
            process=self._name,
            software=__version__,
            build=describe_build(),
            version=configuration.version,
            config=str(configuration.settings.config_dir),
            pid=os.getpid(),
        )
        heartbeats = self.services.store.heartbeats
        self._threads = [
            *threads,
            # Of its own, so that a busy process is not taken for dead.
            BackgroundThread(
                "heartbeat",
                self.beat,
                HEARTBEAT_PERIOD_S,
                at_end=lambda: heartbeats.withdraw(self._id),
            ),
        ]
        if configuration.content.version:
            self._threads.append(self._watch.thread())
        for thread in self._threads:
            thread.start()

    def beat(self) -> None:
        """Report the process. Raises ``StoreUnavailable``."""
        store = self.services.store
        if not self._started_us:  # by Redis's clock
            ran_s = time.monotonic() - self._began_s
            self._started_us = store.health.now_us() - int(ran_s * 1_000_000)
        store.heartbeats.beat(self.describe())

    def describe(self) -> Process:
        """Return what a heartbeat says of the process."""
        return Process(
            id=self._id,
            name=self._name,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=self.configuration.version,
            content=self.services.content.value.version,
            changed=changed_files(self.configuration.settings, self.configuration.read_s),
            problem=self._watch.problem[:_MAX_PROBLEM],
            software=__version__,
            started_us=self._started_us,
        )

    def close(self) -> None:
        """End everything."""
        close_all(self._threads)
        self.services.close()
