"""Everything of smsgate that is as it should be, and that is not."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from smsgate.domain.errors import (
    RecordsUnavailable,
    SmsGateError,
    SpoolUnavailable,
    StoreUnavailable,
)
from smsgate.features.accounts.doctor.account import without_proxy
from smsgate.features.accounts.doctor.finding import FAULT, OK, WARNING, Finding
from smsgate.metrics.heartbeats import KINDS, Process
from smsgate.pipeline.conditions import DURABLE, Condition, conditions
from smsgate.pipeline.monitoring import take_snapshot
from smsgate.pipeline.services import Services
from smsgate.pipeline.spool import waiting
from smsgate.providers import usable
from smsgate.store.redis_address import exposures

_APPLY = "`smsgate config apply`; restart what keeps an old version"
_PROTECTED = "`rediss://USER:PASSWORD@host`, and `requirepass` or `ACL SETUSER` at Redis"


def examine(services: Services) -> Iterator[Finding]:
    """Ask each collaborator. One cause is one finding: what rests on it is not asked then."""
    try:
        services.store.health.ping()
        services.store.write_lease.refuse_unwritable()
    except StoreUnavailable as error:
        yield Finding("store", FAULT, str(error), error.mend)
        yield from _exposed(services)
        if services.settings.queue_url != services.settings.redis_url:
            yield _queue(services)
        yield _spool(services)
        yield _database(services)
    else:
        yield Finding("store", OK, "Redis answers and takes writes")
        yield from _of_store(services)
    for account in services.settings.accounts.values():
        if usable(account):
            yield Finding(f"account {account.name}", OK, f"{account.provider}, has its secret")


def _of_store(services: Services) -> Iterator[Finding]:
    """What can be asked where Redis answers."""
    store = services.store
    metadata = _tried("marker", store.numbers.bucket_count, "the store is ready and of our layout")
    is_ready = metadata.state == OK
    yield metadata if is_ready else replace(metadata, mend=_marker_remedy(services))
    yield _tried(
        "eviction",
        store.health.refuse_eviction,
        "maxmemory-policy is noeviction",
        "set `maxmemory-policy noeviction` in redis.conf",
    )
    yield from _durability(services)
    yield from _exposed(services)
    yield _queue(services)
    spool = _spool(services)
    yield spool
    conditions_ = _conditions(services)
    if spool.state == FAULT:
        conditions_ = [one for one in conditions_ if one.name != "SmsgateSpoolUnusable"]
    if is_ready:
        yield _records(services, [one for one in conditions_ if one.name in _OF_RECORDS])
        yield from _programs(services)
    else:
        yield _database(services)
    yield from _processes(services)
    for account in services.settings.accounts.values():
        yield from without_proxy(services, account)
    told = _OF_RECORDS if is_ready else _OF_RECORDS | {"SmsgateGateShut", "SmsgateStoreLost"}
    for one in conditions_:
        if one.name not in told:
            yield _finding(one)


def _conditions(services: Services) -> list[Condition]:
    """What the alert rules tell too. What hinders asking has been told before."""
    try:
        seen = take_snapshot(services.store, services.settings)
    except SmsGateError:
        return []
    return conditions(seen, here=socket.gethostname())


def _finding(one: Condition) -> Finding:
    return Finding(one.subject, FAULT if one.is_failure else WARNING, one.problem, one.remedy)


def _tried(subject: str, ask: Callable[[], object], good: str, mend: str = "") -> Finding:
    try:
        ask()
    except SmsGateError as error:
        return Finding(subject, FAULT, str(error), mend)
    return Finding(subject, OK, good)


def _marker_remedy(services: Services) -> str:
    try:
        progress = services.store.restoring.progress()
        if progress is not None:
            return f"wait: the store is being rebuilt, {progress.text()} so far"
        known = not services.records.absent and services.records.reading.stores()
    except SmsGateError:
        return "bring the records' database back; from it the store is rebuilt"
    if known:
        return "`smsgate rebuild`; a clock that is at work does it by itself"
    return "`smsgate init`, if the store never held anything; else restore Redis from a backup"


def _queue(services: Services) -> Finding:
    return _tried(
        "queue", services.job_queue.ping, "RQ's Redis answers", "start RQ's Redis, or set QUEUE_URL"
    )


def _spool(services: Services) -> Finding:
    try:
        services.spool.check()
        depth = services.spool.depth()
    except SpoolUnavailable as error:
        return Finding("spool", FAULT, str(error), "make SMSGATE_DATA_DIR writable, with room")
    if depth:
        said = f"{waiting(depth)} on this host for the store"
        return Finding("spool", WARNING, said, "let `web` run here and reach Redis: it hands over")
    return Finding("spool", OK, "nothing waits on this host's disk")


def _database(services: Services) -> Finding:
    """The records' database alone: what is in it cannot be compared with the store now."""
    try:
        services.records.check()
    except SmsGateError as error:
        return Finding("records", FAULT, str(error), _database_remedy(error))
    return Finding("records", OK, "their database answers")


def _database_remedy(error: SmsGateError) -> str:
    if isinstance(error, RecordsUnavailable):
        return "bring the database back, or set DATABASE_URL: events wait in the store meanwhile"
    return "`smsgate records migrate`"


_OF_RECORDS = frozenset({"SmsgateRecordsLag", "SmsgateLedgerFull"})
"""Conditions that tell what becomes of events that the records do not get."""


def _records(services: Services, lagging: Sequence[Condition]) -> Finding:
    """One finding for what hinders events on their way to the records, and for what follows."""
    database = _database(services)
    report = services.archiver.report()
    said = "; ".join([report.text.removeprefix("ok; "), *(one.problem for one in lagging)])
    fails = not report.is_ready or any(one.is_failure for one in lagging)
    if not (lagging or report.problem or report.alarm):
        # What waits for a moment is normal.
        everything = "everything that happened is in the records"
        return Finding("records", OK, report.waiting or everything)
    if database.state != OK:
        mend = database.mend
    elif lagging:
        mend = lagging[0].remedy
    else:
        mend = "docs/records.md says what it means and what to do"
    return Finding("records", FAULT if fails else WARNING, said, mend)


def _durability(services: Services) -> Iterator[Finding]:
    """What could lose acknowledged writes, but for the policy of eviction, which is told before."""
    try:
        weak = services.store.health.weaknesses()
    except StoreUnavailable as error:
        yield Finding("durability", FAULT, str(error), error.mend)
        return
    weak = [said for said in weak if not said.startswith("maxmemory-policy")]
    for said in weak:
        yield Finding("durability", WARNING, said, DURABLE)
    if not weak:
        yield Finding("durability", OK, "every write is on disk before it is acknowledged")


def _exposed(services: Services) -> Iterator[Finding]:
    """Whether others than smsgate get at Redis."""
    urls = {"REDIS_URL": services.settings.redis_url, "QUEUE_URL": services.settings.queue_url}
    if urls["QUEUE_URL"] == urls["REDIS_URL"]:
        del urls["QUEUE_URL"]
    for name, url in urls.items():
        for said in exposures(url):
            yield Finding(name, WARNING, f"the Redis of {name} {said}", _PROTECTED)


def _programs(services: Services) -> Iterator[Finding]:
    try:
        known = services.store.metadata.programs()
    except StoreUnavailable as error:
        yield Finding("programs", FAULT, str(error), error.mend)
        return
    programs = [program.name for program in services.settings.programs]
    for name in programs:
        if name in known:
            yield Finding(f"program {name}", OK, "published to every gate")
    unknown = [name for name in programs if name not in known]
    if unknown:
        said = f"not published yet, so no gate knows them: {', '.join(unknown)}"
        yield Finding("programs", FAULT, said, "start the clock, or run `smsgate init`")


def _processes(services: Services) -> Iterator[Finding]:
    """What runs where; a process that keeps an old configuration says why.

    That none of a kind runs is a condition, which the alerts tell too.
    """
    try:
        snapshot = services.store.heartbeats.snapshot()
    except SmsGateError:
        return  # it has been told before that the store is away
    for kind in KINDS:
        if snapshot.of(kind):
            yield Finding(kind, OK, f"at work: {snapshot.where(kind)}")
    found = snapshot.running
    for one in found:
        for said in [*one.problem.splitlines(), *restarts(one)]:
            yield Finding(f"process {one.name} on {one.host}:{one.pid}", WARNING, said, _APPLY)
    versions = Counter(one.version for one in found)
    said = ", ".join(f"{version} in {count}" for version, count in versions.most_common())
    if len(versions) > 1:
        said = f"the processes run different versions: {said}"
        yield Finding("processes", WARNING, said, _APPLY)
    elif versions:
        yield Finding("processes", OK, f"all run one version: {said}")


def restarts(process: Process) -> list[str]:
    """What a process cannot follow without a restart, if there is anything."""
    if not process.restart:
        return []
    return [f"wants a restart to follow {', '.join(process.restart)}; it keeps the old value"]
