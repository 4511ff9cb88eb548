"""A process of smsgate: its configuration, its services, its heartbeat, and newer content."""

from __future__ import annotations

import os
import socket
import time
import uuid
from contextlib import suppress

import msgspec
import structlog

from smsgate import __version__
from smsgate.domain.errors import StoreNotReady, StoreUnavailable
from smsgate.metrics.snapshot import Process
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.build import describe_build
from smsgate.pipeline.configuration import Configuration, hash_files
from smsgate.pipeline.content_watch import ContentWatch
from smsgate.pipeline.published_programs import publish_programs, refuse_dropped
from smsgate.pipeline.services import build_services
from smsgate.store.processes import Heartbeats

HEARTBEAT_PERIOD_S = 2.0
_FILES_PERIOD_S = 20.0
"""How often the files of the configuration are looked at."""
_MAX_PROBLEM = 2000
"""Characters of a problem that the heartbeat carries."""

_log = structlog.get_logger("smsgate.configuration")


class RunningProcess:
    """What one process works with, from its start to its end."""

    def __init__(self, configuration: Configuration, name: str) -> None:
        """Open what the process works with. ``name`` is its kind, one of ``KINDS``.

        Raises ``OldStore``.
        """
        began_s = time.monotonic()
        self.configuration = configuration
        self.services = build_services(self.configuration)
        store, settings = self.services.store, self.configuration.settings
        store.metadata.refuse_old()
        self._watch = ContentWatch(settings, self.services.records, self.services.content)
        self._name, self._id = name, uuid.uuid4().hex
        self._files = ConfigurationFiles(configuration)
        self._heartbeat = Heartbeat(store.heartbeats, self, began_s)

    def start(self) -> None:
        """Publish the programs; give heartbeats, and take newer content from now on.

        Raises ``ConfigurationError`` where a program is gone of which numbers have opted out.
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
        self._heartbeat.start()
        if self._name != "clock":  # which neither reads texts nor words replies
            self._watch.start()

    def describe(self) -> Process:
        """Return what a heartbeat says of the process."""
        return Process(
            id=self._id,
            name=self._name,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=self.configuration.version,
            content=self.services.content.value.version,
            changed=self._files.changed(),
            problem=self._watch.problem[:_MAX_PROBLEM],
            software=__version__,
        )

    def close(self) -> None:
        """End everything."""
        for thread in (self._watch, self._heartbeat):
            thread.stop()
        for thread in (self._watch, self._heartbeat):
            thread.close()
        self.services.close()


class ConfigurationFiles:
    """The files of a configuration, to see whether one was changed since it was loaded."""

    def __init__(self, configuration: Configuration) -> None:
        self._settings, self._loaded = configuration.settings, configuration.files
        self._changed: tuple[str, ...] = ()
        self._looked_s = time.monotonic()

    def changed(self) -> tuple[str, ...]:
        """Return the paths of files that are others now; they are looked at now and then."""
        if time.monotonic() - self._looked_s > _FILES_PERIOD_S:
            now = hash_files(self._settings)
            paths = sorted({*now, *self._loaded})
            self._changed = tuple(p for p in paths if now.get(p) != self._loaded.get(p))
            self._looked_s = time.monotonic()
        return self._changed


class Heartbeat(BackgroundThread):
    """Sends heartbeats from its own thread, so that a busy process is not taken for dead."""

    def __init__(self, heartbeats: Heartbeats, process: RunningProcess, began_s: float) -> None:
        """The process began at ``began_s``, monotonic."""
        super().__init__("heartbeat", close_timeout_s=10.0)
        self._heartbeats = heartbeats
        self._process = process
        self._began_s = began_s
        self._started_us = 0
        self._last_beat: Process | None = None

    def close(self) -> None:
        """End, and withdraw the heartbeat; where the store is away it expires soon."""
        super().close()
        if self._last_beat is not None:
            with suppress(StoreUnavailable):
                self._heartbeats.withdraw(self._last_beat.id)

    def beat(self) -> None:
        """Report the process. Raises ``StoreUnavailable``."""
        process = msgspec.structs.replace(self._process.describe(), started_us=self._started())
        self._heartbeats.beat(process)
        self._last_beat = process

    def _started(self) -> int:
        """When the process began, by Redis's clock, read once."""
        if not self._started_us:
            ran_s = time.monotonic() - self._began_s
            self._started_us = self._heartbeats.now_us() - int(ran_s * 1_000_000)
        return self._started_us

    def run_once(self) -> float:
        """Beat, if the store can be used."""
        with suppress(StoreUnavailable):
            self.beat()
        return HEARTBEAT_PERIOD_S
