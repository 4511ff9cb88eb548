"""What may be shown of an account: where its webhook is, and which of its keys are set."""

from __future__ import annotations

from dataclasses import dataclass

from smsgate.providers import PROVIDERS
from smsgate.providers.base import PATH_SECRET, Field
from smsgate.settings import Account

CAUSES = {
    "url": "The provider calls, and signs, another address than smsgate takes for its own: a proxy "
    "changed scheme or host, or a slash or a port is different. Set SMSGATE_PUBLIC_URL, or the "
    "account's public_url, to the address that fits, or give the provider ours.",
    "account": "Two accounts' addresses or secrets were swapped: give the provider this account's "
    "address, or swap the secrets back.",
    "clock": "This host's clock is wrong, or a proxy held the request up: set the clock, by NTP.",
    "text": "A genuine request had no text where its format promises one. It was refused: the text "
    "may have been STOP. Compare the names of the fields that came with the format on the page of "
    "this provider, or with the account's text_field.",
    "": "Most likely a stranger's forgery: any public address gets them. If the provider's own "
    "texts do not arrive, it is the secret, or something changes the body on the way.",
}
"""By ``RefusedRequest.cause`` what it means, and what mends it."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an account's table."""

    name: str
    secret: bool
    required: bool
    values: int
    """How many are set: of a secret there may be several, the newest first."""
    shown: str
    """The value; empty for a secret, which is never shown."""
    what: str
    """What would be right."""


def webhook_of(account: Account) -> str:
    """The address to give the provider; a secret that ends it is only named."""
    address = f"{account.public_url}/webhooks/{account.name}"
    return f"{address}/SECRET" if ends_in_secret(account) else address


def ends_in_secret(account: Account) -> bool:
    """Whether the webhook's address ends in a secret of the account."""
    return any(_in_path(account, field) for field in _fields(account))


def keys_of(account: Account) -> list[Key]:
    """The keys that the account's provider reads."""
    return [
        Key(
            name=field.name,
            secret=field.secret,
            required=field.required and _asked_for(account, field),
            values=_count(account, field),
            shown="" if field.secret else account.options.get(field.name, ""),
            what=field.what,
        )
        for field in _fields(account)
    ]


def _fields(account: Account) -> tuple[Field, ...]:
    return PROVIDERS[account.provider].fields


def _count(account: Account, field: Field) -> int:
    if field.secret:
        return len(account.values_of(field.name))
    return 1 if account.options.get(field.name) else 0


def _asked_for(account: Account, field: Field) -> bool:
    key, value = field.only_with or ("", "")
    return account.options.get(key, "") == value


def _in_path(account: Account, field: Field) -> bool:
    key, value = field.path_with or ("", "")
    return field is PATH_SECRET or (bool(key) and account.options.get(key) == value)
