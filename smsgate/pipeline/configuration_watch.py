"""Follows what is applied: a thread of each process, which another one notifies.

Redis announces what is applied to all who listen. That can get lost, so each process also asks now
and then, and more than once a second while it cannot listen.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from smsgate import __version__
from smsgate.domain.errors import OtherConfiguration, SmsGateError, StoreUnavailable
from smsgate.metrics.snapshot import Process
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.store import Store
from smsgate.store.processes import AppliedConfiguration, ConfigurationNews, Heartbeats

PERIOD_S = 5.0
"""How often a process asks what is applied although nothing is announced."""
DEAF_PERIOD_S = 0.7
"""How often it asks while it cannot listen."""
LISTEN_S = 0.5
"""How long one call listens, and thus how long its thread takes to end."""
RETRY_S = 2.0
"""How often a process looks again whether its files are what was applied by now."""
AWAY_S = 0.5
_MAX_PROBLEM = 2000
"""Characters of a problem that the heartbeat carries."""

HEARTBEAT_PERIOD_S = 2.0
WHOLE_HEARTBEAT_S = 20.0
"""How often a heartbeat also says that there is such a process, and that its kind was seen."""

_log = structlog.get_logger("smsgate.configuration")


class ConfigurationWatch(BackgroundThread):
    """Takes over each configuration that is applied; its heartbeat says what became of it."""

    def __init__(
        self,
        store: Store,
        describe: Callable[[], Process],
        renew: Callable[[str], bool],
        began_s: float,
    ) -> None:
        """``describe()`` is what the process runs; ``renew`` as ``Live.renew``.

        The process began at ``began_s``, monotonic.
        """
        super().__init__("configuration", close_timeout_s=10.0)
        self._configurations = store.configurations
        self._notified = threading.Event()
        self._listener = ConfigurationListener(store.configurations.subscribe(), self._notified.set)
        self._renew = renew
        self._first = True
        self._applied = ""
        self._problem = ""
        self._retry_at = 0.0
        self._heartbeat = Heartbeat(
            store.heartbeats,
            lambda: msgspec.structs.replace(
                describe(), applied=self._applied, problem=self._problem
            ),
            began_s,
        )

    def start(self) -> None:
        """Start the thread, the one that notifies it, and the heartbeat."""
        super().start()
        self._listener.start()
        self._heartbeat.start()

    def stop(self) -> None:
        """Begin no other call; returns at once."""
        super().stop()
        self._listener.stop()
        self._heartbeat.stop()
        self._notified.set()

    def close(self) -> None:
        """End, and withdraw the heartbeat."""
        super().close()
        self._heartbeat.close()

    def _run(self) -> None:
        while True:
            self._notified.clear()
            if self._ending.is_set():
                return
            self._notified.wait(self.run_once())

    def run_once(self) -> float:
        """Take over what is applied, if that is new. Raises nothing."""
        try:
            applied = self._configurations.applied()
            if applied is not None and (
                applied.id != self._applied
                or (self._problem and time.monotonic() >= self._retry_at)
            ):
                self._take(applied)
            self._first = False
            self._heartbeat.beat(only_news=True)
        except StoreUnavailable:
            return AWAY_S
        return PERIOD_S if self._listener.listens else DEAF_PERIOD_S

    def _take(self, applied: AppliedConfiguration) -> None:
        problem = self._put_in_force(applied)
        if problem and problem != self._problem:
            _log.warning("configuration not taken over", version=applied.version, problem=problem)
        self._applied, self._problem = applied.id, problem
        self._retry_at = time.monotonic() + RETRY_S

    def _put_in_force(self, applied: AppliedConfiguration) -> str:
        """Put it in force; return why that failed, or nothing."""
        began = time.monotonic()
        try:
            if self._renew(applied.version):
                took_ms = round((time.monotonic() - began) * 1000)
                _log.info("configuration", version=applied.version, by=applied.by, ms=took_ms)
        except OtherConfiguration as error:
            # A process that has just started may have newer files, which nobody had to apply.
            if self._first:
                return ""
            problem = f"its own files make version {error.version}: bring them to its host"
            if applied.software == __version__:
                return problem
            return (
                f"{problem}, or smsgate {applied.software}, which applied it; it is {__version__}"
            )
        except SmsGateError as error:
            return str(error)[:_MAX_PROBLEM]
        except Exception as error:  # noqa: BLE001 - the process must go on with what it has
            _log.error("configuration failed", exc_info=error)
            return f"it could not be put in force ({type(error).__name__}); the log says more"
        return ""


class ConfigurationListener(BackgroundThread):
    """Calls ``notify`` when something is applied, and when it begins to listen anew."""

    def __init__(self, news: ConfigurationNews, notify: Callable[[], None]) -> None:
        super().__init__("configuration news")
        self._news = news
        self._notify = notify
        self.listens = False

    def run_once(self) -> float:
        """Listen for a moment; returns the pause before the next call, in seconds."""
        try:
            if self._news.wait(LISTEN_S):
                self._notify()
        except StoreUnavailable:
            self.listens = False
            return RETRY_S
        self.listens = True
        return 0.0

    def _run(self) -> None:
        super()._run()
        self._news.close()


class Heartbeat(BackgroundThread):
    """Beats in a thread of its own, which nothing that the process does holds up."""

    def __init__(
        self, heartbeats: Heartbeats, describe: Callable[[], Process], began_s: float
    ) -> None:
        """``describe()`` is what the process runs now; it began at ``began_s``, monotonic."""
        super().__init__("heartbeat", close_timeout_s=10.0)
        self._heartbeats = heartbeats
        self._describe = describe
        self._began_s = began_s
        self._started_us = 0
        self._lock = threading.Lock()
        self._last_beat: Process | None = None
        self._whole_at = -math.inf

    def close(self) -> None:
        """End, and withdraw the heartbeat; where the store is away it expires soon."""
        super().close()
        if self._last_beat is not None:
            with suppress(StoreUnavailable):
                self._heartbeats.withdraw(self._last_beat.id)

    def beat(self, *, only_news: bool = False) -> None:
        """Say it now, or only where it is another thing than was said last.

        Raises ``StoreUnavailable``.
        """
        describe = self._describe()
        with self._lock:
            if only_news and describe == self._last_beat:
                return
            process = msgspec.structs.replace(describe, started_us=self._started())
            now = time.monotonic()
            is_recent = now - self._whole_at < WHOLE_HEARTBEAT_S
            if not (is_recent and self._heartbeats.prolong(process)):
                self._heartbeats.beat(process)
                self._whole_at = now
            self._last_beat = describe

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
