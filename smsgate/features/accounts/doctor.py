"""The doctor: checks the whole of smsgate, and names what helps."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence

from smsgate.domain.errors import (
    QueueUnavailable,
    RecordsNotReady,
    RecordsUnavailable,
    SmsGateError,
    SpoolUnavailable,
    StoreUnavailable,
)
from smsgate.features.accounts.account_doctor import doubtful_texts, missing_proxy, opt_out_list
from smsgate.features.accounts.doctor_result import FAULT, OK, WARNING, DoctorResult
from smsgate.metrics.snapshot import KINDS, SpoolDepth
from smsgate.pipeline.archive_report import archive_report
from smsgate.pipeline.conditions import (
    TABLE,
    Condition,
    condition,
    conditions,
    durability_conditions,
)
from smsgate.pipeline.monitoring import take_snapshot
from smsgate.pipeline.services import Services
from smsgate.pipeline.spool import waiting
from smsgate.providers import usable
from smsgate.store.redis_address import exposures
from smsgate.store.redis_errors import REFUSES_WRITES

_PROTECTED = "`rediss://USER:PASSWORD@host`, and `requirepass` or `ACL SETUSER` at Redis"
_RECORDS_CONDITIONS = frozenset({"SmsgateRecordsLag", "SmsgateLedgerFull"})
"""Conditions about events on their way to the records: one result has them all."""


def check_everything(services: Services) -> Iterator[DoctorResult]:
    """Check each collaborator. What rests on one that fails is not checked: one cause, one result.

    Does not raise where a collaborator is away.
    """
    try:
        services.store.health.ping()
        services.store.metadata.refuse_old()
        services.store.write_lease.refuse_unwritable()
    except StoreUnavailable as error:
        is_read_only = str(error).startswith(REFUSES_WRITES)
        key = "store_refuses_writes" if is_read_only else "store_away"
        yield _result(condition(key, "store", str(error), error.remedy))
        yield from _redis_exposure(services)
        if services.settings.queue_url != services.settings.redis_url:
            yield _queue(services)
        yield _spool(services)
        yield _database(services)
    else:
        yield DoctorResult("store", OK, "Redis answers and takes writes")
        yield from _store(services)
    for account in services.settings.accounts.values():
        if usable(account):
            subject = f"account {account.name}"
            yield DoctorResult(subject, OK, f"{account.provider}, has its secret")


def _store(services: Services) -> Iterator[DoctorResult]:
    """What can be checked where Redis answers."""
    store = services.store
    is_ready = True
    try:
        store.numbers.bucket_count()
        yield DoctorResult("store metadata", OK, "the store is ready and of our layout")
    except SmsGateError as error:
        is_ready = False
        remedy = _metadata_remedy(services)
        yield _result(condition("store_lost", "store metadata", str(error), remedy))
    yield from _redis_exposure(services)
    yield _queue(services)
    spool = _spool(services)
    yield spool
    try:
        snapshot = take_snapshot(store, services.settings)
        host, folder = socket.gethostname(), services.spool.folder
        here = SpoolDepth(host, 0, 0.0, 0.0, folder=folder).place
        found = [*conditions(snapshot, here=here), *durability_conditions(snapshot)]
        if not snapshot.weaknesses:
            text = "every write is on disk before it is acknowledged, and nothing is evicted"
            yield DoctorResult("durability", OK, text)
    except SmsGateError:
        found = []  # an earlier result says what hinders
    if spool.state == FAULT:
        found = [one for one in found if one.name != "SmsgateSpoolUnusable"]
    if is_ready:
        yield _records(services, [one for one in found if one.name in _RECORDS_CONDITIONS])
        yield from _programs(services)
    else:
        yield _database(services)
    yield from _processes(services)
    for account in services.settings.accounts.values():
        yield from missing_proxy(services, account)
        yield from opt_out_list(services, account, f"opt-out list of {account.name}")
    yield from doubtful_texts(services)
    known = _RECORDS_CONDITIONS
    if not is_ready:
        known |= {"SmsgateGateShut", "SmsgateStoreLost"}
    for one in found:
        if one.name not in known:
            yield _result(one)


def _result(one: Condition) -> DoctorResult:
    """A condition as the result of a check."""
    state = FAULT if one.is_failure else WARNING
    return DoctorResult(one.subject, state, f"{one.title}. {one.text}", one.command)


def _metadata_remedy(services: Services) -> str:
    try:
        progress = services.store.rebuild.progress()
        if progress is not None:
            return f"wait: the store is being rebuilt, {progress.text()} so far"
        is_recorded = not services.records.absent and services.records.reader.stores()
    except SmsGateError:
        return "bring the records' database back; from it the store is rebuilt"
    if is_recorded:
        return "`smsgate rebuild`; a running clock does it by itself"
    return "`smsgate init`, if the store never held anything; else restore Redis from a backup"


def _redis_exposure(services: Services) -> Iterator[DoctorResult]:
    """Whether others than smsgate can reach Redis."""
    urls = {"REDIS_URL": services.settings.redis_url, "QUEUE_URL": services.settings.queue_url}
    if urls["QUEUE_URL"] == urls["REDIS_URL"]:
        del urls["QUEUE_URL"]
    for name, url in urls.items():
        for exposure in exposures(url):
            yield DoctorResult(name, WARNING, f"the Redis of {name} {exposure}", _PROTECTED)


def _queue(services: Services) -> DoctorResult:
    try:
        services.job_queue.ping()
    except QueueUnavailable as error:
        return _result(condition("queue_away", "queue", str(error)))
    return DoctorResult("queue", OK, "RQ's Redis answers")


def _spool(services: Services) -> DoctorResult:
    try:
        services.spool.check()
        depth = services.spool.depth()
    except SpoolUnavailable as error:
        return _result(condition("spool_away", "spool", str(error)))
    if depth:
        text = f"{waiting(depth)} on this host for the store"
        return DoctorResult("spool", WARNING, text, TABLE["spool"].command)
    return DoctorResult("spool", OK, "nothing waits on this host's disk")


def _database(services: Services) -> DoctorResult:
    """The records' database alone, where its content cannot be compared with the store."""
    try:
        services.records.check()
    except RecordsUnavailable as error:
        command = "`smsgate records migrate`" if isinstance(error, RecordsNotReady) else ""
        return _result(condition("records_away", "records", str(error), command))
    return DoctorResult("records", OK, "their database answers")


def _records(services: Services, lagging: Sequence[Condition]) -> DoctorResult:
    """One result for what hinders events on their way to the records, and for what follows."""
    database = _database(services)
    report = archive_report(services.archiver)
    if not (lagging or report.problem or report.alarm):
        # What waits for a moment is normal.
        complete = "everything that happened is in the records"
        return DoctorResult("records", OK, report.waiting or complete)
    text = "; ".join([report.text.removeprefix("ok; "), *(one.title for one in lagging)])
    is_fault = not report.is_ready or any(one.is_failure for one in lagging)
    if database.state != OK:
        remedy = database.remedy
    elif lagging:
        remedy = lagging[0].command
    else:
        remedy = "docs/records.md says what it means and what to do"
    return DoctorResult("records", FAULT if is_fault else WARNING, text, remedy)


def _programs(services: Services) -> Iterator[DoctorResult]:
    try:
        published = services.store.programs.published()
    except StoreUnavailable as error:
        yield DoctorResult("programs", FAULT, str(error), error.remedy)
        return
    programs = [program.name for program in services.settings.programs]
    for name in programs:
        if name in published:
            yield DoctorResult(f"program {name}", OK, "published to every gate")
    unknown = [name for name in programs if name not in published]
    if unknown:
        text = f"not published yet, so no gate knows them: {', '.join(unknown)}"
        yield DoctorResult("programs", FAULT, text, "start the clock, or run `smsgate init`")


def _processes(services: Services) -> Iterator[DoctorResult]:
    """What runs where. That a kind does not run, or two versions do, is a condition."""
    try:
        snapshot = services.store.heartbeats.snapshot()
    except SmsGateError:
        return  # an earlier result says that the store is away
    for kind in KINDS:
        if snapshot.of(kind):
            yield DoctorResult(kind, OK, f"running: {snapshot.where(kind)}")
    versions = {one.version for one in snapshot.running}
    if len(versions) == 1:
        text = f"all run one version of the configuration: {versions.pop()}"
        yield DoctorResult("processes", OK, text)
