"""``[programs.NAME.feed]``: where a program's changes of consent are told."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from smsgate.settings.environment import split_secrets
from smsgate.settings.shape import FeedTable
from smsgate.settings.values import Feed

_EXAMPLE = "https://crm.example.com/consent"
_SECRET = "whsec_"  # noqa: S105 - how every such secret begins
_BYTES = range(24, 65)
"""How long a key may be: standardwebhooks.com, "Signature scheme"."""


def feed_of(table: FeedTable | None) -> Feed | None:
    """The feed of a program, if it has one."""
    if table is None:
        return None
    return Feed(table.url.strip(), split_secrets(table.secret), table.allow_private)


def feed_problems(table: FeedTable | None) -> list[tuple[str, str]]:
    """Key and problem of each fault in the table."""
    if table is None:
        return []
    found = [("url", address_problem(table.url.strip(), table.allow_private, _EXAMPLE))]
    if not all(is_webhook_secret(one.value) for one in split_secrets(table.secret)):
        right = f"write {_SECRET} and 24 to 64 random bytes in base64"
        found.append(("secret", f"is no secret of Standard Webhooks: {right}"))
    return [(key, problem) for key, problem in found if problem]


def address_problem(url: str, allow_private: bool, example: str) -> str:
    """What is wrong with an address that is called with numbers in the body; ``""``: nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"is no web address: write it as {example}"
    sound = url.isascii() and url.isprintable() and " " not in url and port != 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not sound:
        return f"is no web address: write it as {example}"
    if parts.scheme == "http" and not allow_private:
        return "must be https: numbers would go over the internet for everybody to read"
    if "@" in parts.netloc or parts.fragment:
        return "must have neither user nor fragment: calls are signed with the secret"
    return ""


def is_webhook_secret(secret: str) -> bool:
    """Whether it is a secret of Standard Webhooks."""
    encoded = secret.removeprefix(_SECRET)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return secret.startswith(_SECRET) and len(key) in _BYTES
