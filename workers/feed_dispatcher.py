"""The feeder, threads of the process ``clock``: tells programs' feeds what changed.

No RQ job: a call may take ten seconds and is made again for a day, and a job that does so would
keep a worker from applying opt-outs. One thread for each feed, so that none waits for another; the
lease in the database lets the feeds of a second clock stand by.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import structlog

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.features.feeds.service import Feeding
from smsgate.gateway import Gateway
from smsgate.outbound import Outbound

AGAIN_S = 5.0
"""How long to wait after the database was away, or something failed that should not."""
_log = structlog.get_logger()


class Feeder:
    """Runs the feeds of all programs until it is told to end."""

    def __init__(self, gateway: Gateway) -> None:
        """Make the feeds that the configuration names; ``start`` starts them."""
        self._ending = threading.Event()
        self._outbounds: list[Outbound] = []
        self._threads = []
        for program in gateway.settings.programs:
            if program.feed is not None:
                outbound = Outbound(public_only=not program.feed.allow_private)
                self._outbounds.append(outbound)
                feeding = Feeding(program, program.feed, gateway.records, outbound)
                thread = threading.Thread(
                    target=self._run, args=(feeding,), name=f"feed {program.name}", daemon=True
                )
                self._threads.append(thread)

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def close(self, wait_s: float = 5.0) -> None:
        """End after the calls in hand; one that takes longer is broken off and made again."""
        self._ending.set()
        ends = time.monotonic() + wait_s
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
        for outbound in self._outbounds:
            outbound.close()

    def _run(self, feeding: Feeding) -> None:
        while not self._ending.is_set():
            self._ending.wait(_turn(feeding))
        _give_back(feeding)


def _give_back(feeding: Feeding) -> None:
    with suppress(RecordsUnavailable, RecordsNotReady):  # then the lease ends by itself
        feeding.give_back()


def _turn(feeding: Feeding) -> float:
    try:
        return feeding.turn()
    except (RecordsUnavailable, RecordsNotReady) as error:
        _log.warning("feed waits", problem=str(error))
    except Exception as error:  # noqa: BLE001 - a fault in one feed must end neither it nor others
        _log.error("feed failed", exc_info=error)
    return AGAIN_S
