"""Providers that sign nothing: the webhook's address ends with a secret of the account."""

from __future__ import annotations

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import same
from smsgate.providers.base import Provider
from smsgate.providers.fields import Field
from smsgate.settings import Account


class PathSecretProvider(Provider):
    """A provider that signs nothing: knowing the URL with its secret is the only proof."""

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the address ends with a ``secret`` of the account (``PATH_SECRET``).

        Nothing else vouches for a text. Raises ``SignatureRefused``.
        """
        check_path(request, account, "secret")


def check_path(request: WebhookRequest, account: Account, key: str) -> None:
    """Return if the address ends with one of the account's secrets under ``key``.

    For providers that sign nothing: ``/webhooks/ACCOUNT/SECRET``. Raises ``SignatureRefused``.
    """
    given = path_secret(request.url)
    if not any(same(given, secret) for secret in account.values_of(key)):
        raise SignatureRefused(
            f"The address does not end with a `{key}` of the account, as in "
            "/webhooks/ACCOUNT/SECRET."
        )


def path_secret(url: str) -> str:
    """Return what may be a secret in ``…/webhooks/<account>/<secret>``: the path's last part."""
    return url.partition("#")[0].partition("?")[0].rpartition("/")[2]


PATH_SECRET = Field(
    "secret",
    "a random text of letters, digits, -, _, . and ~, the last part of the webhook's address",
    r"[A-Za-z0-9._~-]+",
    secret=True,
    chosen=True,
)
