"""Threads of the process ``sender`` that post deliveries to the operator's own programs.

No RQ jobs: one costs 4 to 6 ms whatever it does, and a call may take ten seconds. Each destination
has threads and connections of its own, so that one that hangs delays no other, and no reply. Any
number of senders may run: the lease of a destination lets one of them send.
"""

from __future__ import annotations

import time

from smsgate.background_thread import BackgroundThread
from smsgate.features.deliveries.changes import ChangeSource
from smsgate.features.deliveries.sender import FAILED_AFTER_S, IDLE_S, DeliverySender, Source
from smsgate.features.deliveries.texts import TextDeliveries
from smsgate.outbound import Outbound, PublicOutbound
from smsgate.process.services import Services
from smsgate.records.deliveries import Destination, Kind
from smsgate.settings import Application, Feed

COUNT_S = 2.0
"""How often deliveries are counted, and those of more than a day fail."""
CLOSE_TIMEOUT_S = 25.0


def delivery_threads(services: Services) -> list[BackgroundThread]:
    """A thread for each destination, and one that counts what waits; not started yet."""
    settings, store, records = services.settings, services.store, services.records

    def count() -> None:
        records.deliveries.fail_old(int((time.time() - FAILED_AFTER_S) * 1_000_000))
        store.backlog.note_deliveries(records.deliveries.counts())

    def thread(kind: Kind, source: Source, receiver: Application | Feed) -> BackgroundThread:
        outbound = Outbound() if receiver.allow_private else PublicOutbound()
        where = Destination(source.program.name, kind)
        sender = DeliverySender(where, source, records.deliveries, outbound, store.metrics)
        return BackgroundThread(
            f"{kind}s of {where.program}",
            sender.run_once,
            IDLE_S,
            close_timeout_s=CLOSE_TIMEOUT_S,
            at_end=sender.close,
        )

    threads = [BackgroundThread("deliveries", count, COUNT_S)]
    for program in settings.programs:
        if (application := program.forward) is not None:
            text = TextDeliveries(program, application, settings, store, services.job_queue)
            threads.append(thread("text", text, application))
        if (feed := program.feed) is not None:
            threads.append(thread("change", ChangeSource(program, feed, records), feed))
    return threads
