"""One account: is it set up, and why are its webhooks refused?"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from smsgate.domain.errors import CallFailed, StoreUnavailable, UnknownAccount
from smsgate.domain.messages import Reply
from smsgate.features.accounts.doctor.at_twilio import ThroughOutbound, ask_twilio
from smsgate.features.accounts.doctor.finding import FAULT, OK, WARNING, Finding
from smsgate.pipeline.services import Services
from smsgate.providers import PROVIDERS, check_accounts, usable
from smsgate.settings import Account

_NO_REPLY = Reply("", "opt_out", "", "+10000000000", "+10000000000", "", "", 0)
"""Never sent: described only for where its access token would come from."""


def look_at(services: Services, name: str) -> Iterator[Finding]:
    """Look at one account. Raises ``UnknownAccount``."""
    account = services.settings.accounts.get(name)
    if account is None:
        known = ", ".join(services.settings.accounts) or "none"
        raise UnknownAccount(f"There is no account {name!r}; the accounts are: {known}.")
    yield from _credentials(account)
    yield from _address(account)
    yield from _token(services, account)
    try:
        yield from [
            *_accepted(services, account),
            *without_proxy(services, account),
            *_refused(services, account),
        ]
    except StoreUnavailable as error:
        yield Finding("store", FAULT, str(error), error.mend)
    if account.provider == "twilio" and usable(account) and not account.simulated:
        yield from _twilio(services, account)


def _twilio(services: Services, account: Account) -> Iterator[Finding]:
    # The SDK's client takes longer to load than all of smsgate; other commands should not wait.
    from twilio.rest import Client  # noqa: PLC0415

    secret = account.secrets["auth_token"][0].value
    http = ThroughOutbound(account.api_url)
    client = Client(account.options["account_sid"], secret, http_client=http)
    yield from ask_twilio(account, services.settings.programs, client)


def _credentials(account: Account) -> Iterator[Finding]:
    faults = check_accounts([account])
    for fault in faults:
        yield Finding("credentials", FAULT, f"{fault.key} {fault.problem}")
    if not faults and not usable(account):
        fields = [field for field in PROVIDERS[account.provider].fields if field.required]
        wanted = "; ".join(f"{field.name}, {field.what}" for field in fields)
        yield Finding("credentials", FAULT, f"nothing is set, so it answers 503. Set: {wanted}")
    elif not faults:
        yield Finding("credentials", OK, f"all that {account.provider} needs has the right shape")


def _address(account: Account) -> Iterator[Finding]:
    if not account.public_url:
        said = "is not set: set SMSGATE_PUBLIC_URL to the address that the provider calls"
        yield Finding("public URL", FAULT, said)
        return
    secure = urlsplit(account.public_url).scheme == "https"
    said = account.public_url if secure else f"{account.public_url} is not https"
    yield Finding("public URL", OK if secure else WARNING, said)
    yield Finding(
        "webhook",
        OK,
        f"set {account.public_url}/webhooks/{account.name} at the provider, POST; where its page "
        f"wants a secret in the path, with /SECRET. See docs/providers/{account.provider}.md",
    )


def _refused(services: Services, account: Account) -> Iterator[Finding]:
    refused = services.store.quarantine.newest(account.name)
    if not refused:
        yield Finding("refused", OK, "no request was refused in the last 24 hours")
    # What nothing of ours explains may be a stranger's forgery, and those are to be expected.
    said: Counter[tuple[str, str]] = Counter()
    for one in refused:
        said[FAULT if one.cause else WARNING, f"{one.finding} ({one.problem})"] += one.count
    for (state, sentence), count in said.items():
        yield Finding("refused", state, f"{count} of the {said.total()} looked into: {sentence}")


def _token(services: Services, account: Account) -> Iterator[Finding]:
    """Whether the account gets an access token, where it sends by one."""
    if not usable(account):
        return
    source = PROVIDERS[account.provider].reply(_NO_REPLY, account).token_from
    if source is None:
        return
    try:
        status = services.outbound.perform(source).status
    except CallFailed as error:
        yield Finding("access token", WARNING, f"could not be asked for: {error}")
        return
    if 200 <= status < 300:
        yield Finding("access token", OK, f"{account.provider} gives one for sending")
    else:
        said = f"is refused with status {status}: nothing can be sent. Compare the client's secret"
        yield Finding("access token", FAULT, said)


def _accepted(services: Services, account: Account) -> Iterator[Finding]:
    """When requests were last accepted, and whether a rotation of secrets can be finished."""
    last = services.store.acceptance.last(account.name)
    newest = max(last.newest_ms, last.older_ms)
    if newest:
        yield Finding("accepted", OK, f"the last request that was verified came {_ago(newest)}")
    else:
        said = "no request was verified in the last 30 days: text HELLO to a number of it"
        yield Finding("accepted", WARNING, said)
    if last.older_ms:
        said = f"an older one was used {_ago(last.older_ms)}: something still signs with it"
        yield Finding("secrets", WARNING, said)
    elif last.several_since_ms and last.newest_ms:
        said = f"only the newest was used since there are several, {_ago(last.several_since_ms)}"
        yield Finding("secrets", OK, f"{said}: the older ones can go once nobody signs by them")


def without_proxy(services: Services, account: Account) -> Iterator[Finding]:
    """Whether requests come without a proxy although the public URL is https.

    Raises ``StoreUnavailable``.
    """
    direct_ms = services.store.acceptance.last(account.name).direct_ms
    if direct_ms and urlsplit(account.public_url).scheme == "https":
        said = (
            f"a request for {account.name} came without a proxy's headers {_ago(direct_ms)}, and "
            "its public URL is https: without a buffering proxy a few slow clients hold up all"
        )
        yield Finding("proxy", WARNING, said, "put one in front, as docs/deployment.md says")


def _ago(moment_ms: int) -> str:
    minutes = max(0, int(time.time() - moment_ms / 1000) // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    hours = minutes // 60
    return f"{hours} h ago" if hours < 72 else f"{hours // 24} days ago"
