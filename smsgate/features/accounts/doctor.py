"""The doctor: checks the whole of smsgate, and names what helps."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from smsgate.domain.errors import (
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
from smsgate.pipeline.conditions import TABLE, Condition, conditions
from smsgate.pipeline.monitoring import take_snapshot
from smsgate.pipeline.services import Services
from smsgate.pipeline.spool import waiting
from smsgate.providers import usable
from smsgate.store.redis_address import exposures

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
        yield DoctorResult("store", FAULT, str(error), error.remedy)
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
    good = "the store is ready and of our layout"
    metadata = _try("store metadata", store.numbers.bucket_count, good)
    is_ready = metadata.state == OK
    yield metadata if is_ready else replace(metadata, remedy=_metadata_remedy(services))
    yield _try(
        "eviction",
        store.health.refuse_eviction,
        "maxmemory-policy is noeviction",
        "set `maxmemory-policy noeviction` in redis.conf",
    )
    yield from _durability(services)
    yield from _redis_exposure(services)
    yield _queue(services)
    spool = _spool(services)
    yield spool
    try:
        snapshot = take_snapshot(store, services.settings)
        host, folder = socket.gethostname(), services.spool.folder
        here = SpoolDepth(host, 0, 0.0, 0.0, folder=folder).place
        found = conditions(snapshot, here=here)
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
            state = FAULT if one.is_failure else WARNING
            yield DoctorResult(one.subject, state, f"{one.title}. {one.text}", one.command)


def _try(subject: str, check: Callable[[], object], good: str, remedy: str = "") -> DoctorResult:
    try:
        check()
    except SmsGateError as error:
        return DoctorResult(subject, FAULT, str(error), remedy)
    return DoctorResult(subject, OK, good)


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


def _durability(services: Services) -> Iterator[DoctorResult]:
    """Settings that could lose acknowledged writes; the eviction policy has its own result."""
    try:
        weaknesses = services.store.health.weaknesses()
    except StoreUnavailable as error:
        yield DoctorResult("durability", FAULT, str(error), error.remedy)
        return
    weaknesses = [one for one in weaknesses if not one.startswith("maxmemory-policy")]
    for weakness in weaknesses:
        yield DoctorResult("durability", WARNING, weakness, TABLE["weak_durability"].command)
    if not weaknesses:
        yield DoctorResult("durability", OK, "every write is on disk before it is acknowledged")


def _redis_exposure(services: Services) -> Iterator[DoctorResult]:
    """Whether others than smsgate can reach Redis."""
    urls = {"REDIS_URL": services.settings.redis_url, "QUEUE_URL": services.settings.queue_url}
    if urls["QUEUE_URL"] == urls["REDIS_URL"]:
        del urls["QUEUE_URL"]
    for name, url in urls.items():
        for exposure in exposures(url):
            yield DoctorResult(name, WARNING, f"the Redis of {name} {exposure}", _PROTECTED)


def _queue(services: Services) -> DoctorResult:
    remedy = "start RQ's Redis, or set QUEUE_URL"
    return _try("queue", services.job_queue.ping, "RQ's Redis answers", remedy)


def _spool(services: Services) -> DoctorResult:
    try:
        services.spool.check()
        depth = services.spool.depth()
    except SpoolUnavailable as error:
        return DoctorResult(
            "spool",
            FAULT,
            str(error),
            "let SMSGATE_DATA_DIR be a writable folder of its own, with space",
        )
    if depth:
        text = f"{waiting(depth)} on this host for the store"
        remedy = "let `web` run here and reach Redis: it hands over"
        return DoctorResult("spool", WARNING, text, remedy)
    return DoctorResult("spool", OK, "nothing waits on this host's disk")


def _database(services: Services) -> DoctorResult:
    """The records' database alone, where its content cannot be compared with the store."""
    try:
        services.records.check()
    except RecordsNotReady as error:
        return DoctorResult("records", FAULT, str(error), "`smsgate records migrate`")
    except RecordsUnavailable as error:
        remedy = "bring the database back, or set DATABASE_URL: events wait in the store meanwhile"
        return DoctorResult("records", FAULT, str(error), remedy)
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
