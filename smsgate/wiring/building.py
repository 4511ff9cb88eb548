"""From settings to what works with them. Everything here connects on first use."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from smsgate.consent.events import Published
from smsgate.consent.transitions import published_program
from smsgate.domain.errors import StoreNotReady
from smsgate.gateway import Gateway
from smsgate.outbound import Outbound
from smsgate.pipeline.gate import Gate
from smsgate.pipeline.spool import Spool
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store import Store
from smsgate.store.connection import TIMEOUT_S, open_redis
from smsgate.store.job_queue import JobQueue
from smsgate.wiring.configuration import Configuration


def build_store(settings: Settings) -> Store:
    """The store; connects on first use."""
    return Store(open_redis(settings.redis_url))


def build_spool(settings: Settings) -> Spool:
    """What waits on this host's disk; nothing is made yet."""
    return Spool(settings.data_dir / "spool.sqlite3")


def build_records(settings: Settings) -> Records:
    """The records; connects on first use."""
    return Records(settings.database_url)


def build_gate(settings: Settings) -> Gate:
    """The gate alone."""
    return Gate.from_url(settings.redis_url)


def build_gateway(configuration: Configuration) -> Gateway:
    """Everything; connects on first use."""
    settings = configuration.settings
    store = build_store(settings)
    return Gateway(
        settings=settings,
        classifiers=configuration.classifiers,
        store=store,
        spool=build_spool(settings),
        gate=Gate(store.numbers, store.health, store.refusals, metrics=store.metrics),
        job_queue=JobQueue(settings.queue_url, TIMEOUT_S),
        outbound=Outbound(),
        records=build_records(settings),
    )


def publish_programs(gateway: Gateway) -> None:
    """Make the configured programs known to every gate. Raises ``StoreUnavailable``."""
    publish(gateway.settings, gateway.store)


def publish(settings: Settings, store: Store) -> None:
    """As ``publish_programs``. What stands under a former name is moved first.

    So no gate knows a name before the opt-outs are under it.
    """
    renamed = settings.programs.renamed
    if renamed:
        with suppress(StoreNotReady):  # a rebuild does it before it makes the store ready
            buckets = store.numbers.bucket_count()
            store.renaming.carry(renamed, buckets, frozenset(store.metadata.programs()))
    store.metadata.publish(published(settings))


def published(settings: Settings) -> dict[str, Published]:
    """By name, former ones too, what every gate is told of a program."""
    told = {one.name: published_program(one) for one in settings.programs}
    former = {
        old: msgspec.structs.replace(told[name], formerly=(), now=name)
        for old, name in settings.programs.renamed.items()
    }
    return told | former
