"""The doctor of one account: its credentials, addresses, requests, and its provider's list."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from smsgate.domain.errors import (
    CallFailed,
    StoreUnavailable,
    UnknownAccount,
)
from smsgate.domain.messages import Reply
from smsgate.features.accounts.doctor_result import FAULT, OK, WARNING, DoctorResult
from smsgate.features.accounts.opt_out_list_check import opt_out_list_notes
from smsgate.pipeline.reviews import list_open, read_cases
from smsgate.pipeline.services import Services
from smsgate.providers import PROVIDERS, check_accounts, usable
from smsgate.settings import Account, Settings

_SAMPLE_REPLY = Reply("", "opt_out", "", "+10000000000", "+10000000000", "", "", 0)
"""Never sent: described only to learn where its access token would come from."""


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
            *missing_proxy(services, account),
            *_refused_requests(services, account),
            *opt_out_list(services, account, "opt-out list"),
            *doubtful_texts(services, account),
        ]
    except StoreUnavailable as error:
        yield DoctorResult("store", FAULT, str(error), error.remedy)
    if account.provider == "twilio" and usable(account) and not account.simulated:
        # Twilio's SDK takes longer to load than all of smsgate; other commands should not wait.
        from smsgate.features.accounts.twilio_check import check_twilio  # noqa: PLC0415

        yield from check_twilio(account, services.settings.programs, services.outbound)


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


def missing_proxy(services: Services, account: Account) -> Iterator[DoctorResult]:
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


def doubtful_texts(services: Services, only: Account | None = None) -> Iterator[DoctorResult]:
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


def opt_out_list(services: Services, account: Account, subject: str) -> Iterator[DoctorResult]:
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
