"""A thread of the process ``clock`` that sends alerts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.alerts.channels import configured_channels
from smsgate.features.alerts.service import AlertService, ChannelTester
from smsgate.pipeline.services import Services

PERIOD_S = 15.0
TEST_PERIOD_S = 1.0
"""How often the thread looks for a requested test."""
_log = structlog.get_logger()


class AlertNotifier:
    """Checks for alerts four times a minute if a channel is configured, and runs tests."""

    def __init__(self, services: Services) -> None:
        channels = configured_channels(services)
        self._has_channels = bool(channels)
        self._service = AlertService(services.store, services.settings, channels)
        self._tester = ChannelTester(services.store, channels)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self, wait_s: float = 15.0) -> None:
        """End after the check in hand."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def _run(self) -> None:
        checked_at = time.monotonic()
        while not self._ending.wait(TEST_PERIOD_S):
            _survive(self._tester.run_requested)
            if self._has_channels and time.monotonic() - checked_at >= PERIOD_S:
                checked_at = time.monotonic()
                _survive(self._service.check)


def _survive(check: Callable[[], None]) -> None:
    """Log a fault of one check: the thread goes on. An unusable store is an alert itself."""
    try:
        check()
    except StoreUnavailable:
        pass
    except Exception as error:  # noqa: BLE001 - alerts must outlive one fault
        _log.error("alerts could not be checked", exc_info=error)
