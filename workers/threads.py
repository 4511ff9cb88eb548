"""Threads in which processes do what is no job and no request; not started yet."""

from __future__ import annotations

import time
from contextlib import suppress

from smsgate.background_thread import BackgroundThread
from smsgate.features.alerts.service import AlertService
from smsgate.features.dashboard.statistics import save_counts
from smsgate.features.deliveries.changes import ChangeSource
from smsgate.features.deliveries.sender import FAILED_AFTER_S, IDLE_S, DeliverySender, Source
from smsgate.features.deliveries.texts import TextDeliveries
from smsgate.features.lists.imports import Importer
from smsgate.features.lists.jobs import ListJobs, StepStopped
from smsgate.features.provider_lists.service import OptOutListSync
from smsgate.interface.parts import Parts
from smsgate.monitoring.monitor import Monitor
from smsgate.outbound import Outbound
from smsgate.pipeline.archive import BATCH, LedgerArchiver
from smsgate.pipeline.forgetting import Forgetting
from smsgate.pipeline.gate import Gate
from smsgate.providers import OPT_OUT_LISTS, usable
from smsgate.records import Records
from smsgate.records.deliveries import Destination, Kind
from smsgate.settings import Account, Application, Feed, Settings
from smsgate.store.inbox import JobQueue
from smsgate.store.store import Store

ARCHIVE_S = 0.8
"""An event is in the records within a second of its commit."""
DAY_COUNT_S, RETENTION_S = 60.0, 600.0
"""How often the sums of the day go to the records, and whether it is time to remove old ones is
asked."""
ALERTS_S, ALERT_TEST_S = 15.0, 2.0
"""How often the conditions are compared, and whether somebody asked for a test is looked at."""
LIST_S = 1.0
"""How often a worker looks for list jobs."""
OPT_OUT_LIST_RETRY_S = 5.0
"""Pause after a turn that failed on our side."""
DELIVERY_COUNT_S = 2.0
"""How often deliveries are counted, and those of more than a day fail."""
DELIVERY_CLOSE_TIMEOUT_S = 25.0


def record_threads(archiver: LedgerArchiver, forgetting: Forgetting) -> list[BackgroundThread]:
    """Those of a clock that move the ledgers to the records, count the day, and remove what is old.

    Any number of clocks may do it: of two movers one is faster, and retention has a turn a day.
    """
    store, records = archiver.store, archiver.records

    def move() -> float:
        return 0.0 if archiver.move() >= BATCH else ARCHIVE_S

    def remove_old() -> None:
        if store.retention_turn.take():
            for _ in forgetting.apply_retention():
                if retention.is_ending:
                    return

    retention = BackgroundThread("retention", remove_old, RETENTION_S)
    return [
        BackgroundThread("ledger archiver", move, ARCHIVE_S, close_timeout_s=30.0),
        BackgroundThread("counts", lambda: save_counts(store, records), DAY_COUNT_S),
        retention,
    ]


def alert_threads(
    settings: Settings, store: Store, monitor: Monitor, records: Records
) -> list[BackgroundThread]:
    """Those of a clock that compare conditions, and send alert tests."""
    alerts = AlertService(store, settings, monitor, records)
    return [
        BackgroundThread(
            "alerts", alerts.check, ALERTS_S, close_timeout_s=15.0, at_end=alerts.close
        ),
        BackgroundThread("alert test", alerts.run_test, ALERT_TEST_S),
    ]


def opt_out_list_threads(parts: Parts, settings: Settings) -> list[BackgroundThread]:
    """Those of a clock that compare opt-outs with the providers' own lists.

    One for each account with ``opt_out_list = true``, so that no provider waits for another. The
    accounts' leases in Redis let a second clock stand by.
    """
    make_sync = parts.bind(OptOutListSync, 2)

    def thread(account: Account) -> BackgroundThread:
        sync, name = make_sync(account, time.time), f"opt-out list of {account.name}"
        return BackgroundThread(name, sync.run_once, OPT_OUT_LIST_RETRY_S, at_end=sync.release)

    return [
        thread(account)
        for account in settings.accounts.values()
        if account.opt_out_list and usable(account) and not account.simulated
        if account.provider in OPT_OUT_LISTS
    ]


def list_thread(settings: Settings, gate: Gate, importer: Importer) -> BackgroundThread:
    """The one of a worker that runs the steps of list jobs.

    A worker has the data directory of its host and all else that they need; a step may take
    minutes, and opt-outs may not wait for it. One in progress at the end waits for the next worker.
    """
    jobs = ListJobs(settings)

    def work() -> float:
        with suppress(StepStopped):
            if jobs.run_next(importer, gate, lambda: thread.is_ending):
                return 0.0
        return LIST_S

    thread = BackgroundThread("lists", work, LIST_S)
    return thread


def delivery_threads(
    settings: Settings, store: Store, records: Records, job_queue: JobQueue
) -> list[BackgroundThread]:
    """Those of a sender that post to the operator's own programs, and one that counts what waits.

    No RQ jobs: one costs 4 to 6 ms whatever it does, and a call may take ten seconds. Each
    destination has threads and connections of its own, so that one that hangs delays no other, and
    no reply. Any number of senders may run: the lease of a destination lets one of them send.
    """

    def count() -> None:
        records.deliveries.fail_old(int((time.time() - FAILED_AFTER_S) * 1_000_000))
        store.delivery_counts.write(records.deliveries.counts())

    def thread(kind: Kind, source: Source, receiver: Application | Feed) -> BackgroundThread:
        is_free = receiver.allow_private
        outbound = Outbound(public_only=not is_free, by_proxy=is_free)
        where = Destination(source.program.name, kind)
        sender = DeliverySender(where, source, records.deliveries, outbound, store.metrics)
        return BackgroundThread(
            f"{kind}s of {where.program}",
            sender.run_once,
            IDLE_S,
            close_timeout_s=DELIVERY_CLOSE_TIMEOUT_S,
            at_end=sender.close,
        )

    threads = [BackgroundThread("deliveries", count, DELIVERY_COUNT_S)]
    for program in settings.programs:
        if (application := program.forward) is not None:
            text = TextDeliveries(program, application, settings, store, job_queue)
            threads.append(thread("text", text, application))
        if (feed := program.feed) is not None:
            threads.append(thread("change", ChangeSource(program, feed, records), feed))
    return threads
