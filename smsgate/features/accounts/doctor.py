"""The doctor: checks the whole of smsgate, or one account, and names what helps."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from smsgate.domain.errors import (
    CallFailed,
    RecordsUnavailable,
    SmsGateError,
    SpoolUnavailable,
    StoreUnavailable,
    UnknownAccount,
)
from smsgate.domain.messages import Reply
from smsgate.features.accounts.opt_out_list_check import opt_out_list_notes
from smsgate.metrics.snapshot import KINDS, Process, SpoolDepth
from smsgate.pipeline.archive_report import archive_report
from smsgate.pipeline.conditions import DURABLE, Condition, conditions
from smsgate.pipeline.monitoring import take_snapshot
from smsgate.pipeline.reviews import list_open, read_cases
from smsgate.pipeline.services import Services
from smsgate.pipeline.spool import waiting
from smsgate.providers import PROVIDERS, check_accounts, usable
from smsgate.settings import Account, Settings
from smsgate.store.redis_address import exposures

OK, WARNING, FAULT = "ok", "warning", "fault"
_APPLY = "`smsgate config apply`; restart what keeps an old version"
_PROTECTED = "`rediss://USER:PASSWORD@host`, and `requirepass` or `ACL SETUSER` at Redis"
_RECORDS_CONDITIONS = frozenset({"SmsgateRecordsLag", "SmsgateLedgerFull"})
"""Conditions about events on their way to the records: one result has them all."""
_SAMPLE_REPLY = Reply("", "opt_out", "", "+10000000000", "+10000000000", "", "", 0)
"""Never sent: described only to learn where its access token would come from."""


@dataclass(frozen=True, slots=True)
class DoctorResult:
    """The result of one check."""

    subject: str
    state: str
    """``ok``, ``warning`` or ``fault``."""
    text: str
    remedy: str = ""
    """The command or setting that helps."""

    def as_json(self) -> dict[str, str]:
        """For ``--json``."""
        return {
            "subject": self.subject,
            "state": self.state,
            "said": self.text,
            "mend": self.remedy,
        }


def worst_first(results: Iterable[DoctorResult]) -> list[DoctorResult]:
    """The results, faults first, then warnings."""
    return sorted(results, key=lambda one: (FAULT, WARNING, OK).index(one.state))


# --- the whole of smsgate -------------------------------------------------------------------------


def check_everything(services: Services) -> Iterator[DoctorResult]:
    """Check each collaborator. What rests on one that fails is not checked: one cause, one result.

    Does not raise where a collaborator is away.
    """
    try:
        services.store.health.ping()
        services.store.write_lease.refuse_unwritable()
    except StoreUnavailable as error:
        yield DoctorResult("store", FAULT, str(error), error.mend)
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
        yield from _missing_proxy(services, account)
        yield from _opt_out_list(services, account, f"opt-out list of {account.name}")
    yield from _doubtful_texts(services)
    known = _RECORDS_CONDITIONS
    if not is_ready:
        known |= {"SmsgateGateShut", "SmsgateStoreLost"}
    for one in found:
        if one.name not in known:
            state = FAULT if one.is_failure else WARNING
            yield DoctorResult(one.subject, state, one.problem, one.remedy)


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
        yield DoctorResult("durability", FAULT, str(error), error.mend)
        return
    weaknesses = [one for one in weaknesses if not one.startswith("maxmemory-policy")]
    for weakness in weaknesses:
        yield DoctorResult("durability", WARNING, weakness, DURABLE)
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
            "spool", FAULT, str(error), "make SMSGATE_DATA_DIR writable, with space"
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
    except RecordsUnavailable as error:
        remedy = "bring the database back, or set DATABASE_URL: events wait in the store meanwhile"
        return DoctorResult("records", FAULT, str(error), remedy)
    except SmsGateError as error:
        return DoctorResult("records", FAULT, str(error), "`smsgate records migrate`")
    return DoctorResult("records", OK, "their database answers")


def _records(services: Services, lagging: Sequence[Condition]) -> DoctorResult:
    """One result for what hinders events on their way to the records, and for what follows."""
    database = _database(services)
    report = archive_report(services.archiver)
    if not (lagging or report.problem or report.alarm):
        # What waits for a moment is normal.
        complete = "everything that happened is in the records"
        return DoctorResult("records", OK, report.waiting or complete)
    text = "; ".join([report.text.removeprefix("ok; "), *(one.problem for one in lagging)])
    is_fault = not report.is_ready or any(one.is_failure for one in lagging)
    if database.state != OK:
        remedy = database.remedy
    elif lagging:
        remedy = lagging[0].remedy
    else:
        remedy = "docs/records.md says what it means and what to do"
    return DoctorResult("records", FAULT if is_fault else WARNING, text, remedy)


def _programs(services: Services) -> Iterator[DoctorResult]:
    try:
        published = services.store.programs.published()
    except StoreUnavailable as error:
        yield DoctorResult("programs", FAULT, str(error), error.mend)
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
    """What runs where, and why a process keeps an old configuration.

    That no process of a kind runs is a condition.
    """
    try:
        snapshot = services.store.heartbeats.snapshot()
    except SmsGateError:
        return  # an earlier result says that the store is away
    for kind in KINDS:
        if snapshot.of(kind):
            yield DoctorResult(kind, OK, f"running: {snapshot.where(kind)}")
    for one in snapshot.running:
        for problem in [*one.problem.splitlines(), *restart_reasons(one)]:
            subject = f"process {one.name} on {one.host}:{one.pid}"
            yield DoctorResult(subject, WARNING, problem, _APPLY)
    versions = Counter(one.version for one in snapshot.running)
    text = ", ".join(f"{version} in {count}" for version, count in versions.most_common())
    if len(versions) > 1:
        text = f"the processes run different versions: {text}"
        yield DoctorResult("processes", WARNING, text, _APPLY)
    elif versions:
        yield DoctorResult("processes", OK, f"all run one version: {text}")


def restart_reasons(process: Process) -> list[str]:
    """What of the configuration a process follows only after a restart."""
    if not process.restart:
        return []
    return [f"wants a restart to follow {', '.join(process.restart)}; it keeps the old value"]


# --- one account ----------------------------------------------------------------------------------


def find_account(settings: Settings, name: str) -> Account:
    """Return the account of that name. Raises ``UnknownAccount``, which lists the accounts."""
    account = settings.accounts.get(name)
    if account is None:
        known = ", ".join(settings.accounts) or "none"
        raise UnknownAccount(f"There is no account {name!r}; the accounts are: {known}.")
    return account


def check_account(services: Services, name: str) -> Iterator[DoctorResult]:
    """Check one account, at its provider too. Raises ``UnknownAccount``."""
    account = find_account(services.settings, name)
    yield from _credentials(account)
    yield from _address(account)
    yield from _access_token(services, account)
    try:
        yield from [
            *_accepted_requests(services, account),
            *_missing_proxy(services, account),
            *_refused_requests(services, account),
            *_opt_out_list(services, account, "opt-out list"),
            *_doubtful_texts(services, account),
        ]
    except StoreUnavailable as error:
        yield DoctorResult("store", FAULT, str(error), error.mend)
    if account.provider == "twilio" and usable(account) and not account.simulated:
        # Twilio's SDK takes longer to load than all of smsgate; other commands should not wait.
        from smsgate.features.accounts.twilio_check import check_twilio  # noqa: PLC0415

        yield from check_twilio(account, services.settings.programs)


def _credentials(account: Account) -> Iterator[DoctorResult]:
    faults = check_accounts([account])
    for fault in faults:
        yield DoctorResult("credentials", FAULT, f"{fault.key} {fault.problem}")
    if not faults and not usable(account):
        fields = [field for field in PROVIDERS[account.provider].fields if field.required]
        wanted = "; ".join(f"{field.name}, {field.what}" for field in fields)
        text = f"nothing is set, so it answers 503. Set: {wanted}"
        yield DoctorResult("credentials", FAULT, text)
    elif not faults:
        text = f"all that {account.provider} needs has the right shape"
        yield DoctorResult("credentials", OK, text)


def _address(account: Account) -> Iterator[DoctorResult]:
    if not account.public_url:
        text = "is not set: set SMSGATE_PUBLIC_URL to the address that the provider calls"
        yield DoctorResult("public URL", FAULT, text)
        return
    if urlsplit(account.public_url).scheme == "https":
        yield DoctorResult("public URL", OK, account.public_url)
    else:
        yield DoctorResult("public URL", WARNING, f"{account.public_url} is not https")
    page = account.options.get("preset") or account.provider
    yield DoctorResult(
        "webhook",
        OK,
        f"set {account.public_url}/webhooks/{account.name} at the provider, POST; where its page "
        f"requires a secret in the path, with /SECRET. See docs/providers/{page}.md",
    )


def _access_token(services: Services, account: Account) -> Iterator[DoctorResult]:
    """Whether an account that sends by an access token gets one."""
    if not usable(account):
        return
    source = PROVIDERS[account.provider].reply(_SAMPLE_REPLY, account).token_from
    if source is None:
        return
    try:
        status = services.outbound.perform(source).status
    except CallFailed as error:
        yield DoctorResult("access token", WARNING, f"could not be asked for: {error}")
        return
    if 200 <= status < 300:
        yield DoctorResult("access token", OK, f"{account.provider} gives one for sending")
    else:
        text = f"is refused with status {status}: nothing can be sent. Compare the client's secret"
        yield DoctorResult("access token", FAULT, text)


def _accepted_requests(services: Services, account: Account) -> Iterator[DoctorResult]:
    """When requests were last accepted, and whether a rotation of secrets can be finished."""
    last = services.store.acceptance.last(account.name)
    if newest_ms := max(last.newest_ms, last.older_ms):
        text = f"the last request that was verified came {_ago(newest_ms)}"
        yield DoctorResult("accepted", OK, text)
    else:
        text = "no request was verified in the last 30 days: text HELLO to a number of it"
        yield DoctorResult("accepted", WARNING, text)
    if last.older_ms:
        text = f"an older one was used {_ago(last.older_ms)}: something still signs with it"
        yield DoctorResult("secrets", WARNING, text)
    elif last.several_since_ms and last.newest_ms:
        text = f"only the newest was used since there are several, {_ago(last.several_since_ms)}"
        text += ": the older ones can go once nobody signs by them"
        yield DoctorResult("secrets", OK, text)


def _missing_proxy(services: Services, account: Account) -> Iterator[DoctorResult]:
    """A warning if requests come without a proxy although the public URL is https.

    Raises ``StoreUnavailable``.
    """
    direct_ms = services.store.acceptance.last(account.name).direct_ms
    if direct_ms and urlsplit(account.public_url).scheme == "https":
        text = (
            f"a request for {account.name} came without a proxy's headers {_ago(direct_ms)}, and "
            "its public URL is https: without a buffering proxy a few slow clients hold up all"
        )
        yield DoctorResult("proxy", WARNING, text, "put one in front, as docs/deployment.md says")


def _doubtful_texts(services: Services, only: Account | None = None) -> Iterator[DoctorResult]:
    """Why texts wait of whose letters or ids nobody can be sure: a coding that is not known.

    Raises ``StoreUnavailable``.
    """
    waiting = read_cases(services.store, services.records, list_open(services.store))
    counts = Counter(
        (case.entry.account, case.entry.decision.note)
        for case in waiting
        if case.entry is not None and case.entry.decision.rule == "doubtful"
    )
    for (account, why), count in counts.items():
        if only is None or account == only.name:
            text = f"{why}: {count:,} kept as received, waiting for a person"
            remedy = "`smsgate review list`; set what docs/providers/ says of character sets"
            yield DoctorResult(f"texts of {account}", WARNING, text, remedy)


def _opt_out_list(services: Services, account: Account, subject: str) -> Iterator[DoctorResult]:
    """How the account agrees with its provider's own list. Raises ``StoreUnavailable``."""
    for state, text in opt_out_list_notes(services.store, services.settings, account):
        yield DoctorResult(subject, state, text)


def _refused_requests(services: Services, account: Account) -> Iterator[DoctorResult]:
    refused = services.store.quarantine.newest(account.name)
    if not refused:
        yield DoctorResult("refused", OK, "no request was refused in the last 24 hours")
    counts: Counter[tuple[str, str]] = Counter()
    for one in refused:
        # Without a cause of ours it may be a stranger's forgery, and those are to be expected.
        counts[FAULT if one.cause else WARNING, f"{one.finding} ({one.problem})"] += one.count
    for (state, sentence), count in counts.items():
        text = f"{count} of the {counts.total()} looked into: {sentence}"
        yield DoctorResult("refused", state, text)


def _ago(moment_ms: int) -> str:
    minutes = max(0, int(time.time() - moment_ms / 1000) // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    hours = minutes // 60
    return f"{hours} h ago" if hours < 72 else f"{hours // 24} days ago"
