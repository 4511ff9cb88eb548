"""The doctor of one account: its credentials, addresses, requests, and its provider's list."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from smsgate.domain.errors import CallFailed, StoreUnavailable, UnknownAccount
from smsgate.domain.messages import Reply
from smsgate.features.accounts.doctor_result import CheckState, DoctorResult
from smsgate.features.accounts.setup_view import webhook_of
from smsgate.features.accounts.twilio_check import check_twilio
from smsgate.metrics.snapshot import ListComparison
from smsgate.pipeline.conditions import span
from smsgate.pipeline.reviews import list_open, read_cases
from smsgate.pipeline.services import Services
from smsgate.providers import OPT_OUT_LISTS, PROVIDERS, check_accounts, usable
from smsgate.settings import ANY_SENDER, Account, Settings

_SAMPLE_REPLY = Reply("", "opt_out", "", "+10000000000", "+10000000000", "", "", 0)
"""Never sent: described only to learn where its access token would come from."""


def find_account(settings: Settings, name: str) -> Account:
    """Return the account of that name. Raises ``UnknownAccount``, which lists the accounts."""
    account = settings.accounts.get(name)
    if account is None:
        known = ", ".join(settings.accounts) or "none"
        raise UnknownAccount(f"There is no account {name!r}; the accounts are: {known}.")
    return account


def check_account(services: Services, name: str, *, ask: bool = True) -> Iterator[DoctorResult]:
    """Check one account, at its provider too if it may ``ask``. Raises ``UnknownAccount``."""
    account = find_account(services.settings, name)
    yield from _configured(account)
    if ask:
        yield from _access_token(services, account)
    try:
        yield from [*_requests(services, account), *check_traffic(services, account)]
    except StoreUnavailable as error:
        yield DoctorResult("store", "fault", str(error), error.remedy)
    if ask and account.provider == "twilio" and usable(account) and not account.simulated:
        yield from check_twilio(account, services.settings.programs, services.outbound)


def check_traffic(services: Services, account: Account) -> Iterator[DoctorResult]:
    """Check what the store knows of an account's proxy, texts and provider's list.

    Raises ``StoreUnavailable``.
    """
    direct_ms = services.store.acceptance.last(account.name).direct_ms
    if direct_ms and urlsplit(account.public_url).scheme == "https":
        text = (
            f"a request for {account.name} came without a proxy's headers {_ago(direct_ms)}, and "
            "its public URL is https: without a buffering proxy a few slow clients hold up all"
        )
        remedy = "put one in front, as docs/deployment.md says"
        yield DoctorResult("proxy", "warning", text, remedy)
    for state, text in _opt_out_list(services, account):
        yield DoctorResult(f"opt-out list of {account.name}", state, text)
    waiting = read_cases(services.store, services.records, list_open(services.store))
    counts = Counter(
        case.entry.decision.note
        for case in waiting
        if case.entry is not None
        and (case.entry.account, case.entry.decision.rule) == (account.name, "doubtful")
    )
    for why, count in counts.items():
        text = f"{why}: {count:,} kept as received, waiting for a person"
        remedy = "`smsgate review list`; set what docs/providers/ says of character sets"
        yield DoctorResult(f"texts of {account.name}", "warning", text, remedy)


def _configured(account: Account) -> Iterator[DoctorResult]:
    """Whether credentials and address are set."""
    faults = check_accounts([account])
    for fault in faults:
        yield DoctorResult("credentials", "fault", f"{fault.key} {fault.problem}")
    if not faults and not usable(account):
        fields = [field for field in PROVIDERS[account.provider].fields if field.required]
        wanted = "; ".join(f"{field.name}, {field.what}" for field in fields)
        text = f"nothing is set, so it answers 503. Set: {wanted}"
        yield DoctorResult("credentials", "fault", text)
    elif not faults:
        text = f"all that {account.provider} needs has the right shape"
        yield DoctorResult("credentials", "ok", text)
    if not account.public_url:
        text = "is not set: set SMSGATE_PUBLIC_URL to the address that the provider calls"
        yield DoctorResult("public URL", "fault", text)
        return
    is_https = urlsplit(account.public_url).scheme == "https"
    text = account.public_url + ("" if is_https else " is not https")
    yield DoctorResult("public URL", "ok" if is_https else "warning", text)
    page = f"docs/providers/{account.options.get('preset') or account.provider}.md"
    text = f"set {webhook_of(account)} at the provider, POST; see {page}"
    yield DoctorResult("webhook", "ok", text)


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
        yield DoctorResult("access token", "warning", f"could not be asked for: {error}")
        return
    if 200 <= status < 300:
        yield DoctorResult("access token", "ok", f"{account.provider} gives one for sending")
    else:
        text = f"is refused with status {status}: nothing can be sent. Compare the client's secret"
        yield DoctorResult("access token", "fault", text)


def _requests(services: Services, account: Account) -> Iterator[DoctorResult]:
    """What came, what was refused, and whether a rotation of secrets can be finished."""
    last = services.store.acceptance.last(account.name)
    if newest_ms := max(last.newest_ms, last.older_ms):
        text = f"the last request that was verified came {_ago(newest_ms)}"
        yield DoctorResult("accepted", "ok", text)
    else:
        text = "no request was verified in the last 30 days: text HELLO to a number of it"
        yield DoctorResult("accepted", "warning", text)
    if last.older_ms:
        text = f"an older one was used {_ago(last.older_ms)}: something still signs with it"
        yield DoctorResult("secrets", "warning", text)
    elif last.several_since_ms and last.newest_ms:
        text = f"only the newest was used since there are several, {_ago(last.several_since_ms)}"
        text += ": the older ones can go once nobody signs by them"
        yield DoctorResult("secrets", "ok", text)
    refused = services.store.quarantine.newest(account.name)
    if not refused:
        yield DoctorResult("refused", "ok", "no request was refused in the last 24 hours")
    counts: Counter[tuple[CheckState, str]] = Counter()
    for one in refused:
        # Without a cause of ours it may be a stranger's forgery, and those are to be expected.
        counts["fault" if one.cause else "warning", f"{one.finding} ({one.problem})"] += one.count
    for (state, sentence), count in counts.items():
        text = f"{count} of the {counts.total()} looked into: {sentence}"
        yield DoctorResult("refused", state, text)


def _opt_out_list(services: Services, account: Account) -> Iterator[tuple[CheckState, str]]:
    """How an account's opt-outs agree with its provider's own list: pairs of state and text.

    Nothing where the account does not ask for it. Raises ``StoreUnavailable``.
    """
    if not account.opt_out_list or account.provider not in OPT_OUT_LISTS:
        return
    access = OPT_OUT_LISTS[account.provider].opt_out_list
    mine = [one for one in services.settings.programs if one.account == account.name]
    untold = ", ".join(one.name for one in mine if set(one.senders) == {ANY_SENDER})
    if access.holds_for == "sender" and untold:
        text = (
            f"opt-outs of {untold} cannot be told to the provider: its list needs a number or "
            "service in `senders`"
        )
        yield "warning", text
    status = services.store.opt_out_lists.read(account.name)
    if status is None:
        yield "warning", "not compared yet, so the differences are unknown: is the clock at work?"
        return
    told = f"{status.reported:,} reported to the provider" if access.holds_for else "none reported"
    behind = "; some wait to be told" if status.is_behind else ""
    yield "ok", f"{status.taken:,} opt-outs were taken from it, {told}{behind}"
    for reason, count in status.refusals.items():
        yield "warning", f"{count:,} opt-outs of ours are not on it: {reason}"
    if not access.is_readable:
        yield "ok", f"{account.provider} lets nobody read its list: the differences are unknown"
    elif status.comparison is None:
        yield "warning", "it was never read to its end, so the differences are unknown"
    else:
        yield from _differences(status.comparison, account.provider)
    if status.problem:
        yield "warning", f"it cannot be compared now: {status.problem}"


def _differences(found: ListComparison, provider: str) -> Iterator[tuple[CheckState, str]]:
    yield "ok", f"read {_ago(int(found.at_s * 1000))}: {found.listed:,} entries"
    if found.there_only:
        text = (
            f"{found.there_only:,} entries are about numbers that came back here since: "
            f"{provider} refuses texts to them until it lifts the entry itself"
        )
        yield "warning", text
    if found.foreign:
        yield "ok", f"{found.foreign:,} entries of senders that no program has were left alone"
    if found.unreadable:
        yield "warning", f"{found.unreadable:,} entries have no readable number"


def _ago(moment_ms: int) -> str:
    return f"{span(max(0.0, time.time() - moment_ms / 1000))} ago"
