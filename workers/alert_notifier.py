"""The teller, a thread of the process ``clock``: tells the operator of conditions that last."""

from __future__ import annotations

import threading
import time

import structlog

from smsgate.errors import StoreUnavailable
from smsgate.features.alerts.channels import configured_channels
from smsgate.features.alerts.service import Alerting, ChannelCheck
from smsgate.gateway import Gateway

PERIOD_S = 15.0
TEST_S = 1.0
"""How often it looks whether somebody asks for a test."""
_log = structlog.get_logger()


class Teller:
    """Looks four times a minute, where there is somebody to tell, and makes tests of that."""

    def __init__(self, gateway: Gateway) -> None:
        """Use the gateway; ``start`` starts the thread."""
        ways = configured_channels(gateway)
        self._wanted = bool(ways)
        self._alerting = Alerting(gateway.store, gateway.settings, ways)
        self._test = ChannelCheck(gateway.store, ways)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, wait_s: float = 15.0) -> None:
        """End after the look in hand."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def _run(self) -> None:
        looked_at = time.monotonic()
        while not self._ending.wait(TEST_S):
            try:
                self._test.turn()
            except StoreUnavailable:
                pass  # which is a condition itself
            except Exception as error:  # noqa: BLE001 - alerts must outlive a fault of a test
                _log.error("alerts could not be tested", exc_info=error)
            if self._wanted and time.monotonic() - looked_at >= PERIOD_S:
                looked_at = time.monotonic()
                self._look()

    def _look(self) -> None:
        try:
            self._alerting.turn()
        except Exception as error:  # noqa: BLE001 - alerts must outlive a fault of one look
            _log.error("alerts could not be looked for", exc_info=error)
