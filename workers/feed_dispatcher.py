"""Threads of the process ``clock`` that send the programs' feeds.

No RQ job: a call may take ten seconds and is repeated for a day, and such a job would keep a worker
from applying opt-outs. Each feed has a thread, so that none waits for another; the feeds' leases in
the database let a second clock stand by.
"""

from __future__ import annotations

from contextlib import suppress

import structlog

from smsgate.domain.errors import RecordsUnavailable
from smsgate.features.feeds.service import FeedSender
from smsgate.logs import Reminder
from smsgate.outbound import Outbound, PublicOutbound
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.services import Services
from smsgate.settings import Feed, Program

RETRY_S = 5.0
"""Pause after a turn that failed."""
_log = structlog.get_logger()


def feed_threads(services: Services) -> list[FeedThread]:
    """A thread for each feed, not started yet."""
    return [
        FeedThread(program, program.feed, services)
        for program in services.settings.programs
        if program.feed is not None
    ]


class FeedThread(BackgroundThread):
    """Sends one program's feed; a call that takes too long at the end is repeated later."""

    def __init__(self, program: Program, feed: Feed, services: Services) -> None:
        super().__init__(f"feed {program.name}")
        self._outbound = Outbound() if feed.allow_private else PublicOutbound()
        self._sender = FeedSender(program, feed, services.records, self._outbound)
        self._reminder = Reminder()

    def run_once(self) -> float:
        """Send some changes; a fault in one feed must end neither it nor others."""
        try:
            pause_s = self._sender.run_once()
        except RecordsUnavailable as error:
            if self._reminder.is_due(str(error)):
                _log.warning("feed waits", problem=str(error))
            return RETRY_S
        except Exception as error:  # noqa: BLE001
            _log.error("feed failed", exc_info=error)
            return RETRY_S
        self._reminder.end()
        return pause_s

    def close(self) -> None:
        """End after the call in progress, and let another process have the feed."""
        super().close()
        self._outbound.close()

    def _run(self) -> None:
        super()._run()
        with suppress(RecordsUnavailable):  # then the lease ends by itself
            self._sender.release()
