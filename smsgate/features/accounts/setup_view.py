"""What the setup pages show of an account. Pure."""

from __future__ import annotations

from smsgate.providers import PROVIDERS
from smsgate.providers.fields import Field
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
"""By ``RefusedRequest.cause`` what it means, and what helps."""


def webhook_of(account: Account) -> str:
    """The address to give the provider, with ``SECRET`` in place of a secret at its end."""
    address = f"{account.public_url}/webhooks/{account.name}"
    return f"{address}/SECRET" if ends_in_secret(account) else address


def ends_in_secret(account: Account) -> bool:
    """Whether the webhook's address ends in a secret of the account."""
    return bool(PROVIDERS[account.provider].path_secret_key(account.options))


def keys_of(account: Account) -> list[tuple[Field, bool, int, str]]:
    """Each field that the account's provider reads, with what the configuration has of it.

    Whether it must be set; how many values it has, since of a secret there may be several; and the
    value, which is never shown of a secret.
    """
    found = []
    for field in PROVIDERS[account.provider].fields:
        key, value = field.only_with or ("", "")
        is_required = field.required and account.options.get(key, "") == value
        option = account.options.get(field.name, "")
        count = len(account.values_of(field.name)) if field.secret else int(bool(option))
        found.append((field, is_required, count, "" if field.secret else option))
    return found
