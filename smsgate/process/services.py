"""The services of one process, made from its configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from smsgate.api_keys import ApiKeys
from smsgate.content import CurrentContent
from smsgate.monitoring.monitor import Monitor
from smsgate.outbound import Outbound
from smsgate.pipeline.apply import InboxApplier
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.forgetting import Forgetting
from smsgate.pipeline.gate import Gate
from smsgate.pipeline.history import History
from smsgate.pipeline.ingest import Ingest
from smsgate.pipeline.refused_requests import RefusedRequests
from smsgate.pipeline.send import ReplySender
from smsgate.pipeline.spool import Spool
from smsgate.pipeline.spool_replay import LeaseRenewal, SpoolReplay
from smsgate.process.configuration import Configuration
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store.connection import TIMEOUT_S, open_redis
from smsgate.store.inbox import JobQueue
from smsgate.store.store import Store


@dataclass(frozen=True)
class Services:
    """What works in one process. Each service is made when it is first asked for."""

    settings: Settings
    content: CurrentContent
    store: Store
    spool: Spool
    gate: Gate
    job_queue: JobQueue
    outbound: Outbound
    records: Records

    @cached_property
    def ingest(self) -> Ingest:
        """From a provider's request to its acknowledgement."""
        return Ingest(
            self.settings,
            self.content,
            self.store,
            self.spool,
            self.outbound,
            self.refused_requests,
        )

    @cached_property
    def refused_requests(self) -> RefusedRequests:
        """Why requests of providers were refused, for people to see."""
        return RefusedRequests(self.store, self.settings.accounts)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """The keys that were made for ``/v1``."""
        return ApiKeys(self.records.database)

    @cached_property
    def applier(self) -> InboxApplier:
        """From the inboxes to consent states, ledgers and outboxes."""
        return InboxApplier(self.settings, self.store, self.job_queue)

    @cached_property
    def sender(self) -> ReplySender:
        """From the outboxes to providers."""
        return ReplySender(self.settings, self.content, self.store, self.gate, self.outbound)

    @cached_property
    def archiver(self) -> LedgerArchiver:
        """From the ledgers to the records."""
        return LedgerArchiver(self.store, self.records)

    @cached_property
    def forgetting(self) -> Forgetting:
        """Erases texts, and what is older than it has to be kept."""
        return Forgetting(self.archiver, self.settings.retention)

    @cached_property
    def history(self) -> History:
        """The events of numbers, wherever they are by now."""
        return History(self.store, self.records)

    @cached_property
    def spool_replay(self) -> SpoolReplay:
        """From this host's spool to the store."""
        return SpoolReplay(self.spool, self.store)

    @cached_property
    def lease_renewal(self) -> LeaseRenewal:
        """Keeps the gate open while this process can vouch for the store."""
        return LeaseRenewal(self.store, self.spool, self.archiver)

    @cached_property
    def monitor(self) -> Monitor:
        """What an operator must know of all this."""
        return Monitor(self.settings, self.store, self.job_queue, self.spool, self.archiver)

    def close(self) -> None:
        """Write what is queued in memory and end the threads."""
        made = vars(self)
        for name in ("sender", "applier"):
            if name in made:
                made[name].close()
        self.store.sample_log.flush()
        self.store.metrics.close()
        self.job_queue.close()
        self.records.close()


def build_services(configuration: Configuration) -> Services:
    """The services of a configuration; everything connects on first use."""
    settings = configuration.settings
    job_queue, spool = JobQueue(settings.queue_url, TIMEOUT_S), build_spool(settings)
    store = Store(open_redis(settings.redis_url), job_queue)
    return Services(
        settings=settings,
        content=CurrentContent(configuration.content),
        store=store,
        spool=spool,
        gate=Gate(store.numbers, store.health, store.refusals, metrics=store.metrics, spool=spool),
        job_queue=job_queue,
        outbound=Outbound(public_only=True, private_hosts=_private_hosts(settings)),
        records=Records(settings.database_url),
    )


def _private_hosts(settings: Settings) -> Iterator[str]:
    """Those that the operator allows, and that of the simulator in ``smsgate dev``."""
    yield from settings.private_hosts
    for account in settings.accounts.values():
        if account.simulated:
            yield urlsplit(account.api_url).hostname or ""


def build_store(settings: Settings) -> Store:
    """The store; connects on first use."""
    return Store(open_redis(settings.redis_url))


def build_spool(settings: Settings) -> Spool:
    """What waits on this host's disk; nothing is made yet."""
    return Spool(settings.data_dir / "spool.sqlite3")
