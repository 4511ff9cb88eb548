"""Removing what is older than it has to be kept: once a day, a batch at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator

from smsgate.domain.errors import SmsGateError
from smsgate.pipeline.forgetting import Forgetting
from smsgate.pipeline.services import Services

CHECK_S = 600.0
"""How often it asks whether old records are to be looked for."""


class DailyRetention:
    """Old records; one process of all takes its turn a day."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._batches: Iterator[int] | None = None
        self._asked_at = -CHECK_S

    def remove_batch(self) -> int:
        """Remove one batch of what is too old, if it is due today; return its size.

        Raises ``StoreUnavailable``, ``RecordsUnavailable`` and their like; then tomorrow again.
        """
        if self._batches is None:
            if time.monotonic() - self._asked_at < CHECK_S:
                return 0
            self._asked_at = time.monotonic()
            if not self._services.store.sweep.take_retention_turn():
                return 0
            self._batches = Forgetting(
                self._services.archiver, self._services.settings.retention
            ).apply_retention()
        try:
            return next(self._batches)
        except StopIteration:
            self._batches = None
            return 0
        except SmsGateError:
            self._batches = None
            raise
