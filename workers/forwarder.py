"""A thread of the process ``sender`` that sends messages on to the programs' applications.

No RQ jobs: one costs 4 to 6 ms whatever it does, and at five hundred messages a second there would
be one for nearly each. The thread makes one round trip per program with an application ten times a
second, and at once again while there is work. Each application has threads and connections of its
own, so that one that hangs delays no other, and no reply. Any number of senders may run: what one
has claimed the others leave alone until its lease ends.
"""

from __future__ import annotations

import time

import structlog

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.forwarding.service import IDLE_S, ForwardSender
from smsgate.logs import Reminder
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.forwards import give_up_old
from smsgate.pipeline.services import Services

RETRY_S = 1.0
"""Pause after a turn that failed."""
GIVE_UP_EVERY_S = 30.0
_log = structlog.get_logger("smsgate.forward")


class Forwarder(BackgroundThread):
    """Runs a sender for each application of the programs."""

    def __init__(self, services: Services) -> None:
        super().__init__("forwarder")
        self._store, settings = services.store, services.settings
        self._senders = [
            ForwardSender(program, program.forward, settings, services.store, services.job_queue)
            for program in settings.programs
            if program.forward is not None
        ]
        self._given_up_at = -GIVE_UP_EVERY_S
        self._reminder = Reminder()

    def close(self) -> None:
        """End after the calls under way; one that is broken off is repeated by another sender."""
        super().close()
        for one in self._senders:
            one.close()

    def run_once(self) -> float:
        """One turn of every application; returns the pause before the next in seconds."""
        try:
            now = time.monotonic()
            if now - self._given_up_at >= GIVE_UP_EVERY_S:
                self._given_up_at = now
                give_up_old(self._store)
            wait_s = min([IDLE_S, *(one.run_once() for one in self._senders)])
        except StoreUnavailable as error:
            if self._reminder.is_due(str(error)):
                _log.warning("forwards wait", problem=str(error))
        except Exception as error:  # noqa: BLE001 - a fault must not end what others wait for
            _log.error("forwarding failed", exc_info=error)
        else:
            self._reminder.end()
            return wait_s
        return RETRY_S
