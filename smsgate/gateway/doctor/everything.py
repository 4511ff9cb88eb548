"""Everything of smsgate that is as it should be, and that is not."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

from smsgate.errors import SmsGateError
from smsgate.gateway import Gateway
from smsgate.gateway.alerts.conditions import DURABLE, conditions
from smsgate.gateway.doctor.finding import FAULT, OK, WARNING, Finding
from smsgate.gateway.overview.measuring import sights
from smsgate.metrics.heartbeats import KINDS, Process
from smsgate.providers import usable
from smsgate.redis_address import exposures

_APPLY = "`smsgate config apply`; restart what keeps an old version"
_MARKER = "`smsgate init` for a store that is new; one that lost its data: `smsgate rebuild`"
_PROTECTED = "`rediss://USER:PASSWORD@host`, and `requirepass` or `ACL SETUSER` at Redis"


def examine(gateway: Gateway) -> Iterator[Finding]:
    """Ask each collaborator; whatever it says, the others are asked as well."""
    store, settings = gateway.store, gateway.settings
    yield _tried("store", store.health.ping, "Redis answers", "start Redis, or set REDIS_URL")
    yield _tried(
        "marker", store.looks.bucket_count, "the store is ready and of our layout", _MARKER
    )
    noeviction = "set `maxmemory-policy noeviction` in redis.conf"
    said = "maxmemory-policy is noeviction"
    yield _tried("eviction", store.health.refuse_eviction, said, noeviction)
    yield from _durability(gateway)
    yield from _exposed(gateway)
    yield _tried("queue", gateway.wakes.ping, "RQ's Redis answers", "start it, or set QUEUE_URL")
    yield _spool(gateway)
    yield _records(gateway)
    yield from _programs(gateway)
    yield from _processes(gateway)
    for account in settings.accounts.values():
        if usable(account):
            yield Finding(f"account {account.name}", OK, f"{account.provider}, has its secret")
    yield from _conditions(gateway)


def _conditions(gateway: Gateway) -> Iterator[Finding]:
    """What the alert rules tell too. What hinders asking has been told before."""
    with suppress(SmsGateError):
        seen = sights(gateway.store, gateway.settings, dict)
        for one in conditions(seen, here=socket.gethostname()):
            yield Finding(one.subject, FAULT if one.fault else WARNING, one.said, one.mend)


def _tried(subject: str, ask: Callable[[], object], good: str, mend: str) -> Finding:
    try:
        ask()
    except SmsGateError as error:
        return Finding(subject, FAULT, str(error), mend)
    return Finding(subject, OK, good)


def _spool(gateway: Gateway) -> Finding:
    try:
        depth = gateway.spool.depth()
    except SmsGateError as error:
        return Finding("spool", FAULT, str(error), "make SMSGATE_DATA_DIR writable, with room")
    if depth:
        said = f"{depth} messages wait on this host for the store"
        return Finding("spool", WARNING, said, "let `web` run here and reach Redis: it hands over")
    return Finding("spool", OK, "nothing waits on this host's disk")


def _records(gateway: Gateway) -> Finding:
    said = gateway.recording.state()
    if said == "ok":
        return Finding("records", OK, "everything that happened is in the records")
    state = WARNING if said.startswith("ok;") else FAULT
    mend = "`smsgate records status`; a number that grows: start the clock, or the database"
    return Finding("records", state, said.removeprefix("ok; "), mend)


def _durability(gateway: Gateway) -> Iterator[Finding]:
    try:
        weak = gateway.store.health.weaknesses()
    except SmsGateError as error:
        yield Finding("durability", FAULT, str(error), "start Redis, or set REDIS_URL")
        return
    for said in weak:
        yield Finding("durability", WARNING, said, DURABLE)
    if not weak:
        yield Finding("durability", OK, "every write is on disk before it is acknowledged")


def _exposed(gateway: Gateway) -> Iterator[Finding]:
    """Whether others than smsgate get at Redis."""
    urls = {"REDIS_URL": gateway.settings.redis_url, "QUEUE_URL": gateway.settings.queue_url}
    if urls["QUEUE_URL"] == urls["REDIS_URL"]:
        del urls["QUEUE_URL"]
    for name, url in urls.items():
        for said in exposures(url):
            yield Finding(name, WARNING, f"the Redis of {name} {said}", _PROTECTED)


def _programs(gateway: Gateway) -> Iterator[Finding]:
    try:
        known = gateway.store.marker.programs()
    except SmsGateError as error:
        yield Finding("programs", FAULT, str(error), "start Redis, or set REDIS_URL")
        return
    for program in gateway.settings.programs:
        if program.name in known:
            yield Finding(f"program {program.name}", OK, "published to every gate")
        else:
            said = "is not published yet, so no gate knows it"
            mend = "start the clock, or run `smsgate init`"
            yield Finding(f"program {program.name}", FAULT, said, mend)


def _processes(gateway: Gateway) -> Iterator[Finding]:
    """What runs where; a process that keeps an old configuration says why.

    That none of a kind runs is a condition, which the alerts tell too.
    """
    try:
        snapshot = gateway.store.heartbeats.snapshot()
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
