"""The forwarder, a thread of the process ``sender``: hands messages to programs' own applications.

No RQ jobs: one costs 4 to 6 ms whatever it does, and at five hundred messages a second there would
be one for nearly each. The thread looks ten times a second, by one round trip for each program that
has an application, and at once again while there is work; each application has threads and
connections of its own, so that one that hangs delays no other, and no reply. Any number of senders
may run: what one has claimed the others leave alone, until its lease ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.forwarding.service import IDLE_S, Forwarding
from smsgate.gateway import Gateway
from smsgate.logs import Reminder
from smsgate.pipeline.undelivered_forwards import give_up_old
from smsgate.settings import Settings

AGAIN_S = 1.0
"""How long to wait after the store was away, or something failed that should not."""
GIVE_UP_EVERY_S = 30.0
_log = structlog.get_logger("smsgate.forward")


class Forwarder:
    """Follows the newest configuration until it is told to end."""

    def __init__(self, newest: Callable[[], Gateway]) -> None:
        """``newest()`` gives the newest gateway; ``start`` starts the thread."""
        self._newest = newest
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        self._settings: Settings | None = None
        self._running: list[Forwarding] = []
        self._given_up_at = -GIVE_UP_EVERY_S
        self._reminder = Reminder()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after the calls under way; one that is broken off is made again by another sender."""
        self._ending.set()
        self._thread.join(5.0)
        for one in self._running:
            one.close()

    def turn(self) -> float:
        """One look at every application; gives for how many seconds to wait before the next."""
        try:
            gateway = self._newest()
            self._follow(gateway)
            self._give_up(gateway)
            wait_s = min([IDLE_S, *(one.turn() for one in self._running)])
        except StoreUnavailable as error:
            if self._reminder.is_due(str(error)):
                _log.warning("forwards wait", problem=str(error))
        except Exception as error:  # noqa: BLE001 - a fault must not end what others wait for
            _log.error("forwarding failed", exc_info=error)
        else:
            self._reminder.end()
            return wait_s
        return AGAIN_S

    def _run(self) -> None:
        while not self._ending.is_set():
            self._ending.wait(self.turn())

    def _follow(self, gateway: Gateway) -> None:
        if gateway.settings is self._settings:
            return
        settings, old = gateway.settings, self._running
        self._running = [
            Forwarding(program, program.forward, settings, gateway.store, gateway.job_queue)
            for program in settings.programs
            if program.forward is not None
        ]
        self._settings = settings
        for one in old:  # its calls under way may take a while
            threading.Thread(target=one.close, name="retiring", daemon=True).start()

    def _give_up(self, gateway: Gateway) -> None:
        now = time.monotonic()
        if now - self._given_up_at >= GIVE_UP_EVERY_S:
            self._given_up_at = now
            give_up_old(gateway.store)
