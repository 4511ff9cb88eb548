"""``smsgate doctor ACCOUNT``: is the account set up, and why are its webhooks refused?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from smsgate.cli.doctor_twilio import ThroughOutbound, ask_twilio
from smsgate.cli.finding import FAULT, OK, WARNING, Finding
from smsgate.errors import StoreUnavailable, UnknownAccount
from smsgate.gateway import Gateway
from smsgate.providers import PROVIDERS, check_accounts, usable
from smsgate.settings import Account


def look_at(gateway: Gateway, name: str) -> Iterator[Finding]:
    """Look at one account. Raises ``UnknownAccount``."""
    account = gateway.settings.accounts.get(name)
    if account is None:
        known = ", ".join(gateway.settings.accounts) or "none"
        raise UnknownAccount(f"There is no account {name!r}; the accounts are: {known}.")
    yield from _credentials(account)
    yield from _address(account)
    yield from _refused(gateway, account)
    if account.provider == "twilio" and usable(account) and not account.simulated:
        yield from _twilio(gateway, account)


def _twilio(gateway: Gateway, account: Account) -> Iterator[Finding]:
    # The SDK's client takes longer to load than all of smsgate; other commands should not wait.
    from twilio.rest import Client  # noqa: PLC0415

    secret = account.secrets["auth_token"][0].value
    http = ThroughOutbound(account.api_url)
    client = Client(account.options["account_sid"], secret, http_client=http)
    yield from ask_twilio(account, gateway.settings.programs, client)


def _credentials(account: Account) -> Iterator[Finding]:
    faults = check_accounts([account])
    for fault in faults:
        yield Finding("credentials", FAULT, f"{fault.key} {fault.problem}")
    if not faults and not usable(account):
        fields = [field for field in PROVIDERS[account.provider].FIELDS if field.required]
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


def _refused(gateway: Gateway, account: Account) -> Iterator[Finding]:
    try:
        refused = gateway.store.quarantine.newest(account.name)
    except StoreUnavailable as error:
        yield Finding("refused", FAULT, str(error))
        return
    if not refused:
        yield Finding("refused", OK, "no request was refused in the last 24 hours")
    for said, count in Counter(f"{one.finding} ({one.problem})" for one in refused).items():
        yield Finding("refused", FAULT, f"{count} of the newest {len(refused)}: {said}")
