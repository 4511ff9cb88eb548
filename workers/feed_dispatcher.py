"""Threads of the process ``clock`` that send the programs' feeds.

No RQ job: a call may take ten seconds and is repeated for a day, and such a job would keep a worker
from applying opt-outs. Each feed has a thread, so that none waits for another; the feeds' leases in
the database let a second clock stand by.
"""

from __future__ import annotations

import time
from contextlib import suppress

import structlog

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.features.feeds.service import FeedSender
from smsgate.outbound import Outbound
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.services import Services
from smsgate.public_outbound import PublicOutbound
from smsgate.settings import Feed, Program

RETRY_S = 5.0
"""Pause after a turn that failed."""
_log = structlog.get_logger()


class FeedDispatcher:
    """Sends the feeds of all programs until it is closed."""

    def __init__(self, services: Services) -> None:
        self._feeds = [
            FeedThread(program, program.feed, services)
            for program in services.settings.programs
            if program.feed is not None
        ]

    def start(self) -> None:
        """Start the threads."""
        for feed in self._feeds:
            feed.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """End after the calls in hand; one that takes longer is broken off and repeated later."""
        ends = time.monotonic() + timeout_s
        for feed in self._feeds:
            feed.stop()
        for feed in self._feeds:
            feed.close(max(0.0, ends - time.monotonic()))


class FeedThread(BackgroundThread):
    """Sends one program's feed."""

    def __init__(self, program: Program, feed: Feed, services: Services) -> None:
        super().__init__(f"feed {program.name}")
        self._outbound = Outbound() if feed.allow_private else PublicOutbound()
        self._sender = FeedSender(program, feed, services.records, self._outbound)

    def run_once(self) -> float:
        """Send some changes; a fault in one feed must end neither it nor others."""
        try:
            return self._sender.run_once()
        except (RecordsUnavailable, RecordsNotReady) as error:
            _log.warning("feed waits", problem=str(error))
        except Exception as error:  # noqa: BLE001
            _log.error("feed failed", exc_info=error)
        return RETRY_S

    def close(self, timeout_s: float | None = None) -> None:
        """End after the call in hand, and let another process have the feed."""
        super().close(timeout_s)
        self._outbound.close()

    def _run(self) -> None:
        super()._run()
        with suppress(RecordsUnavailable, RecordsNotReady):  # then the lease ends by itself
            self._sender.release()
