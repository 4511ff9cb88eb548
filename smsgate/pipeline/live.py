"""The services of a process, made again on the same connections when the configuration changes.

A request, a job or a call that began with the old ones finishes with them.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic

import structlog

from smsgate import __version__
from smsgate.classifier import Classifiers
from smsgate.domain.errors import OtherConfiguration
from smsgate.metrics.snapshot import Process
from smsgate.pipeline.build import describe_build
from smsgate.pipeline.configuration import (
    Configuration,
    are_same_settings,
    followable_settings,
    load_configuration,
    outside_of,
)
from smsgate.pipeline.configuration_watch import ConfigurationWatch
from smsgate.pipeline.latest_value import LatestValue, SharedValue, T
from smsgate.pipeline.services import Services, build_services

Make = Callable[[Configuration, Services], T]
FINISH_S = 30.0
"""How long the work with an old configuration is waited for before its threads are ended."""
LEAVE_S = 5.0
"""How long that may take once the process is told to end."""


@dataclass(frozen=True, slots=True)
class Generation(Generic[T]):
    """The services of one configuration, and what the process made of them."""

    configuration: Configuration
    services: Services
    product: T
    """What the process made of the services: its Flask application, for example."""
    restart: tuple[str, ...]
    """Variables that have changed and cannot be followed without a restart."""
    outside: str
    since_us: int


_log = structlog.get_logger("smsgate.configuration")


class Live(Generic[T]):
    """The newest services of this process, and the objects derived from them."""

    def __init__(
        self, environ: Mapping[str, str], make: Make[T], end: Callable[[T], None] = lambda _: None
    ) -> None:
        """Load the configuration and make the first one. Raises ``ConfigurationError``.

        Args:
            environ: what the configuration is read from, each time.
            make: makes of the services what the process needs, and starts it.
            end: ends it, when another one has taken its place and nobody is at work with it.
        """
        self._began_s = time.monotonic()
        self._environ = environ
        self._make = make
        self._end = end
        configuration = load_configuration(environ)
        self.latest = LatestValue(
            self._generation(configuration, build_services(configuration), ())
        )
        self._watch: ConfigurationWatch | None = None
        self._retiring: list[threading.Thread] = []

    @property
    def configuration(self) -> Configuration:
        """The one that is in force."""
        return self.latest.value.configuration

    @property
    def services(self) -> Services:
        """The newest one, for work that needs only what all of them share."""
        return self.latest.value.services

    def follow(self, name: str) -> None:
        """From now on take over what is applied, and give heartbeats.

        ``name`` is the kind of the process, one of ``KINDS``.
        """
        generation, id_ = self.latest.value, uuid.uuid4().hex
        _log.info(
            "process started",
            process=name,
            software=__version__,
            build=describe_build(),
            version=generation.configuration.version,
            outside=generation.outside,
            config=str(generation.configuration.settings.config_dir),
            pid=os.getpid(),
        )

        def describe() -> Process:
            newest = self.latest.value
            return Process(
                id=id_,
                name=name,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=newest.configuration.version,
                outside=newest.outside,
                since_us=newest.since_us,
                restart=newest.restart,
                software=__version__,
            )

        store = self.services.store
        self._watch = ConfigurationWatch(store, describe, self.renew, self._began_s)
        self._watch.start()

    def renew(self, version: str) -> bool:
        """Load the configuration and put it in force; whether anything has changed.

        Raises ``ConfigurationError``, and ``OtherConfiguration`` where the files make another
        version than was asked for; what was in force stays so then.
        """
        loaded = load_configuration(self._environ)
        if loaded.version != version:
            raise OtherConfiguration(loaded.version)
        before = self.latest.value
        settings, restart = followable_settings(before.configuration.settings, loaded.settings)
        same_files = loaded.version == before.configuration.version and restart == before.restart
        if same_files and are_same_settings(settings, before.configuration.settings):
            return False
        services = replace(before.services, settings=settings, classifiers=loaded.classifiers)
        generation = self._generation(replace(loaded, settings=settings), services, restart)
        self._retire(self.latest.replace(generation))
        return True

    def close(self) -> None:
        """End everything."""
        if self._watch is not None:
            self._watch.close()
        self._end(self.latest.value.product)
        self.latest.value.services.close()
        until = time.monotonic() + LEAVE_S
        for thread in self._retiring:
            thread.join(max(0.0, until - time.monotonic()))

    def _generation(
        self, configuration: Configuration, services: Services, restart: tuple[str, ...]
    ) -> Generation[T]:
        value = self._make(configuration, services)
        outside = outside_of(configuration.settings)
        return Generation(configuration, services, value, restart, outside, time.time_ns() // 1000)

    def _retire(self, old: SharedValue[Generation[T]]) -> None:
        thread = threading.Thread(target=self._finish, args=(old,), name="retiring", daemon=True)
        self._retiring = [one for one in self._retiring if one.is_alive()] + [thread]
        thread.start()

    def _finish(self, old: SharedValue[Generation[T]]) -> None:
        old.wait_until_unused(FINISH_S)
        self._end(old.value.product)
        old.value.services.retire()
        if isinstance(old.value.configuration.classifiers, Classifiers):
            # Flask's application is a circle that waits for the collection of garbage.
            old.value.configuration.classifiers.forget()
