"""A thread of the process ``clock`` that sends alerts, and once a day the records' digest."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.alerts.channels import configured_channels
from smsgate.features.alerts.service import AlertService, ChannelTester
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.services import Services

PERIOD_S = 15.0
TEST_PERIOD_S = 2.0
"""How often the thread looks for a requested test."""
_log = structlog.get_logger()


class AlertNotifier(BackgroundThread):
    """Checks for alerts four times a minute if a channel is configured, and runs tests."""

    def __init__(self, services: Services) -> None:
        super().__init__("alerts", first_pause_s=TEST_PERIOD_S, close_timeout_s=15.0)
        channels = configured_channels(services)
        self._has_channels = bool(channels)
        self._records = services.records
        self._service = AlertService(
            services.store, services.settings, services.readiness, channels
        )
        self._tester = ChannelTester(services.store, channels)
        self._checked_at = time.monotonic()

    def run_once(self) -> float:
        """Run a requested test; check for alerts, and tell the records' digest, if it is time."""
        _survive(self._tester.run_requested)
        if time.monotonic() - self._checked_at >= PERIOD_S:
            self._checked_at = time.monotonic()
            if self._has_channels:
                _survive(self._service.check)
            _survive(lambda: self._service.send_records_digest(self._records))
        return TEST_PERIOD_S


def _survive(check: Callable[[], None]) -> None:
    """Log the failure of one check; the thread continues. An unusable store is an alert itself."""
    try:
        check()
    except StoreUnavailable:
        pass
    except Exception as error:  # noqa: BLE001 - alerts must outlive one fault
        _log.error("alerts could not be checked", exc_info=error)
