"""A thread of the process ``clock`` that sends alerts, and once a day the records' digest."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.alerts.service import AlertService
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.services import Services

PERIOD_S = 15.0
TEST_PERIOD_S = 2.0
"""How often the thread looks for a requested test."""
_log = structlog.get_logger()


class AlertNotifier(BackgroundThread):
    """Checks for alerts four times a minute, and runs tests."""

    def __init__(self, services: Services) -> None:
        super().__init__("alerts", first_pause_s=TEST_PERIOD_S, close_timeout_s=15.0)
        self._records = services.records
        self._service = AlertService(services.store, services.settings, services.monitor)
        self._checked_at = time.monotonic()

    def run_once(self) -> float:
        """Run a requested test; check for alerts, and tell the records' digest, if it is time."""
        _survive(self._service.run_test)
        if time.monotonic() - self._checked_at >= PERIOD_S:
            self._checked_at = time.monotonic()
            _survive(self._service.check)
            _survive(lambda: self._service.send_records_digest(self._records))
        return TEST_PERIOD_S

    def close(self) -> None:
        """End after the call in progress; another clock sends from now on."""
        super().close()
        _survive(self._service.close)


def _survive(check: Callable[[], None]) -> None:
    """Log the failure of one check; the thread continues. An unusable store is an alert itself."""
    try:
        check()
    except StoreUnavailable:
        pass
    except Exception as error:  # noqa: BLE001 - alerts must outlive one fault
        _log.error("alerts could not be checked", exc_info=error)
