"""The doctor: checks the whole of smsgate, and names what helps."""

from __future__ import annotations

from collections.abc import Iterator

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.accounts.account_doctor import check_traffic
from smsgate.features.accounts.doctor_result import DoctorResult
from smsgate.metrics.snapshot import KINDS, ProcessSnapshot
from smsgate.pipeline.configuration import has_keys, warnings_of
from smsgate.pipeline.services import Services
from smsgate.providers import usable
from smsgate.store.redis_address import exposures

_WELL = {
    "store": "ready, and it takes writes",
    "queue": "RQ's Redis answers",
    "records": "everything that happened is in them, or on its way",
}
"""What the doctor says of a collaborator of which no condition holds."""
_PROTECTED = "`rediss://USER:PASSWORD@host`, and `requirepass` or `ACL SETUSER` at Redis"


def check_everything(services: Services) -> list[DoctorResult]:
    """Check all of smsgate, the worst first; does not raise where a collaborator is away."""
    state = services.monitor.look()
    found = [
        DoctorResult(
            one.subject, "fault" if one.is_failure else "warning", one.sentences, one.command
        )
        for one in state.conditions
    ]
    known = {one.subject for one in state.conditions} | {*state.unusable}
    found += [DoctorResult(one, "ok", text) for one, text in _WELL.items() if one not in known]
    if not (state.spool.problem or state.spool.count):
        found.append(DoctorResult("spool", "ok", "nothing waits on this host's disk"))
    settings = services.settings
    for warning in warnings_of(settings, has_keys=has_keys(services.records)):
        remedy = "`smsgate config check`; docs/configuration.md"
        found.append(DoctorResult("configuration", "warning", warning, remedy))
    for name, url in {"QUEUE_URL": settings.queue_url, "REDIS_URL": settings.redis_url}.items():
        if name == "REDIS_URL" or url != settings.redis_url:
            found += [
                DoctorResult(name, "warning", f"the Redis of {name} {one}", _PROTECTED)
                for one in exposures(url)
            ]
    for account in settings.accounts.values():
        if usable(account):
            text = f"{account.provider}, has its secret"
            found.append(DoctorResult(f"account {account.name}", "ok", text))
    if state.snapshot is not None and state.snapshot.processes is not None:
        found += _processes(state.snapshot.processes)
        found += _in_store(services, is_ready=state.snapshot.store_obstacle is None)
    return sorted(found, key=lambda one: ("fault", "warning", "ok").index(one.state))


def _processes(processes: ProcessSnapshot) -> Iterator[DoctorResult]:
    """What runs where. That a kind does not run, or two versions do, is a condition."""
    for kind in KINDS:
        if processes.of(kind):
            yield DoctorResult(kind, "ok", f"running: {processes.where(kind)}")
    versions = {one.version for one in processes.running}
    if len(versions) == 1:
        text = f"all run one version of the configuration: {versions.pop()}"
        yield DoctorResult("processes", "ok", text)


def _in_store(services: Services, *, is_ready: bool) -> Iterator[DoctorResult]:
    """Programs and accounts as the store knows them."""
    try:
        published = services.store.programs.published()
        for account in services.settings.accounts.values():
            yield from check_traffic(services, account)
    except StoreUnavailable as error:
        yield DoctorResult("store", "fault", str(error), error.remedy)
        return
    for program in services.settings.programs if is_ready else ():
        if program.name in published:
            yield DoctorResult(f"program {program.name}", "ok", "published to every gate")
        else:
            text = "not published yet, so no gate knows it"
            remedy = "start the clock, or run `smsgate init`"
            yield DoctorResult(f"program {program.name}", "fault", text, remedy)
