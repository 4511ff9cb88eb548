"""Threads of the process ``clock`` that send the programs' feeds.

No RQ job: a call may take ten seconds and is repeated for a day, and such a job would keep a worker
from applying opt-outs. Each feed has a thread, so that none waits for another; the feeds' leases in
the database let a second clock stand by.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import structlog

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.features.feeds.service import FeedSender
from smsgate.outbound import Outbound
from smsgate.pipeline.services import Services

RETRY_S = 5.0
"""Pause after a turn that failed."""
_log = structlog.get_logger()


class FeedDispatcher:
    """Sends the feeds of all programs until it is closed."""

    def __init__(self, services: Services) -> None:
        self._ending = threading.Event()
        self._outbounds: list[Outbound] = []
        self._threads = []
        for program in services.settings.programs:
            if program.feed is not None:
                outbound = Outbound(public_only=not program.feed.allow_private)
                self._outbounds.append(outbound)
                sender = FeedSender(program, program.feed, services.records, outbound)
                thread = threading.Thread(
                    target=self._run, args=(sender,), name=f"feed {program.name}", daemon=True
                )
                self._threads.append(thread)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def close(self, wait_s: float = 5.0) -> None:
        """End after the calls in hand; one that takes longer is broken off and repeated later."""
        self._ending.set()
        ends = time.monotonic() + wait_s
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
        for outbound in self._outbounds:
            outbound.close()

    def _run(self, sender: FeedSender) -> None:
        while not self._ending.is_set():
            self._ending.wait(_run_once(sender))
        with suppress(RecordsUnavailable, RecordsNotReady):  # then the lease ends by itself
            sender.release()


def _run_once(sender: FeedSender) -> float:
    try:
        return sender.run_once()
    except (RecordsUnavailable, RecordsNotReady) as error:
        _log.warning("feed waits", problem=str(error))
    except Exception as error:  # noqa: BLE001 - a fault in one feed must end neither it nor others
        _log.error("feed failed", exc_info=error)
    return RETRY_S
