"""Threads of the process ``sender`` that post deliveries to the operator's own programs.

No RQ jobs: one costs 4 to 6 ms whatever it does, and a call may take ten seconds. Each destination
has threads and connections of its own, so that one that hangs delays no other, and no reply. Any
number of senders may run: the lease of a destination lets one of them send.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import structlog

from smsgate.domain.errors import RecordsUnavailable, StoreUnavailable
from smsgate.features.deliveries.changes import ChangeSource
from smsgate.features.deliveries.sender import FAILED_AFTER_S, DeliverySender, Source
from smsgate.features.deliveries.texts import TextDeliveries
from smsgate.logs import Reminder
from smsgate.outbound import Outbound, PublicOutbound
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.services import Services
from smsgate.records.deliveries import Destination, Kind
from smsgate.settings import Application, Feed

RETRY_S = 2.0
"""Pause after a turn that failed."""
COUNT_S = 2.0
"""How often deliveries are counted, and those of more than a day fail."""
CLOSE_TIMEOUT_S = 25.0
_log = structlog.get_logger("smsgate.deliveries")


class DeliveryThreads(BackgroundThread):
    """A thread for each destination, and this one, which counts what waits."""

    def __init__(self, services: Services) -> None:
        super().__init__("deliveries", close_timeout_s=CLOSE_TIMEOUT_S)
        self._services = services
        self._senders = [*_senders(services)]

    def start(self) -> None:
        """Start them all."""
        super().start()
        for one in self._senders:
            one.start()

    def close(self) -> None:
        """End after the calls under way; one that is broken off is repeated by another sender."""
        self.stop()
        for one in self._senders:
            one.stop()
        for one in self._senders:
            one.close()
        super().close()

    def run_once(self) -> float:
        """Let fail what is too old, and count the rest."""
        storage = self._services.records.deliveries
        try:
            storage.fail_old(int((time.time() - FAILED_AFTER_S) * 1_000_000))
            self._services.store.backlog.note_deliveries(storage.counts())
        except (RecordsUnavailable, StoreUnavailable):
            pass  # whoever sends says so
        except Exception as error:  # noqa: BLE001 - a fault must not end what others wait for
            _log.error("deliveries could not be counted", exc_info=error)
        return COUNT_S


class SenderThread(BackgroundThread):
    """Sends to one destination."""

    def __init__(self, sender: DeliverySender, name: str) -> None:
        super().__init__(name, close_timeout_s=CLOSE_TIMEOUT_S)
        self._sender = sender
        self._reminder = Reminder()

    def run_once(self) -> float:
        """One turn; a fault in one destination must end neither it nor others."""
        try:
            pause_s = self._sender.run_once()
        except RecordsUnavailable as error:
            if self._reminder.is_due(str(error)):
                _log.warning("deliveries wait", problem=str(error))
            return RETRY_S
        except Exception as error:  # noqa: BLE001
            _log.error("deliveries failed", exc_info=error)
            return RETRY_S
        self._reminder.end()
        return pause_s

    def _run(self) -> None:
        super()._run()
        with suppress(RecordsUnavailable):  # then the lease ends by itself
            self._sender.close()


def _senders(services: Services) -> Iterator[SenderThread]:
    settings, store, records = services.settings, services.store, services.records

    def thread(kind: Kind, source: Source, receiver: Application | Feed) -> SenderThread:
        outbound = Outbound() if receiver.allow_private else PublicOutbound()
        where = Destination(source.program.name, kind)
        sender = DeliverySender(where, source, records.deliveries, outbound, store.metrics)
        return SenderThread(sender, f"{kind}s of {where.program}")

    for program in settings.programs:
        if (application := program.forward) is not None:
            text = TextDeliveries(program, application, settings, store, services.job_queue)
            yield thread("text", text, application)
        if (feed := program.feed) is not None:
            yield thread("change", ChangeSource(program, feed, records), feed)
